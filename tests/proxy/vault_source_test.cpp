#include "proxy/vault_source.hpp"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "tests/proxy/tls_support.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kFound =
    R"({"request_id":"r","data":{"data":{"token":"S3cret","n":5},"metadata":{"version":1}}})";

// Answers one request, on a thread of its own: the reader blocks.
class StandIn {
 public:
  explicit StandIn(std::string answer) : answer_(std::move(answer)), thread_([this] { serve(); }) {}
  ~StandIn() {
    if (!thread_.joinable()) return;
    // It may still wait for somebody to come.
    boost::system::error_code ignored;
    tcp::socket(context_).connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  std::string address() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  std::string asked() {
    thread_.join();
    return asked_;
  }

 private:
  void serve() {
    boost::system::error_code bad;
    tcp::socket peer(context_);
    acceptor_.accept(peer, bad);
    asio::read_until(peer, asio::dynamic_buffer(asked_), "\r\n\r\n", bad);
    if (!bad) asio::write(peer, asio::buffer(answer_), bad);
  }

  std::string answer_;
  std::string asked_;
  asio::io_context context_;
  tcp::acceptor acceptor_{context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::thread thread_;
};

std::string http(unsigned status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

TEST(VaultSource, AsksForTheFieldOfASecret) {
  StandIn server(http(200, kFound));
  const auto value = read_vault({.address = server.address() + "/",
                                 .token = "hvs.token",
                                 .name_space = "team",
                                 .certificate = {}},
                                "secret/ci/my app#token");
  ASSERT_TRUE(value) << value.error().what();
  EXPECT_EQ(*value, "S3cret");
  const std::string asked = server.asked();
  EXPECT_THAT(asked, StartsWith("GET /v1/secret/data/ci/my%20app HTTP/1.1\r\n"));
  EXPECT_THAT(asked, HasSubstr("\r\nX-Vault-Token: hvs.token\r\n"));
  EXPECT_THAT(asked, HasSubstr("\r\nX-Vault-Namespace: team\r\n"));
}

TEST(VaultSource, SaysWhatIsWrongAndNeverTheValue) {
  const std::string good = http(200, kFound);
  const struct {
    std::string answer;
    const char* place;
    const char* words;
  } rows[] = {
      {http(403, R"({"errors":["S3cret"]})"), "secret/a#token", "refuses the token (403)"},
      {http(404, "{}"), "secret/a#token", "no such secret"},
      {http(500, "S3cret"), "secret/a#token", "status 500"},
      {"HTTP/1.1 307 X\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n", "secret/a#token",
       "status 307"},
      {good, "secret/a#other", "has no field \"other\""},
      {good, "secret/a#n", "has no field \"n\" with a text"},
      {http(200, R"({"data":{"token":"S3cret"}})"), "secret/a#token", "version 2"},
      {http(200, "S3cret"), "secret/a#token", "not JSON"},
      {good.substr(0, good.size() - 20), "secret/a#token", "not whole"},
      {"SSH-2.0-S3cret\r\n", "secret/a#token", "no HTTP"},
      {http(200, std::string(2'000'000, ' ')), "secret/a#token", "no HTTP, or not whole"},
  };
  for (const auto& row : rows) {
    StandIn server(row.answer);
    const auto value = read_vault(
        {.address = server.address(), .token = "hvs.T0ken", .name_space = {}, .certificate = {}},
        row.place);
    ASSERT_FALSE(value) << row.words;
    EXPECT_THAT(value.error().what(), HasSubstr(row.words));
    EXPECT_THAT(value.error().what() + value.error().hint(), Not(HasSubstr("S3cret")));
    EXPECT_THAT(value.error().what() + value.error().hint(), Not(HasSubstr("T0ken")));
    EXPECT_EQ(value.error().code(), Errc::kInvalidProfile);
  }
}

TEST(VaultSource, SendsTheTokenNowhereInTheClear) {
  const struct {
    VaultAccess access;
    const char* words;
  } rows[] = {
      {{"", "t", "", ""}, "VAULT_ADDR is not set"},
      {{"vault.corp:8200", "t", "", ""}, "no https:// address"},
      {{"http://vault.corp:8200", "t", "", ""}, "readable on the way"},
      {{"http://127.0.0.1.evil.example", "t", "", ""}, "readable on the way"},
      {{"https://user@vault.corp", "t", "", ""}, "VAULT_ADDR"},
      {{"https://vault.corp", "", "", ""}, "no token"},
      {{"https://vault.corp", "t\r\nX: y", "", ""}, "no header field can carry"},
      {{"https://vault.corp", "t", "a\nb", ""}, "no header field can carry"},
      {{"https://vault.corp", "t", "", "/no/such.pem"}, "VAULT_CACERT"},
  };
  for (const auto& [access, words] : rows) {
    const auto value = read_vault(access, "secret/a#b");
    ASSERT_FALSE(value) << words;
    EXPECT_THAT(value.error().what(), HasSubstr(words));
  }
  EXPECT_THAT(read_vault({"https://v.example", "t", "", ""}, "secret#a").error().what(),
              HasSubstr("MOUNT/PATH#FIELD"));
}

}  // namespace
}  // namespace redoubtful::proxy
