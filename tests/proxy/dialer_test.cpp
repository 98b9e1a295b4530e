#include "proxy/dialer.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <list>

#include "proxy/gateway.hpp"
#include "tests/proxy/stub_name_server.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using test::StubNameServer;
using namespace std::chrono_literals;
using Tcp = asio::ip::tcp;
using Dialled = std::variant<Tcp::socket, Denial, DialFailure>;

constexpr unsigned kA = 1, kAaaa = 28;

Host host(std::string_view text) { return Host::parse(text).value(); }
Port port(int number) { return Port::parse(std::to_string(number)).value(); }

class DialerTest : public testing::Test {
 protected:
  DialerTest() {
    resolver_ = Resolver::create(context_.get_executor(), names_.address(), HostsFile(""),
                                 {.whole = 300ms, .name_server = 60s, .other_family = 300ms})
                    .value();
  }

  // A listener on a loopback address, and its port.
  Tcp::acceptor& listen(const std::string& address) {
    listeners_.emplace_back(context_, Tcp::endpoint(asio::ip::make_address(address), 0));
    return listeners_.back();
  }
  static int port_of(const Tcp::acceptor& listener) { return listener.local_endpoint().port(); }
  int closed_port() {
    Tcp::acceptor unused(context_, {asio::ip::make_address("127.0.0.1"), 0});
    return unused.local_endpoint().port();
  }

  void allow(const std::string& name, int number, std::vector<std::string> ranges = {}) {
    auto rule = HostRule::parse("tcp://" + name + ":" + std::to_string(number)).value();
    rule.private_ranges = std::move(ranges);
    network_.allow.push_back({rule, {}});
  }
  void override_origin(const std::string& name, const std::string& address) {
    network_.origins.push_back(
        {.host = host(name), .address = address, .ca = {}, .via = {}, .origin = {}});
  }

  // co_spawn's own result would have to be default-constructible.
  static Awaitable<void> store(Dialer& dialer, Admission admission,
                               std::optional<Dialled>& result) {
    result = co_await dialer.dial(std::move(admission));
  }
  Dialled dial_admitted(const Policy& policy, const Admission& admission) {
    Dialer dialer(policy, *resolver_, upstream_);
    std::optional<Dialled> result;
    auto handler = [](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(context_, store(dialer, admission, result), std::move(handler));
    while (!result) {
      if (context_.run_one_for(20s) == 0) throw std::runtime_error("nothing happens");
    }
    return *std::move(result);
  }
  Dialled dial(const std::string& name, int number) {
    const Policy policy(network_, own_);
    const auto admitted = policy.admit(host(name), port(number), Carried::kOpaque);
    return dial_admitted(policy, std::get<Admission>(admitted));
  }
  std::string failure_text(const Dialled& dialled) {
    const auto* failure = std::get_if<DialFailure>(&dialled);
    return failure == nullptr ? "no failure" : failure->error + ": " + failure->text;
  }

  // A corporate proxy that gives this answer to every CONNECT; what it was asked is in asked_.
  void outer_proxy(const std::string& answer, const std::string& userinfo = {},
                   const std::string& no_proxy = {}) {
    auto& listener = listen("127.0.0.1");
    const std::string url = "http://" + userinfo + "127.0.0.1:" + std::to_string(port_of(listener));
    upstream_ = UpstreamProxy::parse(url, no_proxy).value();
    auto on_accept = [this, answer](const boost::system::error_code& error, Tcp::socket socket) {
      if (error) return;
      auto peer = std::make_shared<Tcp::socket>(std::move(socket));
      peers_.push_back(peer);
      auto on_head = [peer, answer](const boost::system::error_code& failed, std::size_t) {
        if (failed) return;
        boost::system::error_code ignored;
        asio::write(*peer, asio::buffer(answer), ignored);
        if (answer.empty()) peer->close(ignored);
      };
      asio::async_read_until(*peer, asio::dynamic_buffer(asked_), "\r\n\r\n", std::move(on_head));
    };
    listener.async_accept(std::move(on_accept));
  }

  asio::io_context context_{1};
  StubNameServer names_{context_};
  std::unique_ptr<Resolver> resolver_;
  std::list<Tcp::acceptor> listeners_;
  std::vector<std::shared_ptr<Tcp::socket>> peers_;
  std::string asked_;
  NetworkProfile network_;
  std::vector<asio::ip::address> own_;
  std::optional<UpstreamProxy> upstream_;
};

TEST_F(DialerTest, ConnectsToTheVettedAddressWithItsOptions) {
  auto& listener = listen("127.0.0.1");
  names_.table()["a.test"] = {.addresses = {"127.0.0.1"}};
  allow("a.test", port_of(listener), {"127.0.0.0/8"});
  auto dialled = dial("a.test", port_of(listener));
  ASSERT_TRUE(std::holds_alternative<Tcp::socket>(dialled)) << failure_text(dialled);
  auto& socket = std::get<Tcp::socket>(dialled);
  EXPECT_EQ(socket.remote_endpoint(), listener.local_endpoint());
  Tcp::no_delay no_delay;
  asio::socket_base::keep_alive keep_alive;
  socket.get_option(no_delay);
  socket.get_option(keep_alive);
  EXPECT_TRUE(no_delay.value() && keep_alive.value());
  int idle = 0;
  socklen_t size = sizeof(idle);
  ::getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_KEEPIDLE, &idle, &size);
  EXPECT_EQ(idle, limits::kKeepAliveProbe.count());
}

