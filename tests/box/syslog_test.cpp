// `audit: {syslog: true}`: what the audit log says, the host's log is told too.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/filtered.hpp"

namespace redoubtful::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// What listens at /dev/log elsewhere. REDOUBTFUL_SYSLOG stands for the path.
class Daemon {
 public:
  explicit Daemon(const World& world)
      : path_(world.top() / "log"), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }

  std::string variable() const { return "REDOUBTFUL_SYSLOG=" + path_; }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    std::string text(64 * 1024, '\0');
    ssize_t got = 0;
    while ((got = ::recv(fd_.get(), text.data(), text.size(), MSG_DONTWAIT)) > 0) {
      out.emplace_back(text, 0, static_cast<std::size_t>(got));
    }
    return out;
  }

 private:
  std::string path_;
  UniqueFd fd_;
};

std::string with_syslog(const World& world, const WebOrigin& origin) {
  return world.write(world.top() / "web.yaml",
                     "audit: {syslog: true}\n"
                     "network:\n  allow: [\"http://web.example\"]\n"
                     "  origins: {web.example: {address: \"" +
                         origin.address() + "\"}}\n");
}

TEST(Syslog, TheHostsLogIsToldWhatTheAuditLogSays) {
  const World world;
  const WebOrigin origin("the origin's words");
  const Daemon daemon(world);
  BoxRun run = bash(
      "fetch web.example 80; fetch other.example 80\n"
      "[ -e /dev/log ] && echo 'it is inside'; echo END",
      {"-u", with_syslog(world, origin)});
  run.environment = {daemon.variable()};
  const Outcome inside = world.run(run);
  EXPECT_THAT(inside.out, AllOf(HasSubstr("the origin's words"), HasSubstr("403"),
                                ::testing::EndsWith("\nEND\n")))
      << inside.err;
  EXPECT_THAT(inside.out, Not(HasSubstr("it is inside")));

  const auto lines = daemon.lines();
  EXPECT_THAT(lines.front(),
              AllOf(StartsWith("<14>redoubtful-proxy["), HasSubstr("\"event\":\"start\"")));
  EXPECT_THAT(lines.back(), HasSubstr("\"event\":\"stop\""));
  EXPECT_THAT(lines, Contains(AllOf(StartsWith("<14>"), HasSubstr("\"event\":\"request\""),
                                    HasSubstr("web.example"))));
  EXPECT_THAT(lines, Contains(AllOf(StartsWith("<13>"), HasSubstr("\"event\":\"deny\""),
                                    HasSubstr("other.example"))));
  // The file holds the same, line by line.
  std::string told;
  for (const auto& line : lines) told += line.substr(line.find('{')) + "\n";
  EXPECT_EQ(test::run(world.redoubtful({"audit", "--json"})).out, told);
}

TEST(Syslog, WithoutALogOfTheHostsTheRunDoesNotBegin) {
  const World world;
  const WebOrigin origin("the origin's words");
  BoxRun run = bash("echo begun", {"-u", with_syslog(world, origin)});
  run.environment = {"REDOUBTFUL_SYSLOG=" + (world.top() / "absent").string()};
  const Outcome none = world.run(run);
  EXPECT_EQ(none.status, 78);
  EXPECT_EQ(none.out, "");
  EXPECT_THAT(none.err, AllOf(HasSubstr("web.yaml:1:17: audit.syslog: nobody takes log lines at"),
                              HasSubstr("take the key out")));
  // Asking changes nothing, and tells nobody.
  Program why = world.redoubtful({"why", "http://web.example", "-u", world.top() / "web.yaml"});
  EXPECT_THAT(test::run(why).out, HasSubstr("allowed"));
}

}  // namespace
}  // namespace redoubtful::test
