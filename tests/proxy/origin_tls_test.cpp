// The origin's leg: who is believed to be who, and what a person is told otherwise.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>

#include "proxy/origin_sessions.hpp"
#include "proxy/tasks.hpp"
#include "proxy/tls.hpp"
#include "proxy/trusted_roots.hpp"
#include "tests/proxy/tls_support.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using test::CertificateSpec;
using test::Identity;
using testing::HasSubstr;

constexpr long kDay = 24 * 60 * 60;

class OriginTlsTest : public testing::Test {
 protected:
  std::unique_ptr<OriginTls> trusting(const Identity& root) {
    const test::TemporaryFile file(root.pem());
    return OriginTls::create({}, file.path()).value();
  }

  test::Connection connect_to(const CertificateSpec& spec, const std::string& name) {
    const Identity identity = test::make_identity(spec, &root_);
    const auto origin = test::origin_context(identity);
    return test::connect(context_, *tls_, origin.get(), name);
  }

  asio::io_context context_;
  Identity root_ = test::make_root("test root");
  std::unique_ptr<OriginTls> tls_ = trusting(root_);
};

TEST_F(OriginTlsTest, AcceptsCertificatesThatNameTheHost) {
  const struct {
    const char* names;
    const char* host;
  } accepted[] = {
      {"DNS:api.example.com", "api.example.com"},
      {"DNS:API.Example.COM", "api.example.com"},
      {"DNS:other.example,DNS:api.example.com", "api.example.com"},
      {"DNS:*.example.com", "api.example.com"},
      {"IP:127.0.0.1", "127.0.0.1"},
      {"IP:2001:db8::1", "2001:db8::1"},
      {"DNS:x.example,IP:192.0.2.7", "192.0.2.7"},
      {"DNS:xn--bcher-kva.example", "xn--bcher-kva.example"},
  };
  for (const auto& row : accepted) {
    const auto connection = connect_to({.alternative_names = row.names}, row.host);
    EXPECT_TRUE(connection.stream) << row.names << ": " << connection.failure.text;
  }
}

TEST_F(OriginTlsTest, RefusesCertificatesThatDoNotNameTheHost) {
  const struct {
    const char* names;
    const char* host;
    const char* why;
  } refused[] = {
      {"DNS:www.example.com", "api.example.com", "is for www.example.com"},
      {"DNS:*.example.com", "a.b.example.com", "is for *.example.com"},
      {"DNS:*.example.com", "example.com", "is for *.example.com"},
      {"DNS:a*.example.com", "api.example.com", "is for a*.example.com"},
      {"DNS:*pi.example.com", "api.example.com", "is for *pi.example.com"},
      {"DNS:api.*.com", "api.example.com", "is for api.*.com"},
      {"DNS:*.com", "example.com", "is for *.com"},
      {"DNS:*", "example.com", "is for *"},
      {"DNS:api.example.com.evil.example", "api.example.com", "evil.example"},
      {"DNS:127.0.0.1", "127.0.0.1", "is for 127.0.0.1"},  // an address is no DNS name
      {"IP:127.0.0.2", "127.0.0.1", "is for 127.0.0.2"},
      {"email:api@example.com", "api.example.com", "names no host"},
      {"URI:https://api.example.com", "api.example.com", "names no host"},
      {"", "api.example.com", "names no host"},
      {"DNS:a.example,DNS:b.example,DNS:c.example,DNS:d.example,DNS:e.example,DNS:f.example",
       "api.example.com", "is for a.example, b.example, c.example, d.example and 2 more"},
  };
  for (const auto& row : refused) {
    const auto connection = connect_to({.alternative_names = row.names}, row.host);
    EXPECT_FALSE(connection.stream) << row.names;
    EXPECT_EQ(connection.failure.error, "tls_certificate_error");
    EXPECT_THAT(connection.failure.text, HasSubstr(row.why));
    EXPECT_THAT(connection.failure.text, HasSubstr(row.host));
  }
}

TEST_F(OriginTlsTest, ACommonNameIsNoHostName) {
  const auto connection = connect_to({.common_name = "api.example.com"}, "api.example.com");
  EXPECT_FALSE(connection.stream);
  EXPECT_THAT(connection.failure.text, HasSubstr("names no host"));
}

