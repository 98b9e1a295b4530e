// The audit's lines in the host's log. The daemon is a datagram socket of the test's own.

#include "proxy/system_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

#include "proxy/audit_log.hpp"

namespace redoubtful::proxy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Daemon {
 public:
  explicit Daemon(const std::string& path)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }

  std::optional<std::string> next() {
    std::string text(64 * 1024, '\0');
    const ssize_t got = ::recv(fd_.get(), text.data(), text.size(), 0);
    if (got < 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(got));
    return text;
  }
  std::vector<std::string> all() {
    std::vector<std::string> out;
    while (auto line = next()) out.push_back(*std::move(line));
    return out;
  }

 private:
  UniqueFd fd_;
};

class SystemLogTest : public ::testing::Test {
 protected:
  SystemLogTest() {
    std::string name = std::filesystem::temp_directory_path() / "system-log-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name + "/log";
  }
  ~SystemLogTest() override {
    std::filesystem::remove_all(std::filesystem::path(path_).parent_path());
  }

  SystemLog open() { return SystemLog::open(path_).value(); }

  static Denial denial(std::string target) {
    Denial out;
    out.reason = DenyReason::kNoMatchingRule;
    out.target = std::move(target);
    return out;
  }

  std::string path_;
};

// "<14>redoubtful-proxy[1]: {…}" without its number and process: "14 start".
std::string summary_of(const std::string& datagram) {
  const std::size_t end = datagram.find('>');
  const std::string tag = ">redoubtful-proxy[" + std::to_string(::getpid()) + "]: ";
  EXPECT_EQ(datagram.substr(end, tag.size()), tag) << datagram;
  const auto line = boost::json::parse(datagram.substr(end + tag.size())).as_object();
  return datagram.substr(1, end - 1) + " " + std::string(line.at("event").as_string());
}

TEST_F(SystemLogTest, EveryLineOfTheAuditIsADatagramOfItsSeverity) {
  Daemon daemon(path_);
  {
    AuditLog log({}, "s1", open());
    AuditEvent request;
    request.event = "request";
    request.host = "api.example";
    log.record(request);
    log.deny(denial("evil.example"), "tls");
    log.alarm("evil.example", "key", "was on its way");
  }
  std::vector<std::string> got;
  for (const auto& datagram : daemon.all()) got.push_back(summary_of(datagram));
  // Facility user (1): 8 + informational, notice, warning.
  EXPECT_THAT(got, ElementsAre("14 start", "14 request", "13 deny", "12 alarm", "14 stop"));
}

TEST_F(SystemLogTest, AFloodOfRefusalsIsAFewLines) {
  Daemon daemon(path_);
  {
    AuditLog log({}, "s1", open());
    // As often as not there is no room for more than ten datagrams (net.unix.max_dgram_qlen).
    for (int i = 0; i < 15; ++i) log.deny(denial("evil.example"), "tls");
    EXPECT_EQ(daemon.all().size(), 5U) << "start, and the 1st, 2nd, 4th and 8th";
    for (int i = 0; i < 15; ++i) log.alarm("evil.example", "key", "was on its way");
    EXPECT_EQ(daemon.all().size(), 4U);
  }
  const auto last = daemon.all();
  ASSERT_EQ(last.size(), 3U) << "how often it was in all, and the end";
  EXPECT_THAT(last[0], HasSubstr("\"count\":15"));
  EXPECT_THAT(last[1], HasSubstr("\"count\":15"));
}

TEST_F(SystemLogTest, ADaemonThatDoesNotReadStopsNothingAndIsCounted) {
  Daemon daemon(path_);
  AuditLog log({}, "s1", open());
  AuditEvent request;
  request.event = "request";
  request.path = std::string(1000, 'x');
  constexpr std::uint64_t kWritten = 20'000;
  for (std::uint64_t i = 0; i < kWritten; ++i) log.record(request);
  const std::uint64_t arrived = daemon.all().size() - 1;  // but for the start
  ASSERT_LT(arrived, kWritten);
  ASSERT_EQ(log.summary().alarms.size(), 1U);
  EXPECT_THAT(log.summary().alarms[0],
              StartsWith("the host's log lost " + std::to_string(kWritten - arrived) + " lines"));
  EXPECT_THAT(log.summary().alarms[0], HasSubstr("busy"));
  log.finish();
  const auto stop = daemon.next();
  ASSERT_TRUE(stop);
  EXPECT_THAT(*stop, HasSubstr("\"lost_in_syslog\":" + std::to_string(kWritten - arrived)));
}

TEST_F(SystemLogTest, ADaemonThatIsStartedAnewIsNotFoundAgain) {
  std::optional<Daemon> daemon(path_);
  AuditLog log({}, "s1", open());
  daemon.reset();
  log.deny(denial("evil.example"), "tls");
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  daemon.emplace(path_);
  log.deny(denial("other.example"), "tls");
  EXPECT_FALSE(daemon->next());
  ASSERT_EQ(log.summary().alarms.size(), 1U);
  EXPECT_THAT(log.summary().alarms[0],
              AllOf(StartsWith("the host's log lost 2 lines"), HasSubstr("Connection refused"),
                    HasSubstr("only the next run connects to again")));
}

TEST_F(SystemLogTest, WithoutADaemonNothingStarts) {
  const auto absent = SystemLog::open(path_);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code(), Errc::kInvalidProfile);
  EXPECT_THAT(absent.error().what(), AllOf(HasSubstr(path_), HasSubstr("No such file")));
  { Daemon gone(path_); }
  EXPECT_THAT(SystemLog::open(path_).error().what(), HasSubstr("Connection refused"));
  EXPECT_FALSE(SystemLog::open(std::string(200, 'x')));
}

}  // namespace
}  // namespace redoubtful::proxy