TEST_F(DialerTest, DeniesANameThatResolvesToLoopbackPrivateOrOwnAddresses) {
  auto& listener = listen("127.0.0.1");
  const int number = port_of(listener);
  own_ = {asio::ip::make_address("8.8.4.4")};
  const std::pair<const char*, std::vector<std::string>> cases[] = {
      {"loopback.test", {"127.0.0.1"}},
      {"six.test", {"::1"}},
      {"metadata.test", {"169.254.169.254"}},
      {"private.test", {"10.0.0.1", "192.168.1.1", "fd00::1"}},
      {"mapped.test", {"::ffff:127.0.0.1"}},
      {"own.test", {"8.8.4.4"}},
  };
  for (const auto& [name, addresses] : cases) {
    names_.table()[name] = {.addresses = addresses};
    allow(name, number);
    const auto dialled = dial(name, number);
    const auto* denial = std::get_if<Denial>(&dialled);
    ASSERT_NE(denial, nullptr) << name << " " << failure_text(dialled);
    EXPECT_EQ(denial->reason, DenyReason::kNonPublicAddress);
    EXPECT_NE(denial->detail.find("its address "), std::string::npos) << denial->detail;
  }
  // Nobody connected.
  listener.non_blocking(true);
  boost::system::error_code error;
  listener.accept(error);
  EXPECT_EQ(error, asio::error::would_block);
}

TEST_F(DialerTest, RefusedAddressesAmongGoodOnesAreDropped) {
  auto& listener = listen("127.0.0.7");
  names_.table()["mixed.test"] = {.addresses = {"127.0.0.1", "10.0.0.1", "127.0.0.7", "::1"}};
  allow("mixed.test", port_of(listener), {"127.0.0.7/32"});
  const auto dialled = dial("mixed.test", port_of(listener));
  ASSERT_TRUE(std::holds_alternative<Tcp::socket>(dialled)) << failure_text(dialled);
  EXPECT_EQ(std::get<Tcp::socket>(dialled).remote_endpoint(), listener.local_endpoint());
}

TEST_F(DialerTest, AnAddressLiteralIsVettedToo) {
  auto& listener = listen("127.0.0.1");
  allow("127.0.0.1", port_of(listener));
  EXPECT_TRUE(std::holds_alternative<Denial>(dial("127.0.0.1", port_of(listener))));
  network_.allow.clear();
  allow("127.0.0.1", port_of(listener), {"127.0.0.0/8"});
  EXPECT_TRUE(std::holds_alternative<Tcp::socket>(dial("127.0.0.1", port_of(listener))));
  EXPECT_TRUE(names_.asked().empty());
}