TEST_F(OriginTlsTest, RefusesCertificatesThatAreNotValidNowOrNotForServers) {
  const struct {
    CertificateSpec spec;
    const char* why;
  } refused[] = {
      {{.alternative_names = "DNS:a.example", .begins = -2 * kDay, .ends = -kDay}, "expired on 20"},
      {{.alternative_names = "DNS:a.example", .begins = kDay, .ends = 2 * kDay},
       "is not valid before 20"},
      {{.alternative_names = "DNS:a.example", .extended_key_usage = "clientAuth"}, "purpose"},
  };
  for (const auto& row : refused) {
    const auto connection = connect_to(row.spec, "a.example");
    EXPECT_FALSE(connection.stream) << row.why;
    EXPECT_EQ(connection.failure.error, "tls_certificate_error");
    EXPECT_THAT(connection.failure.text, HasSubstr(row.why));
  }
}

TEST_F(OriginTlsTest, RefusesIssuersThatTheSystemDoesNotTrust) {
  const CertificateSpec spec{.alternative_names = "DNS:a.example"};
  const auto refusal = [&](const Identity& identity) {
    const auto origin = test::origin_context(identity);
    const auto connection = test::connect(context_, *tls_, origin.get(), "a.example");
    EXPECT_FALSE(connection.stream);
    EXPECT_EQ(connection.failure.error, "tls_certificate_error");
    return connection.failure.text;
  };
  EXPECT_THAT(refusal(test::make_identity(spec, nullptr)), HasSubstr("is self-signed"));
  const Identity other = test::make_root("another root");
  EXPECT_THAT(refusal(test::make_identity(spec, &other)), HasSubstr("another root"));
  // The same name with another key.
  const Identity impostor = test::make_root("test root");
  EXPECT_NE(refusal(test::make_identity(spec, &impostor)), "");
  // A leaf of a trusted root is no authority.
  const Identity leaf = test::make_identity({.common_name = "leaf"}, &root_);
  EXPECT_NE(refusal(test::make_identity(spec, &leaf)), "");
}

TEST_F(OriginTlsTest, TheSessionsOwnAuthorityIsNotBelieved) {
  auto authority = CertificateAuthority::create().value();
  auto pair = test::connected_pair(context_);
  TlsFailure failure;
  const auto task = [&]() -> Awaitable<int> {
    const Host name = Host::parse("a.example").value();
    auto serving = accept_tls(*authority, std::move(pair.server), "", name, "");
    auto connecting = tls_->connect(std::move(pair.client), name, {});
    auto [served, connected] = co_await both(std::move(serving), std::move(connecting));
    if (auto* refused = std::get_if<1>(&connected)) failure = *refused;
    co_return 0;
  };
  test::run(context_, task());
  EXPECT_THAT(failure.text, HasSubstr("redoubtful session CA"));
  EXPECT_EQ(failure.error, "tls_certificate_error");
}

TEST_F(OriginTlsTest, AHostsOwnAuthorityIsTrustedForThatHostAlone) {
  const Identity corporate = test::make_root("corporate root");
  const test::TemporaryFile file(corporate.pem());
  ASSERT_TRUE(tls_->trust_for(Host::parse("git.corp.example").value(), file.path()));
  const auto connected = [&](const std::string& name, const Identity& issuer) {
    const auto identity = test::make_identity({.alternative_names = "DNS:" + name}, &issuer);
    const auto origin = test::origin_context(identity);
    return test::connect(context_, *tls_, origin.get(), name).stream != nullptr;
  };
  EXPECT_TRUE(connected("git.corp.example", corporate));
  EXPECT_TRUE(connected("git.corp.example", root_));  // besides the system's
  EXPECT_FALSE(connected("www.corp.example", corporate));
  EXPECT_TRUE(connected("www.corp.example", root_));
}

TEST_F(OriginTlsTest, ASelfSignedCertificateIsBelievedWhereItIsNamed) {
  const Identity self = test::make_identity({.alternative_names = "DNS:nas.example"}, nullptr);
  const Identity issued =
      test::make_identity({.alternative_names = "DNS:pin.example"},
                          std::make_unique<Identity>(test::make_root("x")).get());
  const test::TemporaryFile self_file(self.pem());
  const test::TemporaryFile issued_file(issued.pem());
  ASSERT_TRUE(tls_->trust_for(Host::parse("nas.example").value(), self_file.path()));
  ASSERT_TRUE(tls_->trust_for(Host::parse("pin.example").value(), issued_file.path()));
  for (const auto& [name, identity] : {std::pair{"nas.example", &self}, {"pin.example", &issued}}) {
    const auto origin = test::origin_context(*identity);
    const auto connection = test::connect(context_, *tls_, origin.get(), name);
    EXPECT_TRUE(connection.stream) << connection.failure.text;
  }
}

