#include "proxy/tls.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "proxy/tasks.hpp"
#include "tests/proxy/tls_support.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using Outcome = std::variant<std::unique_ptr<Stream>, TlsFailure>;
using test::run;

Host host(const std::string& text) { return Host::parse(text).value(); }

Awaitable<std::string> read_all(Stream& stream) {
  std::string all;
  std::vector<char> buffer(4096);
  for (;;) {
    const IoResult got = co_await stream.read_some(asio::buffer(buffer));
    all.append(buffer.data(), got.bytes);
    if (got.error) co_return got.error == asio::error::eof ? all : all + "|" + got.error.message();
  }
}

Awaitable<std::string> say(Stream& stream, std::string text) {
  std::vector<asio::const_buffer> buffers = {asio::buffer(text)};
  co_await stream.write(std::move(buffers));
  co_await stream.shutdown_write();
  co_return co_await read_all(stream);
}

TEST(Tls, CarriesBytesOnBothLegs) {
  asio::io_context context;
  auto authority = CertificateAuthority::create().value();
  const test::TemporaryFile root(authority->certificate_pem());
  auto origins = OriginTls::create({}, root.path()).value();
  auto pair = test::connected_pair(context);
  std::string heard;
  std::string answered;
  const auto task = [&]() -> Awaitable<int> {
    auto accepting =
        accept_tls(*authority, std::move(pair.server), "", host("a.example"), "http/1.1");
    auto connecting =
        origins->connect(std::move(pair.client), host("a.example"), {"h2", "http/1.1"});
    auto [accepted, connected] = co_await both(std::move(accepting), std::move(connecting));
    auto* server = std::get_if<0>(&accepted);
    auto* client = std::get_if<0>(&connected);
    EXPECT_TRUE(server != nullptr) << std::get<1>(accepted).text;
    EXPECT_TRUE(client != nullptr) << std::get<1>(connected).text;
    if (server == nullptr || client == nullptr) co_return 0;
    EXPECT_EQ((*client)->protocol(), "http/1.1");
    EXPECT_EQ((*server)->protocol(), "http/1.1");
    auto up = say(**client, "question");
    auto down = say(**server, "answer");
    std::tie(answered, heard) = co_await both(std::move(up), std::move(down));
    co_return 0;
  };
  run(context, task());
  EXPECT_EQ(heard, "question");
  EXPECT_EQ(answered, "answer");
}

}  // namespace
}  // namespace redoubtful::proxy
