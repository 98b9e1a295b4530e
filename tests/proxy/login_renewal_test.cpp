// The proxy's side: one question for all who were refused, and what the surrogate stands for then.

#include "proxy/login_renewal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "proxy/login_helper.hpp"
#include "tests/proxy/policy_support.hpp"

namespace redoubtful::proxy::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSurrogate = "sk-ant-oat01-surrogate0123456789";

class World {
 public:
  explicit World(std::optional<std::chrono::sys_seconds> expires = std::nullopt)
      : injector_(live()), audit_({}, "s") {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    helper_ = UniqueFd(ends[1]);
    link_.emplace(context_, UniqueFd(ends[0]), LoginHelper::kAnswerBytes, LoginHelper::kPatience);
    renewal_.emplace(context_, injector_, secrets_, audit_);
    renewal_->add(*link_, {"login", expires, 7});
    renewal_->start();
  }

  std::size_t run() {
    context_.restart();
    return context_.run_for(std::chrono::milliseconds(20));
  }
  // Questions that were put, until there is no more to do now.
  int questions() {
    context_.restart();
    context_.poll();
    int count = 0;
    std::uint32_t number = 0;
    while (::recv(helper_.get(), &number, sizeof number, MSG_DONTWAIT) == sizeof number) {
      EXPECT_EQ(number, 7u);
      ++count;
    }
    return count;
  }
  void answer(Result<FreshLogin> login) {
    const std::string packet = fresh_login_packet(std::move(login));
    EXPECT_EQ(::send(helper_.get(), packet.data(), packet.size(), 0),
              static_cast<ssize_t>(packet.size()));
    for (int i = 0; i < 3; ++i) run();
  }
  void wait_for_newer(std::uint64_t than, std::vector<bool>& out) {
    boost::asio::co_spawn(context_, renewal_->newer("login", than),
                          [&out](std::exception_ptr, bool newer) { out.push_back(newer); });
  }
  static FreshLogin fresh(std::string token) {
    FreshLogin out;
    out.access_token = std::move(token);
    out.ours = true;
    return out;
  }
  std::string scrubbed(std::string text) {
    const auto secrets = secrets_.of(host("api.example"), injector_);
    Scrubber scrubber(secrets->patterns);
    scrubber.scrub(text);
    return text;
  }
  LoginRenewal& renewal() { return *renewal_; }
  const LiveCredential& credential() const { return injector_.credentials().front(); }
  void end_helper() { helper_.reset(); }
  std::vector<std::string> alarms() const { return audit_.summary().alarms; }

 private:
  static std::vector<LiveCredential> live() {
    std::vector<LiveCredential> out;
    out.push_back({"login",
                   {host("api.example")},
                   *Secret::take("sk-ant-oat01-first-real-0123456"),
                   std::string(kSurrogate)});
    return out;
  }

  boost::asio::io_context context_;
  Injector injector_;
  SecretsOfHosts secrets_;
  AuditLog audit_;
  UniqueFd helper_;
  std::optional<HelperLink> link_;
  std::optional<LoginRenewal> renewal_;
};

TEST(LoginRenewal, FiftyRefusalsAreOneQuestion) {
  World world;
  EXPECT_EQ(world.questions(), 0);
  std::vector<bool> newer;
  for (int i = 0; i < 50; ++i) world.wait_for_newer(0, newer);
  EXPECT_EQ(world.questions(), 1);
  EXPECT_TRUE(newer.empty());
  world.answer(World::fresh("sk-ant-oat01-second-real-012345"));
  EXPECT_EQ(newer, std::vector<bool>(50, true));
  EXPECT_EQ(world.renewal().generation("login"), 1u);
  // One that was sent with the old token and comes back now: nobody is asked.
  world.wait_for_newer(0, newer);
  EXPECT_EQ(world.questions(), 0);
  EXPECT_EQ(newer.size(), 51u);
  EXPECT_TRUE(newer.back());
}

TEST(LoginRenewal, TheSurrogateStaysAndBothTokensAreScrubbed) {
  World world;
  world.renewal().refused("login", 0);
  EXPECT_EQ(world.questions(), 1);
  world.answer(World::fresh("sk-ant-oat01-second-real-012345"));
  EXPECT_EQ(world.credential().surrogate, kSurrogate);
  const std::string out =
      world.scrubbed("a sk-ant-oat01-first-real-0123456 b sk-ant-oat01-second-real-012345 c");
  EXPECT_THAT(out, Not(HasSubstr("real")));
  EXPECT_THAT(out, HasSubstr("a sk-ant-oat01-surrogate"));
}

