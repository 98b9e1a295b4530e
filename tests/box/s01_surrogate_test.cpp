// S1 and S4: inside there are surrogates and the authority's certificate, never a real value or a
// key; outside the real value is in nobody's arguments or environment but its owner's own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "tests/support/filtered.hpp"

namespace redoubtful::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;

constexpr const char* kSecret = "sk-real-4f6a1c9be2d07735-value";

// Everything readable: variables, /proc of every process, the box's own files, all of the user's.
const std::string kScan =
    "echo \"token=$TOKEN\"\n"
    "near() { printenv; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /etc/redoubtful/* "
    "/etc/ssl/certs/ca-certificates.crt; }\n"
    "far() { find / -xdev -user \"$(id -u)\" -type f -size -200k -not -path '/proc/*' "
    "-not -path '/usr/*' -exec cat {} +; }\n"
    "echo \"keys=$(near 2>/dev/null | grep -a -c 'PRIVATE KE[Y]')\"\n"
    "echo \"found=$( (near; far) 2>/dev/null | tr '\\0' '\\n' | grep -a -c "
    "'4f6a1c9be2d0773[5]')\"\n";

BoxRun scan(std::vector<std::string> options) {
  BoxRun run = bash(kScan, std::move(options));
  run.environment = {"TOKEN=" + std::string(kSecret)};
  return run;
}

TEST(S1, OnlyTheSurrogateIsInside) {
  const World world;
  const Outcome inside = world.run(scan({"-s", "TOKEN=env:TOKEN@api.example"}));
  EXPECT_EQ(inside.status, 0) << inside.err;
  EXPECT_THAT(inside.out, AllOf(HasSubstr("token=sk-"), HasSubstr("\nkeys=0\nfound=0\n")));
  EXPECT_THAT(inside.out, Not(HasSubstr(kSecret)));

  const Outcome passed = world.run(scan({"-e", "TOKEN"}));
  EXPECT_THAT(passed.out, Not(HasSubstr("found=0\n"))) << "positive control: " << passed.out;
}

TEST(S1, TwoRunsHaveNothingInCommon) {
  const World world;
  const auto token = [&] {
    const Outcome inside = world.run(scan({"-s", "TOKEN=env:TOKEN@api.example"}));
    return inside.out.substr(0, inside.out.find('\n'));
  };
  EXPECT_NE(token(), token());
}

// Nothing where it cannot be opened.
std::optional<std::string> content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(S4, TheRealValueIsInNoArgumentAndNoEnvironmentButItsOwners) {
  const World world;
  BoxRun request = bash("echo started; until test -e go; do sleep 0.05; done",
                        {"-s", "TOKEN=env:TOKEN@api.example"});
  request.environment = {"TOKEN=" + std::string(kSecret)};
  Running running = Running::start(world.program(request));
  ASSERT_TRUE(running.wait_for("started"));
  const std::string owner = "/proc/" + std::to_string(running.pid());
  EXPECT_THAT(content(owner + "/cmdline"), Optional(Not(HasSubstr(kSecret))));
  const auto owners = content(owner + "/environ");
  if (::getuid() == 0) {
    EXPECT_THAT(owners, Optional(HasSubstr(kSecret))) << "control: so one looks";
  } else {
    EXPECT_EQ(owners, std::nullopt) << "not even another process of the same user reads it";
  }
  const auto below = descendants_of(running.pid());
  EXPECT_GE(below.size(), 3U);
  int agents = 0;
  for (const pid_t pid : below) {
    const std::string process = "/proc/" + std::to_string(pid);
    EXPECT_THAT(content(process + "/cmdline"), Optional(Not(HasSubstr(kSecret))));
    // The proxy's and the init's only root can read: nobody's is better still.
    const auto environment = content(process + "/environ");
    if (::getuid() == 0 || environment) {
      EXPECT_THAT(environment, Optional(Not(HasSubstr(kSecret))));
    }
    if (environment && environment->find("TOKEN=sk-") != std::string::npos) ++agents;
  }
  EXPECT_GE(agents, 1) << "control: where the surrogate is, it was read";
  world.write(world.project() / "go", "");
  const Outcome outcome = running.finish();
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.err, Not(HasSubstr(kSecret)));
  const Outcome files = run({.arguments = {"/bin/grep", "-r", "-c", "-e", kSecret, world.home()},
                             .environment = {"PATH=/usr/bin:/bin"}});
  EXPECT_EQ(files.status, 1) << "in no file of ours: " << files.out;
}

TEST(S4, NobodyElseReadsTheProxy) {
  const World world;
  // Another process of the same user; for root, who reads everything, one of another's.
  const auto read = [&](const std::string& path) {
    std::vector<std::string> command{"/bin/cat", path};
    if (::getuid() == 0) {
      command.insert(command.begin(),
                     {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"});
    }
    return test::run({.arguments = command, .environment = {"PATH=/usr/bin:/bin", "SEEN=1"}}).out;
  };
  Running running =
      Running::start(world.program(bash("echo started; until test -e go; do sleep 0.05; done")));
  ASSERT_TRUE(running.wait_for("started"));
  const auto proxies = descendants_named(running.pid(), kProxyName);
  ASSERT_EQ(proxies.size(), 1U);
  const std::string proxy = "/proc/" + std::to_string(proxies[0]);
  for (const char* file : {"/environ", "/maps", "/auxv", "/syscall"}) {
    EXPECT_EQ(read(proxy + file), "") << file;
    EXPECT_NE(read(std::string("/proc/self") + file), "") << "positive control: " << file;
  }
  world.write(world.project() / "go", "");
  EXPECT_EQ(running.finish().status, 0);
}

}  // namespace
}  // namespace redoubtful::test
