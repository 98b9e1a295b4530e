#include "proxy/audit_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "common/file.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

class AuditLogTest : public ::testing::Test {
 protected:
  AuditLogTest() : file_(::memfd_create("audit", MFD_CLOEXEC)) {}

  UniqueFd descriptor() const { return UniqueFd(::dup(file_.get())); }

  std::vector<json::object> lines() const {
    ::lseek(file_.get(), 0, SEEK_SET);
    const std::string text = read_file(file_.get(), 1U << 30U).value();
    std::vector<json::object> out;
    std::size_t from = 0;
    for (std::size_t end; (end = text.find('\n', from)) != std::string::npos; from = end + 1) {
      out.push_back(json::parse(text.substr(from, end - from)).as_object());
    }
    EXPECT_EQ(from, text.size()) << "the last line is whole";
    return out;
  }

  static Denial denial(std::string target) {
    Denial out;
    out.reason = DenyReason::kNoMatchingRule;
    out.target = target;
    out.remedy = std::move(target);
    return out;
  }

  UniqueFd file_;
};

TEST_F(AuditLogTest, ARequestIsOneObjectWithStableNames) {
  {
    AuditLog log(descriptor(), "s1");
    AuditEvent event;
    event.event = "request";
    event.host = "api.example.com";
    event.port = 443;
    event.method = "POST";
    event.path = "/v1/messages";
    event.status = 200;
    event.bytes_up = 10;
    event.bytes_down = 20;
    event.time = std::chrono::microseconds(1500);
    event.rule = "api.example.com";
    event.place = "x.yaml:3";
    log.record(event);
  }
  const auto got = lines();
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[0].at("event"), "start");
  EXPECT_EQ(got[2].at("event"), "stop");
  const auto& request = got[1];
  EXPECT_EQ(request.at("session"), "s1");
  EXPECT_EQ(request.at("host"), "api.example.com");
  EXPECT_EQ(request.at("port"), 443);
  EXPECT_EQ(request.at("status"), 200);
  EXPECT_EQ(request.at("bytes_down"), 20);
  EXPECT_EQ(request.at("milliseconds"), 1.5);
  EXPECT_EQ(request.at("place"), "x.yaml:3");
  const std::string time = request.at("time").as_string().c_str();
  EXPECT_EQ(time.size(), 24U) << time;
  EXPECT_TRUE(time.ends_with('Z'));
}

TEST_F(AuditLogTest, RepeatedDenialsAreCountedAndNotRepeated) {
  {
    AuditLog log(descriptor(), "s");
    for (int i = 0; i < 1000; ++i) log.deny(denial("evil.example"), "transparent", "GET", "/");
    log.deny(denial("other.example"), "transparent");
    const auto summary = log.summary();
    ASSERT_EQ(summary.refused.size(), 2U);
    EXPECT_EQ(summary.refused[0].target, "evil.example");
    EXPECT_EQ(summary.refused[0].count, 1000U);
  }
  const auto got = lines();
  EXPECT_LT(got.size(), 20U);
  std::int64_t last = 0;
  for (const auto& line : got) {
    if (line.at("event") == "deny" && line.at("host") == "evil.example") {
      last = line.contains("count") ? line.at("count").as_int64() : 1;
    }
  }
  EXPECT_EQ(last, 1000);
}

TEST_F(AuditLogTest, TheSummaryNamesHostsHoweverManyOfTheirPathsAreRefused) {
  AuditLog log({}, "s");
  log.deny(denial("GET https://api.example/user"), "tls", "GET", "/user");
  log.deny(denial("DELETE https://api.example/x"), "tls", "DELETE", "/x");
  log.deny(denial("https://api.example"), "tls", "TRACE", "/");
  log.deny(denial("GET http://api.example:8080/"), "http", "GET", "/");
  const auto refused = log.summary().refused;
  ASSERT_EQ(refused.size(), 2U);
  EXPECT_EQ(refused[0].target, "api.example");
  EXPECT_EQ(refused[0].count, 3U);
  EXPECT_EQ(refused[1].target, "api.example:8080");
}

