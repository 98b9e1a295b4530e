#include "proxy/resolver.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/proxy/stub_name_server.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using test::StubAnswer;
using test::StubNameServer;
using namespace std::chrono_literals;
using Addresses = std::vector<asio::ip::address>;
using Answer = std::optional<Result<Addresses>>;

constexpr unsigned kA = 1, kAaaa = 28;

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() { make(); }

  void make(LookupTimes times = {}, const std::string& hosts = {}) {
    resolver_ =
        Resolver::create(context_.get_executor(), server_.address(), HostsFile(hosts), times)
            .value();
  }

  std::shared_ptr<Answer> start(const std::string& name) {
    auto answer = std::make_shared<Answer>();
    auto handler = [answer](const std::exception_ptr& error, Result<Addresses> result) {
      if (error) std::rethrow_exception(error);
      *answer = std::move(result);
    };
    asio::co_spawn(context_, resolver_->resolve(Host::parse(name).value()), std::move(handler));
    return answer;
  }
  template <class Done>
  void run_until(Done done) {
    while (!done()) {
      ASSERT_GT(context_.run_one_for(20s), 0u) << "nothing happens";
    }
  }
  Result<Addresses> resolve(const std::string& name) {
    const auto answer = start(name);
    run_until([&] { return answer->has_value(); });
    return answer->value();
  }
  std::vector<std::string> texts(const std::string& name) {
    auto addresses = resolve(name);
    if (!addresses) return {addresses.error().what()};
    std::vector<std::string> out;
    for (const auto& address : *addresses) out.push_back(address.to_string());
    std::sort(out.begin(), out.end());
    return out;
  }
  using List = std::vector<std::string>;

  asio::io_context context_{1};
  StubNameServer server_{context_};
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, TellsTheAddressesOfBothFamilies) {
  server_.table()["a.test"] = {.addresses = {"203.0.113.7", "203.0.113.8", "2001:db8::7"}};
  server_.table()["four.test"] = {.addresses = {"203.0.113.7"}};
  server_.table()["six.test"] = {.addresses = {"2001:db8::7"}};
  EXPECT_EQ(texts("a.test"), (List{"2001:db8::7", "203.0.113.7", "203.0.113.8"}));
  EXPECT_EQ(texts("four.test"), List{"203.0.113.7"});
  EXPECT_EQ(texts("six.test"), List{"2001:db8::7"});
}

TEST_F(ResolverTest, SaysWhyThereIsNone) {
  server_.table()["empty.test"] = {};
  server_.table()["failing.test"] = {.addresses = {}, .code = 2};
  server_.table()["refused.test"] = {.addresses = {}, .code = 5};
  EXPECT_EQ(texts("missing.test"), List{"looking up missing.test: no such name"});
  EXPECT_EQ(texts("empty.test"), List{"looking up empty.test: the name has no address"});
  for (const auto* name : {"failing.test", "refused.test"}) {
    const auto result = resolve(name);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Errc::kPeerProtocol) << name;
    EXPECT_NE(result.error().what().find("name server"), std::string::npos)
        << result.error().what();
  }
}

TEST_F(ResolverTest, ATruncatedAnswerIsAskedForAgainOverTcp) {
  StubAnswer many{.udp = StubAnswer::Udp::kTruncated};
  for (int i = 1; i <= 60; ++i) many.addresses.push_back("203.0.113." + std::to_string(i));
  server_.table()["many.test"] = many;
  EXPECT_EQ(texts("many.test").size(), 60u);
  EXPECT_GE(server_.over_tcp(), 1u);
}

TEST_F(ResolverTest, NoMoreThanTheLimitAreTaken) {
  StubAnswer many{.udp = StubAnswer::Udp::kTruncated};
  for (int i = 1; i <= 200; ++i) many.addresses.push_back("203.0.113." + std::to_string(i));
  server_.table()["many.test"] = many;
  EXPECT_EQ(texts("many.test").size(), limits::kAddresses);
}

TEST_F(ResolverTest, AsksForTheVeryNameAndNoOther) {
  EXPECT_EQ(texts("short"), List{"looking up short: no such name"});
  texts("missing.example");
  for (const auto& name : server_.asked()) {
    EXPECT_TRUE(name == "short" || name == "missing.example") << name;
  }
}

