// The stream itself: what arrives is what was sent, whole or with an error, whatever the peer does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <random>

#include "proxy/limits.hpp"
#include "proxy/tasks.hpp"
#include "proxy/tls.hpp"
#include "tests/proxy/tls_support.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using test::run;
using testing::HasSubstr;

Host host(const std::string& text) { return Host::parse(text).value(); }

// Does not repeat, so that a piece in the wrong place is seen.
std::string noise(std::size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// accept_tls on one side, OriginTls on the other, in each version of TLS.
class TlsStreamTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    SslContextPtr client(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_clear_mode(client.get(), SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_min_proto_version(client.get(), GetParam());
    SSL_CTX_set_max_proto_version(client.get(), GetParam());
    auto accepted = test::accept(context_, *authority_, SslPtr(SSL_new(client.get())), "a.example");
    ASSERT_TRUE(accepted.client && accepted.stream) << accepted.failure.text;
    client_ = std::move(accepted.client);
    server_ = std::move(accepted.stream);
  }

  asio::io_context context_;
  std::unique_ptr<CertificateAuthority> authority_ = CertificateAuthority::create().value();
  std::unique_ptr<TlsStream> client_;
  std::unique_ptr<Stream> server_;
};

INSTANTIATE_TEST_SUITE_P(EachVersion, TlsStreamTest,
                         testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(TlsStreamTest, LargeTransfersBothWaysAtOnceArriveWhole) {
  const std::string up = noise(12'000'001, 1);
  const std::string down = noise(9'000'003, 2);
  const auto task = [&]() -> Awaitable<int> {
    auto write_up = test::write_all(*client_, up);
    auto write_down = test::write_all(*server_, down);
    auto writes = both(std::move(write_up), std::move(write_down));
    auto read_up = test::read_all(*server_);
    auto read_down = test::read_all(*client_);
    auto reads = both(std::move(read_up), std::move(read_down));
    auto [written, heard] = co_await both(std::move(writes), std::move(reads));
    EXPECT_TRUE(std::get<0>(heard) == up);
    EXPECT_TRUE(std::get<1>(heard) == down);
    co_return 0;
  };
  run(context_, task());
}

TEST_P(TlsStreamTest, BuffersOfAllSizesKeepTheirOrder) {
  std::vector<std::string> pieces;
  for (const std::size_t size :
       {1U, 0U, 3U, 16383U, 16384U, 16385U, 0U, 70000U, 5U, 65536U, 100U, 200000U, 1U}) {
    pieces.push_back(noise(size, static_cast<unsigned>(size)));
  }
  std::string whole;
  std::vector<asio::const_buffer> buffers;
  for (const std::string& piece : pieces) {
    whole += piece;
    buffers.push_back(asio::buffer(piece));
  }
  const auto task = [&]() -> Awaitable<int> {
    const auto write = [&]() -> Awaitable<int> {
      const IoResult put = co_await server_->write(buffers);
      EXPECT_EQ(put.bytes, whole.size());
      co_await server_->shutdown_write();
      co_return 0;
    };
    auto writing = write();
    auto reading = test::read_all(*client_);
    auto [written, heard] = co_await both(std::move(writing), std::move(reading));
    EXPECT_TRUE(heard == whole);
    co_return 0;
  };
  run(context_, task());
}

TEST_P(TlsStreamTest, AHalfClosedStreamStillAnswers) {
  const auto task = [&]() -> Awaitable<int> {
    co_await test::write_all(*client_, "question");
    EXPECT_EQ(co_await test::read_all(*server_), "question");
    co_await test::write_all(*server_, "answer");
    EXPECT_EQ(co_await test::read_all(*client_), "answer");
    co_return 0;
  };
  run(context_, task());
}

TEST_P(TlsStreamTest, ACutConnectionIsNotAnEnd) {
  const auto task = [&]() -> Awaitable<int> {
    const std::string text = "half of it";
    std::vector<asio::const_buffer> buffers = {asio::buffer(text)};
    co_await client_->write(std::move(buffers));
    client_->close();  // FIN without close_notify
    std::vector<char> buffer(100);
    const IoResult got = co_await server_->read_some(asio::buffer(buffer));
    EXPECT_EQ(got.bytes, text.size());
    for (int again = 0; again < 2; ++again) {
      const IoResult end = co_await server_->read_some(asio::buffer(buffer));
      EXPECT_EQ(end.error, asio::ssl::error::stream_truncated) << end.error.message();
    }
    co_return 0;
  };
  run(context_, task());
}

TEST_P(TlsStreamTest, AReaderThatWaitsIsToldWhenTheStreamIsClosed) {
  const auto task = [&]() -> Awaitable<int> {
    Watchdog watchdog(*server_);
    watchdog.expires_after(std::chrono::milliseconds(20));
    std::vector<char> buffer(100);
    const IoResult got = co_await server_->read_some(asio::buffer(buffer));
    EXPECT_EQ(got.error, asio::error::operation_aborted);
    const std::string text = "x";
    std::vector<asio::const_buffer> buffers = {asio::buffer(text)};
    const IoResult put = co_await server_->write(std::move(buffers));
    EXPECT_EQ(put.error, asio::error::operation_aborted);
    EXPECT_TRUE(server_->readable());
    co_return 0;
  };
  run(context_, task());
}

TEST_P(TlsStreamTest, AWriterWhomNobodyReadsIsToldWhenTheStreamIsClosed) {
  const auto task = [&]() -> Awaitable<int> {
    Watchdog watchdog(*server_);
    watchdog.expires_after(std::chrono::milliseconds(50));
    const std::string text = noise(40'000'000, 3);  // more than socket buffers hold
    std::vector<asio::const_buffer> buffers = {asio::buffer(text)};
    const IoResult put = co_await server_->write(std::move(buffers));
    EXPECT_EQ(put.error, asio::error::operation_aborted);
    EXPECT_LT(put.bytes, text.size());
    co_return 0;
  };
  run(context_, task());
}

TEST_P(TlsStreamTest, AnIdleStreamIsReadableOnlyWhenSomethingCame) {
  const auto task = [&]() -> Awaitable<int> {
    // The server's ticket is under way or here: it is nothing to read.
    EXPECT_FALSE(client_->readable());
    EXPECT_FALSE(server_->readable());
    EXPECT_FALSE(client_->readable());
    const std::string text = "x";
    std::vector<asio::const_buffer> buffers = {asio::buffer(text)};
    co_await server_->write(std::move(buffers));
    // The loopback device may deliver a moment later.
    while (!client_->readable()) co_await asio::post(context_, asio::use_awaitable);
    EXPECT_TRUE(client_->readable());
    std::vector<char> buffer(100);
    EXPECT_EQ((co_await client_->read_some(asio::buffer(buffer))).bytes, 1U);
    EXPECT_FALSE(client_->readable());
    co_await server_->shutdown_write();
    while (!client_->readable()) co_await asio::post(context_, asio::use_awaitable);
    EXPECT_EQ((co_await client_->read_some(asio::buffer(buffer))).error, asio::error::eof);
    server_->close();
    co_return 0;
  };
  run(context_, task());
}

TEST_P(TlsStreamTest, AnAlteredRecordEndsTheStream) {
  // Garbage in the place of a record, on a connection that was good so far.
  auto pair = test::connected_pair(context_);
  asio::ip::tcp::socket raw = std::move(pair.client);
  SslContextPtr client(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_max_proto_version(client.get(), GetParam());
  const SslPtr ssl(SSL_new(client.get()));
  SSL_set_fd(ssl.get(), raw.native_handle());
  std::unique_ptr<Stream> stream;
  const auto task = [&]() -> Awaitable<int> {
    raw.non_blocking(true);
    const auto handshake = [&]() -> Awaitable<int> {
      while (SSL_connect(ssl.get()) != 1) {
        co_await raw.async_wait(asio::socket_base::wait_read, asio::use_awaitable);
      }
      co_return 0;
    };
    auto connecting = handshake();
    auto accepting = accept_tls(*authority_, std::move(pair.server), "", host("a.example"), "");
    auto [done, accepted] = co_await both(std::move(connecting), std::move(accepting));
    auto& served = std::get<0>(accepted);
    std::string record = "\x17\x03\x03";
    record += std::string("\x00\x40", 2) + noise(64, 7);
    EXPECT_EQ(SSL_write(ssl.get(), "good", 4), 4);
    asio::write(raw, asio::buffer(record));
    std::vector<char> buffer(100);
    EXPECT_EQ((co_await served->read_some(asio::buffer(buffer))).bytes, 4U);
    const IoResult got = co_await served->read_some(asio::buffer(buffer));
    EXPECT_TRUE(got.error && got.error != asio::error::eof) << got.error.message();
    const std::string text = "x";
    std::vector<asio::const_buffer> buffers = {asio::buffer(text)};
    EXPECT_TRUE((co_await served->write(std::move(buffers))).error);
    co_return 0;
  };
  run(context_, task());
}

class Tls13StreamTest : public TlsStreamTest {};
INSTANTIATE_TEST_SUITE_P(Tls13, Tls13StreamTest, testing::Values(TLS1_3_VERSION));

TEST_P(Tls13StreamTest, KeysMayChangeInTheMiddleOfTransfersBothWays) {
  const std::string text = noise(3'000'000, 4);
  const auto task = [&]() -> Awaitable<int> {
    const auto write = [&]() -> Awaitable<int> {
      for (std::size_t at = 0; at < text.size(); at += 30'000) {
        EXPECT_EQ(SSL_key_update(client_->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
        std::vector<asio::const_buffer> buffers = {asio::buffer(text.data() + at, 30'000)};
        EXPECT_FALSE((co_await client_->write(std::move(buffers))).error);
      }
      co_await client_->shutdown_write();
      co_return 0;
    };
    auto write_up = write();
    auto write_down = test::write_all(*server_, text);
    auto writes = both(std::move(write_up), std::move(write_down));
    auto read_up = test::read_all(*server_);
    auto read_down = test::read_all(*client_);
    auto reads = both(std::move(read_up), std::move(read_down));
    auto [written, heard] = co_await both(std::move(writes), std::move(reads));
    EXPECT_TRUE(std::get<0>(heard) == text);
    EXPECT_TRUE(std::get<1>(heard) == text);
    co_return 0;
  };
  run(context_, task());
}

TEST_P(Tls13StreamTest, AFloodOfKeyUpdatesStarvesNobodyAndIsBounded) {
  int ticks = 0;
  bool over = false;
  const auto task = [&]() -> Awaitable<int> {
    const auto flood = [&]() -> Awaitable<int> {
      for (int i = 0; i < 20'000; ++i) {
        if (SSL_key_update(client_->ssl(), SSL_KEY_UPDATE_REQUESTED) != 1) break;
        if (SSL_do_handshake(client_->ssl()) != 1) break;
        if (i % 1000 != 999) continue;
        std::vector<asio::const_buffer> buffers = {asio::buffer("x", 1)};
        if ((co_await client_->write(std::move(buffers))).error) break;
      }
      co_await client_->shutdown_write();
      co_return 0;
    };
    const auto read = [&]() -> Awaitable<std::string> {
      std::string heard = co_await test::read_all(*server_);
      over = true;
      co_return heard;
    };
    const auto tick = [&]() -> Awaitable<int> {
      while (!over) {
        ++ticks;
        co_await asio::post(context_, asio::use_awaitable);
      }
      co_return 0;
    };
    auto flooding = flood();
    auto ticking = tick();
    auto attack = both(std::move(flooding), std::move(ticking));
    auto reading = read();
    auto [done, heard] = co_await both(std::move(attack), std::move(reading));
    EXPECT_GE(heard.size(), 1U);
    co_return 0;
  };
  run(context_, task());
  EXPECT_GT(ticks, 10);
}

TEST(TlsHandshake, GarbageIsRefusedWithAReason) {
  asio::io_context context;
  auto authority = CertificateAuthority::create().value();
  const struct {
    std::string bytes;
    const char* why;
  } rows[] = {
      {"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "does not speak TLS"},
      {std::string(5, '\0') + noise(300, 5), "the client (for a.example)"},
      {std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", 10), "the client (for a.example)"},
      {"", "closed the connection during the TLS handshake"},
      {"\x16", "closed the connection during the TLS handshake"},
  };
  for (const auto& row : rows) {
    auto pair = test::connected_pair(context);
    TlsFailure failure;
    const auto task = [&]() -> Awaitable<int> {
      pair.client.shutdown(asio::socket_base::shutdown_send);
      const auto outcome =
          co_await accept_tls(*authority, std::move(pair.server), row.bytes, host("a.example"), "");
      if (const auto* refused = std::get_if<1>(&outcome)) failure = *refused;
      co_return 0;
    };
    run(context, task());
    EXPECT_THAT(failure.text, HasSubstr(row.why));
  }
}

TEST(TlsHandshake, AClientThatDoesNotTrustUsIsNamed) {
  asio::io_context context;
  auto authority = CertificateAuthority::create().value();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const SslContextPtr client(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(client.get(), version);
    SSL_CTX_set_verify(client.get(), SSL_VERIFY_PEER, nullptr);
    const auto accepted =
        test::accept(context, *authority, SslPtr(SSL_new(client.get())), "a.example");
    EXPECT_FALSE(accepted.stream);
    EXPECT_EQ(accepted.failure.error, "tls_alert_received");
    EXPECT_THAT(accepted.failure.text, HasSubstr("does not trust this session's certificates"));
  }
}

// Both wait at once, so that this takes ten seconds and not twenty.
TEST(TlsHandshake, ASilentPeerMeetsTheDeadline) {
  asio::io_context context;
  auto authority = CertificateAuthority::create().value();
  const test::TemporaryFile root(authority->certificate_pem());
  auto origins = OriginTls::create({}, root.path()).value();
  auto in = test::connected_pair(context);
  auto out = test::connected_pair(context);
  const auto begin = std::chrono::steady_clock::now();
  const auto task = [&]() -> Awaitable<int> {
    auto accepting =
        accept_tls(*authority, std::move(in.server), "\x16\x03", host("a.example"), "");
    auto connecting = origins->connect(std::move(out.client), host("b.example"), {});
    auto [accepted, connected] = co_await both(std::move(accepting), std::move(connecting));
    const auto* client = std::get_if<1>(&accepted);
    const auto* origin = std::get_if<1>(&connected);
    EXPECT_TRUE(client != nullptr && origin != nullptr);
    if (client == nullptr || origin == nullptr) co_return 0;
    EXPECT_EQ(client->error, "connection_timeout");
    EXPECT_EQ(origin->text, "b.example did not finish the TLS handshake within 10 s");
    co_return 0;
  };
  run(context, task());
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, limits::kHandshake);
  EXPECT_LT(took, 2 * limits::kHandshake);
}

}  // namespace
}  // namespace redoubtful::proxy