TEST_F(AuditLogTest, TheAgentCannotFillTheDisk) {
  std::vector<std::string> said;
  {
    AuditLog log(descriptor(), "s");
    AuditEvent event;
    event.event = "request";
    event.path = std::string(100'000, 'x');
    for (int i = 0; i < 200'000; ++i) log.record(event);
    log.finish();
    said = log.summary().alarms;
  }
  EXPECT_EQ(said, (std::vector<std::string>{"the audit log is full: later lines were left out"}));
  EXPECT_LT(::lseek(file_.get(), 0, SEEK_END), 65LL * 1024 * 1024);
  const auto got = lines();
  EXPECT_EQ(got[got.size() - 2].at("event"), "full");
  EXPECT_EQ(got.back().at("event"), "stop");
}

TEST_F(AuditLogTest, ARequestUnderWayAtTheEndIsInTheLogAndNoneIsTwice) {
  AuditEvent event;
  event.event = "request";
  {
    AuditLog log(descriptor(), "s");
    event.path = "/stream";
    const auto stream = log.open(event);
    stream->event.status = 200;
    event.path = "/done";
    const auto done = log.open(event);
    log.close(*done);
    event.path = "/forgotten";
    log.open(event).reset();
    log.finish();
    log.close(*stream);  // its coroutine ends later than the log
  }
  const auto got = lines();
  ASSERT_EQ(got.size(), 4U);
  EXPECT_EQ(got[1].at("path"), "/done");
  EXPECT_EQ(got[2].at("path"), "/stream");
  EXPECT_EQ(got[2].at("status"), 200);
  EXPECT_NE(got[2].at("detail").as_string().find("under way"), std::string::npos);
}

TEST_F(AuditLogTest, WhateverIsInAFieldIsReadBackAsItWas) {
  const std::vector<std::string> texts = {"plain",          "\"quoted\"", "back\\slash",
                                          "tab\tnewline\n", "\x7f",       "b\u00fccher \u2028",
                                          "</script>",      "{\"a\":1}"};
  {
    AuditLog log(descriptor(), "s1");
    for (const auto& text : texts) {
      AuditEvent event;
      event.event = "request";
      event.path = text;
      event.time = std::chrono::microseconds(62);
      log.record(event);
    }
  }
  const auto got = lines();
  ASSERT_EQ(got.size(), texts.size() + 2);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(std::string(got[i + 1].at("path").as_string()), texts[i]);
    EXPECT_EQ(got[i + 1].at("milliseconds"), 0.062);
  }
}

TEST_F(AuditLogTest, AnAlarmThatRepeatsIsOneLineOfTheSummary) {
  AuditLog log(descriptor(), "s1");
  for (int i = 0; i < 3; ++i) log.alarm("a.example", "key", "was on its way");
  log.alarm("b.example", "key", "was on its way");
  EXPECT_EQ(log.summary().alarms,
            (std::vector<std::string>{"a.example: credential key: was on its way (3 times)",
                                      "b.example: credential key: was on its way"}));
}

TEST_F(AuditLogTest, AFloodOfAlarmsLeavesRoomForTheRest) {
  {
    AuditLog log(descriptor(), "s1");
    for (int i = 0; i < 1000; ++i) log.alarm("a.example", "key", "was on its way");
  }
  const auto got = lines();
  EXPECT_LT(got.size(), 20U);
  EXPECT_EQ(got[got.size() - 2].at("event"), "alarm");
  EXPECT_EQ(got[got.size() - 2].at("count"), 1000);
}

TEST_F(AuditLogTest, ACredentialThatEndsUnrenewedIsOneLineOfTheSummary) {
  AuditLog log(descriptor(), "s1");
  log.refreshed("mended", "failed", "no answer");
  log.refreshed("mended", {}, "renewed");
  log.refreshed("gone", "failed", "no answer");
  log.refreshed("gone", "failed", "the login is no longer good");
  log.refreshed("kept", "unwritten", "renewed, but its file still has the old login: full");
  EXPECT_EQ(log.summary().alarms,
            (std::vector<std::string>{
                "credential gone could not be renewed: the login is no longer good",
                "credential kept was renewed, but its file still has the old login: full"}));
}

TEST_F(AuditLogTest, BytesThatAreNotTextStayOneLineOfJson) {
  {
    AuditLog log(descriptor(), "s");
    AuditEvent event;
    event.event = "request";
    event.path = "/\xff\x1b[31m\n{";
    log.record(event);
  }
  ASSERT_EQ(lines().size(), 3U);
}

TEST_F(AuditLogTest, ADiskThatIsFullIsSaidAndStopsNothing) {
  // /dev/full: every write(2) fails with ENOSPC.
  AuditLog log(UniqueFd(::open("/dev/full", O_WRONLY | O_CLOEXEC)), "s");
  log.deny(denial("evil.example"), "transparent");
  const auto summary = log.summary();
  EXPECT_EQ(summary.refused.size(), 1U);
  ASSERT_EQ(summary.alarms.size(), 1U);
  EXPECT_NE(summary.alarms[0].find("could not be written"), std::string::npos);
}

}  // namespace
}  // namespace redoubtful::proxy