TEST_F(ResolverTest, HostsAndAddressLiteralsAreNotAskedFor) {
  make({}, "203.0.113.9 pinned.test\n");
  server_.table()["pinned.test"] = {.addresses = {"203.0.113.1"}};
  EXPECT_EQ(texts("pinned.test"), List{"203.0.113.9"});
  EXPECT_EQ(texts("203.0.113.4"), List{"203.0.113.4"});
  EXPECT_EQ(texts("2001:db8::4"), List{"2001:db8::4"});
  EXPECT_TRUE(server_.asked().empty());
}

TEST_F(ResolverTest, ANameServerThatSwallowsOneFamilyCostsLittle) {
  make({.whole = 60s, .name_server = 60s, .other_family = 50ms});
  server_.table()["no6.test"] = {.addresses = {"203.0.113.7"}, .unanswered = {kAaaa}};
  server_.table()["no4.test"] = {.addresses = {"2001:db8::7"}, .unanswered = {kA}};
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(texts("no6.test"), List{"203.0.113.7"});
  EXPECT_EQ(texts("no4.test"), List{"2001:db8::7"});
  EXPECT_LT(std::chrono::steady_clock::now() - before, 20s);
}

TEST_F(ResolverTest, SilenceIsATimeOutWithinTheDeadline) {
  make({.whole = 200ms, .name_server = 60s});
  server_.table()["silent.test"] = {.addresses = {}, .unanswered = {kA, kAaaa}};
  const auto result = resolve("silent.test");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().system_errno(), ETIMEDOUT) << result.error().what();
  // The answers of the lookup given up come to nobody, and others go on.
  server_.table()["a.test"] = {.addresses = {"203.0.113.7"}};
  EXPECT_EQ(texts("a.test"), List{"203.0.113.7"});
}

TEST_F(ResolverTest, ALostPacketIsSentAgain) {
  make({.name_server = 50ms});
  server_.table()["lossy.test"] = {.addresses = {"203.0.113.7"}, .unanswered = {kA, kAaaa}};
  const auto answer = start("lossy.test");
  run_until([&] { return server_.asked().size() >= 2; });
  server_.table()["lossy.test"].unanswered.clear();
  run_until([&] { return answer->has_value(); });
  ASSERT_TRUE(answer->value()) << answer->value().error().what();
  EXPECT_GT(server_.asked().size(), 2u);
}

TEST_F(ResolverTest, AllTriesUnansweredIsATimeOut) {
  make({.name_server = 20ms});
  server_.table()["silent.test"] = {.addresses = {}, .unanswered = {kA, kAaaa}};
  const auto result = resolve("silent.test");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().system_errno(), ETIMEDOUT) << result.error().what();
}

TEST_F(ResolverTest, ManyAtOnceDoNotMixUp) {
  std::vector<std::shared_ptr<Answer>> answers;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "n" + std::to_string(i) + ".test";
    server_.table()[name] = {.addresses = {"203.0.113." + std::to_string(i)}};
    answers.push_back(start(name));
  }
  for (int i = 0; i < 100; ++i) {
    const auto& answer = answers[static_cast<std::size_t>(i)];
    run_until([&] { return answer->has_value(); });
    ASSERT_TRUE(answer->value()) << answer->value().error().what();
    ASSERT_EQ((*answer)->value().size(), 1u);
    EXPECT_EQ((*answer)->value()[0].to_string(), "203.0.113." + std::to_string(i));
  }
}

TEST_F(ResolverTest, ItsEndFailsWhatIsUnderWay) {
  server_.table()["silent.test"] = {.addresses = {}, .unanswered = {kA, kAaaa}};
  const auto first = start("silent.test");
  const auto second = start("other.silent.test");
  run_until([&] { return server_.asked().size() >= 2; });
  resolver_.reset();
  run_until([&] { return first->has_value() && second->has_value(); });
  ASSERT_FALSE(first->value());
  EXPECT_EQ(first->value().error().what(), "looking up silent.test: the lookup was given up");
}

TEST_F(ResolverTest, ANameServerThatIsNotThereIsAnError) {
  asio::ip::udp::socket unused(context_, {asio::ip::address_v4::loopback(), 0});
  const auto port = unused.local_endpoint().port();
  unused.close();
  resolver_ = Resolver::create(context_.get_executor(), "127.0.0.1:" + std::to_string(port),
                               HostsFile(""), {.name_server = 50ms})
                  .value();
  EXPECT_FALSE(resolve("a.test"));
}

}  // namespace
}  // namespace redoubtful::proxy