TEST_F(DialerTest, AnOverrideIsDialledWithoutALookup) {
  auto& listener = listen("127.0.0.1");
  outer_proxy("HTTP/1.1 500 not to be asked\r\n\r\n");
  allow("a.test", 5432);
  override_origin("a.test", "127.0.0.1:" + std::to_string(port_of(listener)));
  const auto dialled = dial("a.test", 5432);
  ASSERT_TRUE(std::holds_alternative<Tcp::socket>(dialled)) << failure_text(dialled);
  EXPECT_TRUE(names_.asked().empty());
  EXPECT_EQ(asked_, "");
}

TEST_F(DialerTest, AGatewayIsDialledUnderItsOwnNameWhateverItsAddress) {
  auto& listener = listen("127.0.0.1");
  const std::string gateway = "https://gateway.test:" + std::to_string(port_of(listener)) + "/v1";
  names_.table()["gateway.test"] = {.addresses = {"127.0.0.1"}};
  network_.allow.push_back({HostRule::parse("api.test").value(), {}});
  network_.origins.push_back(
      {.host = host("api.test"), .address = {}, .ca = {}, .via = gateway, .origin = {}});
  const Policy policy(network_, own_);
  const auto admitted =
      std::get<Admission>(policy.admit(host("api.test"), port(443), Carried::kTls));
  const auto leave = policy.gateway_of(admitted);
  ASSERT_TRUE(leave);
  EXPECT_EQ(leave->host().text(), "gateway.test");
  EXPECT_EQ(leave->rule(), "api.test");
  const auto dialled = dial_admitted(policy, *leave);
  ASSERT_TRUE(std::holds_alternative<Tcp::socket>(dialled)) << failure_text(dialled);
  EXPECT_EQ(std::get<Tcp::socket>(dialled).remote_endpoint(), listener.local_endpoint());
  // Naming it as a gateway allows nobody to ask for it by itself.
  EXPECT_TRUE(std::holds_alternative<Denial>(
      policy.admit(host("gateway.test"), port(port_of(listener)), Carried::kTls)));
}

TEST_F(DialerTest, AnOriginWhoseGatewayCannotBeReadIsNotReachedWithoutIt) {
  network_.allow.push_back({HostRule::parse("api.test").value(), {}});
  network_.origins.push_back({.host = host("api.test"),
                              .address = {},
                              .ca = {},
                              .via = "http://gateway.test",
                              .origin = {}});
  const Policy policy(network_, own_);
  EXPECT_TRUE(
      std::holds_alternative<Denial>(policy.admit(host("api.test"), port(443), Carried::kTls)));
}

TEST_F(DialerTest, TheNextAddressIsTriedWhenOneRefuses) {
  auto& listener = listen("127.0.0.2");
  names_.table()["a.test"] = {.addresses = {"127.0.0.1", "::1", "127.0.0.2"}};
  allow("a.test", port_of(listener), {"127.0.0.0/8", "::1/128"});
  const auto dialled = dial("a.test", port_of(listener));
  ASSERT_TRUE(std::holds_alternative<Tcp::socket>(dialled)) << failure_text(dialled);
  EXPECT_EQ(std::get<Tcp::socket>(dialled).remote_endpoint().address().to_string(), "127.0.0.2");
}