TEST_F(OriginTlsTest, FilesWithoutACertificateAreAnError) {
  const test::TemporaryFile empty("");
  const test::TemporaryFile text("not a certificate\n");
  const test::TemporaryFile root(root_.pem());
  for (const std::string& path : {empty.path(), text.path(), std::string("/nonexistent.pem")}) {
    const auto refused = OriginTls::create({{path, {"p.yaml", 4, 10, {}}}}, root.path());
    EXPECT_EQ(refused.error().code(), Errc::kInvalidProfile);
    EXPECT_TRUE(refused.error().what().starts_with("p.yaml:4:10: network.ca: "))
        << refused.error().what();
    EXPECT_EQ(OriginTls::create({}, path).error().code(), Errc::kInvalidProfile);
    const auto result = tls_->trust_for(Host::parse("a.example").value(), path);
    EXPECT_EQ(result.error().code(), Errc::kInvalidProfile);
  }
}

TEST_F(OriginTlsTest, ChainsThatEndInTheBundleAreFoundAmongManyOthers) {
  std::string bundle;
  for (int i = 0; i < 50; ++i) bundle += test::make_root("root " + std::to_string(i)).pem();
  const CertificateSpec authority{.common_name = "intermediate",
                                  .basic_constraints = "critical,CA:TRUE",
                                  .extended_key_usage = {}};
  const Identity intermediate = test::make_identity(authority, &root_);
  bundle += "# a comment\n" + root_.pem() + intermediate.pem();
  const TrustedRoots roots(bundle);
  EXPECT_EQ(roots.size(), 52U);
  const StorePtr store(X509_STORE_new());
  roots.add_to(store.get(), X509_get_subject_name(intermediate.certificate.get()));
  EXPECT_EQ(sk_X509_OBJECT_num(X509_STORE_get0_objects(store.get())), 2);  // and its issuer

  const test::TemporaryFile file(bundle);
  auto tls = OriginTls::create({}, file.path()).value();
  const Identity leaf = test::make_identity({.alternative_names = "DNS:a.example"}, &intermediate);
  const auto origin = test::origin_context(leaf);
  const auto connection = test::connect(context_, *tls, origin.get(), "a.example");
  EXPECT_TRUE(connection.stream) << connection.failure.text;
}

TEST_F(OriginTlsTest, BundlesWithDamageKeepWhatIsWhole) {
  const std::string whole = root_.pem();
  const std::string half = whole.substr(0, whole.size() / 2);
  EXPECT_EQ(TrustedRoots(half).size(), 0U);
  EXPECT_EQ(
      TrustedRoots("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n" + whole).size(),
      1U);
  EXPECT_EQ(TrustedRoots("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n").size(),
            0U);
}

TEST_F(OriginTlsTest, TheOriginChoosesAmongTheOfferedProtocols) {
  const Identity identity = test::make_identity({.alternative_names = "DNS:a.example"}, &root_);
  const struct {
    std::vector<std::string> speaks, offered;
    const char* chosen;
  } rows[] = {
      {{"h2", "http/1.1"}, {"h2", "http/1.1"}, "h2"},
      {{"http/1.1"}, {"h2", "http/1.1"}, "http/1.1"},
      {{"h2", "http/1.1"}, {"http/1.1"}, "http/1.1"},
      {{"h2"}, {"http/1.1"}, ""},
      {{}, {"h2", "http/1.1"}, ""},
      {{"h2"}, {}, ""},
  };
  for (const auto& row : rows) {
    const auto origin = test::origin_context(identity, row.speaks);
    const auto connection = test::connect(context_, *tls_, origin.get(), "a.example", row.offered);
    ASSERT_TRUE(connection.stream) << connection.failure.text;
    EXPECT_EQ(connection.stream->protocol(), row.chosen);
  }
}

