// The session's certificates, as the clients in the box see them.

#include "proxy/certificate_authority.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <boost/asio/io_context.hpp>
#include <set>

#include "proxy/tls.hpp"
#include "tests/proxy/tls_support.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using testing::MatchesRegex;

CertificatePtr parsed(const std::string& pem) {
  const BioPtr memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return CertificatePtr(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
}

CertificatePtr leaf_of(CertificateAuthority& authority, const std::string& name) {
  const std::string protocol;
  const SslPtr ssl = authority.server(Host::parse(name).value(), protocol).value();
  X509* leaf = SSL_get_certificate(ssl.get());
  X509_up_ref(leaf);
  return CertificatePtr(leaf);
}

std::string serial_of(const X509* certificate) {
  const BignumPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number.get())), '\0');
  BN_bn2bin(number.get(), reinterpret_cast<unsigned char*>(bytes.data()));
  return bytes;
}

// X509_V_OK, or OpenSSL's words.
std::string verified(X509* root, X509* leaf, const std::string& name) {
  const StorePtr store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), root);
  const OpensslPtr<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf, nullptr);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE |
                                              X509_V_FLAG_POLICY_CHECK);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_auth_level(parameters, 2);
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (Host::parse(name).value().is_address()) {
    X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size());
  }
  if (X509_verify_cert(context.get()) == 1) return "ok";
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

const std::string kLongName = std::string(60, 'a') + "." + std::string(60, 'b') + ".example";

TEST(CertificateAuthority, LeavesVerifyInOpensslsStrictMode) {
  auto authority = CertificateAuthority::create().value();
  const CertificatePtr root = parsed(authority->certificate_pem());
  for (const std::string& name :
       {std::string("api.example.com"), std::string("127.0.0.1"), std::string("2001:db8::1"),
        std::string("localhost"), std::string("xn--bcher-kva.example"), kLongName}) {
    const CertificatePtr leaf = leaf_of(*authority, name);
    EXPECT_EQ(verified(root.get(), leaf.get(), name), "ok") << name;
    EXPECT_NE(verified(root.get(), leaf.get(), "other.example"), "ok") << name;
  }
  auto stranger = CertificateAuthority::create().value();
  const CertificatePtr leaf = leaf_of(*stranger, "api.example.com");
  EXPECT_NE(verified(root.get(), leaf.get(), "api.example.com"), "ok");
}

TEST(CertificateAuthority, LeavesOfALongLivedOneEndWithIt) {
  auto authority = CertificateAuthority::create(CertificateAuthority::kStandalone).value();
  const CertificatePtr root = parsed(authority->certificate_pem());
  const CertificatePtr leaf = leaf_of(*authority, "api.example.com");
  for (X509* certificate : {root.get(), leaf.get()}) {
    int days = 0;
    int seconds = 0;
    ASSERT_EQ(ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate)), 1);
    EXPECT_NEAR(days * 86400 + seconds, 365 * 86400, 60);
  }
  EXPECT_EQ(verified(root.get(), leaf.get(), "api.example.com"), "ok");
}