TEST_F(DialerTest, AnAddressThatIsSilentCostsAQuarterOfASecond) {
  // A listener whose queue is full drops what comes further: silence, without any network.
  auto& silent = listen("127.0.0.1");
  silent.listen(0);
  std::list<Tcp::socket> fillers;
  for (int i = 0; i < 8; ++i) {
    auto& filler = fillers.emplace_back(context_);
    filler.open(Tcp::v4());
    filler.non_blocking(true);  // Asio's connect() would wait all the same
    const auto endpoint = silent.local_endpoint();
    (void)::connect(filler.native_handle(), endpoint.data(),
                    static_cast<socklen_t>(endpoint.size()));
  }
  listeners_.emplace_back(
      context_, Tcp::endpoint(asio::ip::make_address("127.0.0.2"), silent.local_endpoint().port()));
  names_.table()["a.test"] = {.addresses = {"127.0.0.1", "127.0.0.2"}};
  allow("a.test", port_of(silent), {"127.0.0.0/8"});
  const auto before = std::chrono::steady_clock::now();
  const auto dialled = dial("a.test", port_of(silent));
  ASSERT_TRUE(std::holds_alternative<Tcp::socket>(dialled)) << failure_text(dialled);
  EXPECT_EQ(std::get<Tcp::socket>(dialled).remote_endpoint().address().to_string(), "127.0.0.2");
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_GE(took, limits::kNextAddress);
  EXPECT_LT(took, std::chrono::seconds(2)) << "a busy machine, but not the silence's end";
}

TEST_F(DialerTest, FailuresAreSaidInPlainWords) {
  const int number = closed_port();
  const std::string where = "127.0.0.1:" + std::to_string(number);
  names_.table()["refusing.test"] = {.addresses = {"127.0.0.1", "::1"}};
  names_.table()["silent.test"] = {.addresses = {}, .unanswered = {kA, kAaaa}};
  names_.table()["empty.test"] = {};
  for (const auto* name : {"refusing.test", "silent.test", "empty.test", "missing.test"}) {
    allow(name, number, {"127.0.0.0/8", "::1/128"});
  }
  const auto text = failure_text(dial("refusing.test", number));
  EXPECT_TRUE(text.starts_with("connection_refused: ")) << text;
  EXPECT_NE(text.find("connection refused by " + where), std::string::npos) << text;
  EXPECT_EQ(failure_text(dial("missing.test", number)),
            "dns_error: looking up missing.test: no such name");
  EXPECT_EQ(failure_text(dial("empty.test", number)),
            "dns_error: looking up empty.test: the name has no address");
  const auto silent = dial("silent.test", number);
  EXPECT_TRUE(failure_text(silent).starts_with("dns_timeout: ")) << failure_text(silent);
  EXPECT_EQ(std::get<DialFailure>(silent).status, 504u);
}

TEST_F(DialerTest, ThroughAnOuterProxyTheNameIsNotLookedUpHere) {
  outer_proxy("HTTP/1.1 200 Connection established\r\nX: y\r\n\r\nSSH-2.0-early\r\n", "u:p%40ss@");
  allow("git.example.com", 22);
  auto dialled = dial("git.example.com", 22);
  ASSERT_TRUE(std::holds_alternative<Tcp::socket>(dialled)) << failure_text(dialled);
  EXPECT_EQ(asked_,
            "CONNECT git.example.com:22 HTTP/1.1\r\nHost: git.example.com:22\r\n"
            "Proxy-Authorization: Basic dTpwQHNz\r\n\r\n");
  EXPECT_TRUE(names_.asked().empty());
  // What the origin said at once is still there, and nothing of the proxy's head.
  std::array<char, 64> early{};
  const std::size_t bytes = std::get<Tcp::socket>(dialled).read_some(asio::buffer(early));
  EXPECT_EQ(std::string(early.data(), bytes), "SSH-2.0-early\r\n");
}

TEST_F(DialerTest, NoProxyIsReachedDirectlyAndVetted) {
  auto& listener = listen("127.0.0.1");
  outer_proxy("HTTP/1.1 500 not to be asked\r\n\r\n", "", "a.test,b.test");
  names_.table()["a.test"] = {.addresses = {"127.0.0.1"}};
  names_.table()["b.test"] = {.addresses = {"127.0.0.1"}};
  allow("a.test", port_of(listener), {"127.0.0.0/8"});
  allow("b.test", port_of(listener));
  EXPECT_TRUE(std::holds_alternative<Tcp::socket>(dial("a.test", port_of(listener))));
  EXPECT_TRUE(std::holds_alternative<Denial>(dial("b.test", port_of(listener))));
  EXPECT_EQ(asked_, "");
}