TEST(LoginRenewal, AFailureIsToldToAllAndNobodyAsksAgainAtOnce) {
  World world;
  std::vector<bool> newer;
  for (int i = 0; i < 3; ++i) world.wait_for_newer(0, newer);
  EXPECT_EQ(world.questions(), 1);
  world.answer(Error(Errc::kInvalidProfile, "no longer good"));
  EXPECT_EQ(newer, std::vector<bool>(3, false));
  world.wait_for_newer(0, newer);
  world.renewal().refused("login", 0);
  EXPECT_EQ(world.questions(), 0);
  EXPECT_EQ(newer.size(), 4u);
  EXPECT_EQ(world.renewal().generation("login"), 0u) << "and the old token is in use";
}

TEST(LoginRenewal, AHelperThatIsGoneIsAFailure) {
  World world;
  world.end_helper();
  std::vector<bool> newer;
  world.wait_for_newer(0, newer);
  for (int i = 0; i < 5 && newer.empty(); ++i) (void)world.run();
  EXPECT_EQ(newer, std::vector<bool>{false});
}

TEST(LoginRenewal, TheSameValueAgainIsNothingNewAndNobodyAsksForAWhile) {
  World world;
  std::vector<bool> newer;
  world.wait_for_newer(0, newer);
  EXPECT_EQ(world.questions(), 1);
  world.answer(World::fresh("sk-ant-oat01-first-real-0123456"));
  EXPECT_EQ(newer, std::vector<bool>{false});
  EXPECT_EQ(world.renewal().generation("login"), 0u);
  world.renewal().refused("login", 0);
  world.wait_for_newer(0, newer);
  EXPECT_EQ(world.questions(), 0);
  EXPECT_TRUE(world.alarms().empty()) << "it may have been refused for another reason";
}

TEST(LoginRenewal, TheSameValueAgainThoughItHasEndedIsSaidAtTheEnd) {
  World world(std::chrono::sys_seconds(std::chrono::seconds(1)));
  world.run();
  EXPECT_EQ(world.questions(), 0) << "not before a second is over";
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  for (int i = 0; i < 3; ++i) world.run();
  EXPECT_EQ(world.questions(), 1);
  world.answer(World::fresh("sk-ant-oat01-first-real-0123456"));
  ASSERT_EQ(world.alarms().size(), 1u);
  EXPECT_THAT(world.alarms()[0], HasSubstr("credential login could not be renewed"));
}

TEST(HelperLink, QuestionsAtTheSameTimeTakeTurns) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd helper(ends[1]);
  boost::asio::io_context context;
  HelperLink link(context, UniqueFd(ends[0]), 100, std::chrono::seconds(30));
  std::vector<std::string> answers(3);
  for (std::uint32_t i = 0; i < answers.size(); ++i) {
    boost::asio::co_spawn(context, link.ask(i), [&answers, i](std::exception_ptr, std::string got) {
      answers[i] = std::move(got);
    });
  }
  for (std::size_t done = 0; done < answers.size(); ++done) {
    context.restart();
    context.run_for(std::chrono::milliseconds(20));
    std::uint32_t number = 0;
    ASSERT_EQ(::recv(helper.get(), &number, sizeof number, MSG_DONTWAIT), sizeof number);
    std::uint32_t second = 0;
    EXPECT_LT(::recv(helper.get(), &second, sizeof second, MSG_DONTWAIT), 0) << "one at a time";
    const std::string answer = "kanswer " + std::to_string(number);
    ASSERT_GT(::send(helper.get(), answer.data(), answer.size(), 0), 0);
  }
  context.restart();
  context.run_for(std::chrono::milliseconds(20));
  EXPECT_EQ(answers, (std::vector<std::string>{"kanswer 0", "kanswer 1", "kanswer 2"}));
}

TEST(LoginRenewal, KnowsNoOther) {
  World world;
  EXPECT_EQ(world.renewal().generation("another"), std::nullopt);
  world.renewal().refused("another", 0);
  EXPECT_EQ(world.questions(), 0);
}

TEST(LoginHelper, SaysWhatItHasAndWhyNot) {
  FreshLogin login = World::fresh("token");
  login.expires = std::chrono::sys_seconds(std::chrono::seconds(1'800'000'000));
  login.unwritten = "no room";
  std::string packet = fresh_login_packet(std::move(login));
  const auto read = LoginHelper::answer(packet);
  ASSERT_TRUE(read) << read.error().what();
  EXPECT_EQ(read->access_token, "token");
  EXPECT_EQ(read->expires->time_since_epoch().count(), 1'800'000'000);
  EXPECT_EQ(read->unwritten, "no room");
  EXPECT_TRUE(read->ours);
  EXPECT_THAT(packet, Not(HasSubstr("token"))) << "the packet is erased";
  packet = fresh_login_packet(Error(Errc::kSystemCall, "it is so").hint("do that"));
  EXPECT_EQ(LoginHelper::answer(packet).error().what(), "it is so; do that");
  for (std::string bad : {"", "k", "k{}", "x", R"(k{"access_token":1})"}) {
    EXPECT_EQ(LoginHelper::answer(bad).error().code(), Errc::kPeerProtocol);
  }
}

}  // namespace
}  // namespace redoubtful::proxy::test