TEST(CertificateAuthority, IsOneForServersOfOneLevelAndOneDay) {
  auto authority = CertificateAuthority::create().value();
  const CertificatePtr root = parsed(authority->certificate_pem());
  EXPECT_EQ(X509_check_ca(root.get()), 1);
  EXPECT_EQ(X509_get_pathlen(root.get()), 0);
  EXPECT_EQ(X509_get_key_usage(root.get()), static_cast<unsigned>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
  EXPECT_NE(X509_get0_subject_key_id(root.get()), nullptr);
  for (const int nid : {NID_basic_constraints, NID_key_usage}) {
    const int at = X509_get_ext_by_NID(root.get(), nid, -1);
    EXPECT_EQ(X509_EXTENSION_get_critical(X509_get_ext(root.get(), at)), 1);
  }
  // OpenSSL reads more than DER allows; Go does not.
  const int place = X509_get_ext_by_NID(root.get(), NID_basic_constraints, -1);
  const ASN1_OCTET_STRING* der = X509_EXTENSION_get_data(X509_get_ext(root.get(), place));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(der)),
                        static_cast<std::size_t>(ASN1_STRING_length(der))),
            std::string("\x30\x06\x01\x01\xff\x02\x01\x00", 8));
  int days = 0;
  int seconds = 0;
  ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(root.get()), X509_get0_notAfter(root.get()));
  EXPECT_EQ(days * 24 * 3600 + seconds, 25 * 3600);  // an hour of it lies in the past
  char name[100];
  X509_NAME_get_text_by_NID(X509_get_subject_name(root.get()), NID_commonName, name, sizeof name);
  EXPECT_THAT(name, MatchesRegex("redoubtful session CA [0-9a-f]+"));
  EXPECT_EQ(authority->certificate_pem().find("PRIVATE"), std::string::npos);
}

TEST(CertificateAuthority, ALeafIsNoAuthorityAndForServersOnly) {
  auto authority = CertificateAuthority::create().value();
  const CertificatePtr leaf = leaf_of(*authority, "api.example.com");
  EXPECT_EQ(X509_check_ca(leaf.get()), 0);
  EXPECT_EQ(X509_get_key_usage(leaf.get()), static_cast<unsigned>(KU_DIGITAL_SIGNATURE));
  EXPECT_EQ(X509_get_extended_key_usage(leaf.get()), static_cast<unsigned>(XKU_SSL_SERVER));
  EXPECT_NE(X509_get0_subject_key_id(leaf.get()), nullptr);
  EXPECT_NE(X509_get0_authority_key_id(leaf.get()), nullptr);
}

TEST(CertificateAuthority, NoTwoSessionsAndNoTwoCertificatesAreTakenForOneAnother) {
  auto authority = CertificateAuthority::create().value();
  auto another = CertificateAuthority::create().value();
  const CertificatePtr root = parsed(authority->certificate_pem());
  const CertificatePtr other = parsed(another->certificate_pem());
  EXPECT_NE(X509_NAME_cmp(X509_get_subject_name(root.get()), X509_get_subject_name(other.get())),
            0);
  std::set<std::string> serials = {serial_of(root.get()), serial_of(other.get())};
  for (int i = 0; i < 20; ++i) {
    const std::string name = "host" + std::to_string(i) + ".example";
    const std::string serial = serial_of(leaf_of(*authority, name).get());
    EXPECT_EQ(serial.size(), 16U);
    serials.insert(serial);
  }
  EXPECT_EQ(serials.size(), 22U);
}

TEST(CertificateAuthority, KeepsLeavesAndForgetsTheLeastUsed) {
  auto authority = CertificateAuthority::create().value();
  const std::string first = serial_of(leaf_of(*authority, "first.example").get());
  const std::string second = serial_of(leaf_of(*authority, "second.example").get());
  for (int i = 0; i < 1023; ++i) {
    leaf_of(*authority, "host" + std::to_string(i) + ".example");
    if (i % 100 != 0) continue;
    EXPECT_EQ(serial_of(leaf_of(*authority, "first.example").get()), first);
  }
  EXPECT_EQ(serial_of(leaf_of(*authority, "first.example").get()), first);
  EXPECT_NE(serial_of(leaf_of(*authority, "second.example").get()), second);
}

TEST(CertificateAuthority, KeysAreInTheSecureHeap) {
  ASSERT_NE(initialize_openssl(), SecureHeap::kAbsent);
  // OpenSSL's random generators are there too, from their first use to the end of the process.
  CertificateAuthority::create().value().reset();
  const std::size_t before = CRYPTO_secure_used();
  auto authority = CertificateAuthority::create().value();
  EXPECT_GE(CRYPTO_secure_used(), before + 2 * 32);  // two private keys of 32 bytes
  authority.reset();
  EXPECT_LE(CRYPTO_secure_used(), before);
}