TEST_F(OriginTlsTest, ResumesWithTheSameNameOnly) {
  const Identity identity =
      test::make_identity({.alternative_names = "DNS:a.example,DNS:b.example"}, &root_);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto tls = trusting(root_);
    const auto origin = test::origin_context(identity);
    SSL_CTX_set_max_proto_version(origin.get(), version);
    // Whether the origin saw a resumption. Port and all, a second listener would be another one.
    asio::ip::tcp::acceptor acceptor(context_, {asio::ip::address_v4::loopback(), 0});
    const auto resumed = [&](const std::string& name) {
      asio::ip::tcp::socket client(context_);
      client.connect(acceptor.local_endpoint());
      asio::ip::tcp::socket server = acceptor.accept();
      bool reused = false;
      const auto task = [&]() -> Awaitable<int> {
        auto serving = test::serve(std::move(server), origin.get());
        auto connecting = tls->connect(std::move(client), Host::parse(name).value(), {});
        auto [served, connected] = co_await both(std::move(serving), std::move(connecting));
        auto* stream = std::get_if<0>(&connected);
        EXPECT_TRUE(stream != nullptr && served);
        if (stream == nullptr || !served) co_return 0;
        reused = SSL_session_reused(served->ssl()) == 1;
        // Tickets come with the first bytes. Nobody says goodbye: the session counts all the same.
        auto writing = test::write_all(*served, "x");
        auto reading = test::read_all(**stream);
        co_await both(std::move(writing), std::move(reading));
        co_return 0;
      };
      test::run(context_, task());
      return reused;
    };
    EXPECT_FALSE(resumed("a.example"));
    EXPECT_TRUE(resumed("a.example"));
    EXPECT_TRUE(resumed("a.example"));
    EXPECT_FALSE(resumed("b.example"));
    EXPECT_TRUE(resumed("b.example"));
  }
}

TEST(OriginSessions, AreBoundedAndForgottenInTurn) {
  const auto session = [] {
    SslSessionPtr made(SSL_SESSION_new());
    return made;
  };
  OriginSessions sessions;
  for (int i = 0; i < 1000; ++i) sessions.keep("host" + std::to_string(i), session());
  EXPECT_EQ(sessions.size(), 256U);
  // Without a certificate nobody knows when it expires: not used.
  EXPECT_EQ(sessions.find("host999"), nullptr);
  EXPECT_EQ(sessions.size(), 255U);
  EXPECT_EQ(sessions.find("host0"), nullptr);
}

TEST_F(OriginTlsTest, OldAndForeignProtocolsAreNamed) {
  const Identity identity = test::make_identity({.alternative_names = "DNS:a.example"}, &root_);
  const auto origin = test::origin_context(identity);
  SSL_CTX_set_security_level(origin.get(), 0);
  SSL_CTX_set_min_proto_version(origin.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(origin.get(), TLS1_1_VERSION);
  const auto old = test::connect(context_, *tls_, origin.get(), "a.example");
  EXPECT_FALSE(old.stream);
  EXPECT_EQ(old.failure.text, "a.example speaks no TLS version from 1.2 on");

  const struct {
    std::string bytes;
    const char* why;
  } answers[] = {
      {"HTTP/1.1 400 Bad Request\r\n\r\n", "a.example does not speak TLS on this port"},
      {"SSH-2.0-OpenSSH_9.2\r\n", "a.example does not speak TLS on this port"},
      {"", "a.example closed the connection during the TLS handshake"},
      {std::string("\x16\x03\x03\x00\x04\x02\x00", 7),
       "a.example closed the connection during the TLS handshake"},
      {std::string("\x15\x03\x03\x00\x02\x02\x28", 7),
       "have no cipher, group or signature in common"},
      {std::string("\x15\x03\x03\x00\x02\x02\x50", 7), "a.example ended the handshake: "},
  };
  for (const auto& row : answers) {
    auto pair = test::connected_pair(context_);
    std::string text;
    const auto task = [&]() -> Awaitable<int> {
      asio::write(pair.server, asio::buffer(row.bytes));
      pair.server.shutdown(asio::socket_base::shutdown_send);
      const Host name = Host::parse("a.example").value();
      const auto outcome = co_await tls_->connect(std::move(pair.client), name, {});
      if (const auto* failure = std::get_if<1>(&outcome)) text = failure->text;
      co_return 0;
    };
    test::run(context_, task());
    EXPECT_THAT(text, HasSubstr(row.why));
  }
}

}  // namespace
}  // namespace redoubtful::proxy
