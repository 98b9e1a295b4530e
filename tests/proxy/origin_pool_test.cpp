// Idle connections to origins: who gets which, and what is never given.

#include "proxy/origin_pool.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "proxy/limits.hpp"
#include "tests/proxy/policy_support.hpp"

namespace redoubtful::proxy::test {
namespace {

// A connection that does nothing but be there.
class Idle final : public Stream {
 public:
  Idle(boost::asio::io_context& context, std::string protocol, const bool& has_bytes, int& alive)
      : context_(context), protocol_(std::move(protocol)), has_bytes_(has_bytes), alive_(alive) {
    ++alive_;
  }
  ~Idle() override { --alive_; }

  Awaitable<IoResult> read_some(boost::asio::mutable_buffer) override { co_return IoResult{}; }
  Awaitable<IoResult> write(std::vector<boost::asio::const_buffer>) override {
    co_return IoResult{};
  }
  Awaitable<void> shutdown_write() override { co_return; }
  void close() noexcept override {}
  boost::asio::any_io_executor executor() override { return context_.get_executor(); }
  std::string_view protocol() const noexcept override { return protocol_; }
  bool readable() noexcept override { return has_bytes_; }

 private:
  boost::asio::io_context& context_;
  std::string protocol_;
  const bool& has_bytes_;
  int& alive_;
};

class OriginPoolTest : public testing::Test {
 protected:
  std::unique_ptr<Stream> idle(const bool& has_bytes, std::string protocol = "http/1.1") {
    return std::make_unique<Idle>(context_, std::move(protocol), has_bytes, alive_);
  }

  boost::asio::io_context context_;
  const bool quiet_ = false;
  const bool ended_ = true;
  int alive_ = 0;
  OriginPool pool_;
};

TEST_F(OriginPoolTest, TheKeyIsHostPortAndWhatTheClientOffered) {
  const Policy policy =
      RuleList().allow("a.example").allow("a.example:8443").allow("b.example").policy();
  const auto key = [&](const char* host, int port, const std::vector<std::string>& offered) {
    return OriginPool::key_of(admitted(policy, host, port, Carried::kTls), offered);
  };
  const std::string one = key("a.example", 443, {"http/1.1"});
  EXPECT_EQ(one, key("a.example", 443, {"http/1.1"}));
  for (const auto& other :
       {key("b.example", 443, {"http/1.1"}), key("a.example", 8443, {"http/1.1"}),
        key("a.example", 443, {}), key("a.example", 443, {"h2", "http/1.1"})}) {
    EXPECT_NE(one, other);
  }
}

TEST_F(OriginPoolTest, GivesEachToOneAndOnlyWhatIsAskedFor) {
  pool_.keep("a", idle(quiet_));
  pool_.keep("a", idle(quiet_, ""));
  EXPECT_EQ(pool_.protocol("b"), std::nullopt);
  EXPECT_EQ(pool_.take("b"), nullptr);
  EXPECT_EQ(pool_.protocol("a"), "") << "the newest";
  EXPECT_EQ(pool_.take("a")->protocol(), "");
  EXPECT_EQ(pool_.protocol("a"), "http/1.1");
  EXPECT_NE(pool_.take("a"), nullptr);
  EXPECT_EQ(pool_.take("a"), nullptr);
  EXPECT_EQ(alive_, 0);
  pool_.keep("a", nullptr);
  EXPECT_EQ(pool_.protocol("a"), std::nullopt);
}

TEST_F(OriginPoolTest, WhatHasSomethingToReadIsNotInStep) {
  pool_.keep("a", idle(ended_));
  EXPECT_EQ(alive_, 0) << "not even kept";
  bool closes = false;
  pool_.keep("a", idle(closes));
  EXPECT_EQ(pool_.protocol("a"), "http/1.1");
  closes = true;
  EXPECT_EQ(pool_.take("a"), nullptr);
  EXPECT_EQ(alive_, 0);
}

TEST_F(OriginPoolTest, KeepsSoManyAndTheOldestGoes) {
  for (std::size_t i = 0; i <= limits::kPooledOrigins; ++i) {
    pool_.keep(std::to_string(i), idle(quiet_));
  }
  EXPECT_EQ(alive_, static_cast<int>(limits::kPooledOrigins));
  EXPECT_EQ(pool_.take("0"), nullptr);
  EXPECT_NE(pool_.take("1"), nullptr);
}

TEST_F(OriginPoolTest, ClosesThemAfterATime) {
  pool_.keep("a", idle(quiet_));
  EXPECT_EQ(alive_, 1);
  context_.run_for(limits::kPooledIdle + std::chrono::seconds(1));
  EXPECT_EQ(alive_, 0);
}

}  // namespace
}  // namespace redoubtful::proxy::test