// Handshakes that never end hold ephemeral keys there.
TEST(CertificateAuthority, TheSecureHeapHoldsAThousandHandshakesUnderWay) {
  auto authority = CertificateAuthority::create().value();
  SslContextPtr client(SSL_CTX_new(TLS_client_method()));
  std::vector<SslPtr> under_way;
  for (int i = 0; i < 2048; ++i) {
    under_way.emplace_back(SSL_new(client.get()));
    SSL* ssl = under_way.back().get();
    SSL_set1_groups_list(ssl, i % 2 == 0 ? "X25519" : "P-256");
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    ASSERT_EQ(SSL_get_error(ssl, SSL_do_handshake(ssl)), SSL_ERROR_WANT_READ) << i;
  }
  EXPECT_TRUE(CertificateAuthority::create().has_value());
}

class ClientLeg : public testing::Test {
 protected:
  // A client with sessions of its own; `resume` may be null.
  test::Accepted accept(const std::string& name, SSL_SESSION* resume,
                        const std::vector<std::string>& offered = {}, std::string chosen = {}) {
    SslPtr ssl(SSL_new(client_.get()));
    if (resume != nullptr) SSL_set_session(ssl.get(), resume);
    std::string wire;
    for (const std::string& protocol : offered) {
      wire += static_cast<char>(protocol.size());
      wire += protocol;
    }
    SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned>(wire.size()));
    return test::accept(context_, *authority_, std::move(ssl), name, std::move(chosen));
  }

  // The session as it is after a ticket came.
  SslSessionPtr session_of(test::Accepted& accepted) {
    const auto task = [&]() -> Awaitable<int> {
      co_await test::write_all(*accepted.stream, "x");
      co_await test::read_all(*accepted.client);
      co_return 0;
    };
    test::run(context_, task());
    return SslSessionPtr(SSL_get1_session(accepted.client->ssl()));
  }

  asio::io_context context_;
  std::unique_ptr<CertificateAuthority> authority_ = CertificateAuthority::create().value();
  SslContextPtr client_{SSL_CTX_new(TLS_client_method())};
};

TEST_F(ClientLeg, ATicketResumesForItsNameOnly) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SSL_CTX_set_max_proto_version(client_.get(), version);
    auto first = accept("a.example", nullptr);
    EXPECT_FALSE(SSL_session_reused(first.client->ssl()));
    const SslSessionPtr session = session_of(first);
    auto again = accept("a.example", session.get());
    EXPECT_TRUE(SSL_session_reused(again.client->ssl()));
    auto other = accept("b.example", session.get());
    ASSERT_TRUE(other.client) << other.failure.text;
    EXPECT_FALSE(SSL_session_reused(other.client->ssl()));
    auto stranger = std::exchange(authority_, CertificateAuthority::create().value());
    auto elsewhere = accept("a.example", session.get());
    EXPECT_FALSE(SSL_session_reused(elsewhere.client->ssl()));
  }
}

TEST_F(ClientLeg, AlpnIsWhatTheOriginChoseIfTheClientOffersIt) {
  const struct {
    std::vector<std::string> offered;
    const char* origin;
    const char* chosen;
  } rows[] = {
      {{"h2", "http/1.1"}, "h2", "h2"},
      {{"h2", "http/1.1"}, "http/1.1", "http/1.1"},
      {{"http/1.1"}, "h2", ""},
      {{"h2", "http/1.1"}, "", ""},
      {{}, "h2", ""},
      {{"h", "h22", "http/1.1"}, "h2", ""},
  };
  for (const auto& row : rows) {
    const auto accepted = accept("a.example", nullptr, row.offered, row.origin);
    ASSERT_TRUE(accepted.stream && accepted.client) << accepted.failure.text;
    EXPECT_EQ(accepted.stream->protocol(), row.chosen);
    EXPECT_EQ(accepted.client->protocol(), row.chosen);
  }
}

}  // namespace
}  // namespace redoubtful::proxy