TEST_F(DialerTest, WhatCannotBeVettedIsRefusedBehindAnOuterProxy) {
  for (const auto* name : {"10.0.0.1", "203.0.113.7", "2606:4700::1", "intranet", "db.internal",
                           "git.corp", "nas.lan", "x.home.arpa", "localhost", "a.localhost"}) {
    outer_proxy("HTTP/1.1 200 OK\r\n\r\n");
    network_.allow.clear();
    const std::string text = name;
    const bool six = text.find(':') != std::string::npos;
    allow(six ? "[" + text + "]" : text, 443, {"10.0.0.0/8"});
    const auto dialled = dial(name, 443);
    const auto* denial = std::get_if<Denial>(&dialled);
    ASSERT_NE(denial, nullptr) << name << ": " << failure_text(dialled);
    EXPECT_EQ(denial->reason, DenyReason::kUnvetted) << "it is not that no rule named it";
    EXPECT_NE(denial->detail.find("NO_PROXY"), std::string::npos);
  }
  EXPECT_EQ(asked_, "");
  EXPECT_TRUE(names_.asked().empty());
}

TEST_F(DialerTest, WhatTheOuterProxyAnswersIsSaidWithoutThePassword) {
  const std::string endless(limits::kHeadBytes + 5000, 'x');
  struct Case {
    std::string answer;
    const char* error;
    const char* words;
  };
  const Case cases[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "proxy_configuration_error",
       "does not accept its user and password (407)"},
      {"HTTP/1.1 403 Forbidden\r\nX: y\r\n\r\n", "http_request_denied",
       "opens no tunnel to a.test:443: 403 Forbidden"},
      {"HTTP/1.0 502 Bad\x1b[31m Gateway\r\n\r\n", "destination_unavailable", "502 \"Bad\\x1b[31m"},
      {"HTTP/1.1 504\r\n\r\n", "destination_unavailable", "a.test:443: 504"},
      {"HTTP/1.1 100 Continue\r\n\r\n", "http_request_denied", "100 Continue"},
      {"HTTP/2 200\r\n\r\n", "http_protocol_error", "does not answer in HTTP"},
      {"HTTP/1.1 2000 OK\r\n\r\n", "http_protocol_error", "does not answer in HTTP"},
      {"HTTP/1.1 2x0 OK\r\n\r\n", "http_protocol_error", "does not answer in HTTP"},
      {"SSH-2.0-OpenSSH\r\n\r\n", "http_protocol_error", "does not answer in HTTP"},
      {"HTTP/1.1 200 OK\r\n" + endless, "http_protocol_error", "answers without end"},
      {"", "connection_terminated", "broke off"},
  };
  allow("a.test", 443);
  for (const auto& [answer, error, words] : cases) {
    asked_.clear();
    outer_proxy(answer, "user:hunter2@");
    const auto dialled = dial("a.test", 443);
    const auto text = failure_text(dialled);
    EXPECT_TRUE(text.starts_with(std::string(error) + ": the outer proxy 127.0.0.1:")) << text;
    EXPECT_NE(text.find(words), std::string::npos) << text;
    EXPECT_EQ(text.find("hunter2"), std::string::npos);
    EXPECT_EQ(text.find("aHVudGVy"), std::string::npos);
  }
  outer_proxy("HTTP/1.1 407 no\r\n\r\n");
  EXPECT_NE(failure_text(dial("a.test", 443)).find("wants a user and password"), std::string::npos);
}

TEST_F(DialerTest, AnOuterProxyThatIsNotThereIsNamed) {
  const std::string number = std::to_string(closed_port());
  upstream_ = UpstreamProxy::parse("http://127.0.0.1:" + number, "").value();
  allow("a.test", 443);
  EXPECT_EQ(failure_text(dial("a.test", 443)),
            "connection_refused: the outer proxy 127.0.0.1:" + number +
                ": connection refused by 127.0.0.1:" + number);
}

}  // namespace
}  // namespace redoubtful::proxy
