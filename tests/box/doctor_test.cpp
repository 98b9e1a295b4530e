// `doctor` on machines that lack something: made for real, in a user and mount namespace.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// `redoubtful doctor` after `break_it`, a shell command, in namespaces of its own.
Outcome doctor_where(const World& world, const std::string& break_it) {
  Program program = world.redoubtful({"doctor"});
  program.arguments.insert(program.arguments.begin(), {"/usr/bin/unshare", "-Urm", "/bin/sh", "-c",
                                                       break_it + " && exec \"$@\"", "sh"});
  return run(program);
}

// The line of a check, and the remedy below it.
std::string check_of(const Outcome& outcome, const std::string& title) {
  const std::size_t at = outcome.out.find(" " + title + " ");
  if (at == std::string::npos) return "no such check: " + outcome.out + outcome.err;
  const std::size_t start = outcome.out.rfind('\n', at) + 1;
  std::size_t end = outcome.out.find('\n', at);
  const std::size_t next = outcome.out.find('\n', end + 1);
  if (outcome.out.substr(end, next - end).find("-> ") != std::string::npos) end = next;
  return outcome.out.substr(start, end - start);
}

TEST(Doctor, FindsNothingOnAMachineWhereBoxesRun) {
  const World world;
  const Outcome outcome = run(world.redoubtful({"doctor"}));
  EXPECT_EQ(outcome.status, 0) << outcome.out;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr(" 0 problems"), Not(HasSubstr("not tried"))));
  EXPECT_THAT(check_of(outcome, "a whole run"), HasSubstr("built, run and gone"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("\033"))) << "no terminal, no colour";
}

TEST(Doctor, LeavesNothingBehind) {
  const World world;
  std::filesystem::create_directory(world.top() / "tmp");
  Program program = world.redoubtful({"doctor"});
  program.environment.push_back("TMPDIR=" + (world.top() / "tmp").string());
  EXPECT_EQ(run(program).status, 0);
  EXPECT_TRUE(std::filesystem::is_empty(world.top() / "tmp"));
  EXPECT_TRUE(std::filesystem::is_empty(world.project()));
  EXPECT_FALSE(std::filesystem::exists(world.home() / ".local"));
  EXPECT_FALSE(std::filesystem::exists(world.home() / ".config"));
}

TEST(Doctor, SaysTheSameAsJson) {
  const World world;
  const Outcome outcome = run(world.redoubtful({"doctor", "--json"}));
  EXPECT_EQ(outcome.status, 0);
  const auto value = boost::json::parse(outcome.out);
  EXPECT_EQ(value.at("problems").as_int64(), 0);
  EXPECT_GE(value.at("checks").as_array().size(), 15U);
  for (const auto& check : value.at("checks").as_array()) {
    EXPECT_NE(check.at("verdict").as_string(), "problem");
    EXPECT_FALSE(check.at("id").as_string().empty());
  }
}

TEST(Doctor, BwrapMissing) {
  const World world;
  const Outcome outcome = doctor_where(world, "mount --bind /dev/null /usr/bin/bwrap");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(check_of(outcome, "bubblewrap"),
              AllOf(HasSubstr("problem"), HasSubstr("bwrap is not installed"), HasSubstr("-> "),
                    HasSubstr("bubblewrap")));
  EXPECT_THAT(check_of(outcome, "a whole run"), HasSubstr("not tried"));
  EXPECT_THAT(check_of(outcome, "namespaces"), HasSubstr("ok")) << "positive control";
}

TEST(Doctor, BwrapSetuid) {
  const World world;
  const std::string copy = world.top() / "bwrap";
  std::filesystem::copy_file("/usr/bin/bwrap", copy);
  ASSERT_EQ(::chmod(copy.c_str(), 04755), 0);
  const Outcome outcome = doctor_where(world, "mount --bind " + copy + " /usr/bin/bwrap");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(check_of(outcome, "bubblewrap"),
              AllOf(HasSubstr("problem"), HasSubstr("set-user-id"), HasSubstr("chmod u-s")));
  ASSERT_EQ(::chmod(copy.c_str(), 0755), 0);
  EXPECT_THAT(
      check_of(doctor_where(world, "mount --bind " + copy + " /usr/bin/bwrap"), "bubblewrap"),
      Not(HasSubstr("set-user-id")))
      << "positive control";
}

TEST(Doctor, BwrapThatDoesNotKnowOurFlags) {
  const World world;
  const std::string old =
      world.write(world.top() / "bwrap",
                  "#!/bin/sh\necho 'bwrap: Unknown option --add-seccomp-fd' >&2\nexit 1\n");
  ASSERT_EQ(::chmod(old.c_str(), 0755), 0);
  const Outcome outcome = doctor_where(world, "mount --bind " + old + " /usr/bin/bwrap");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(check_of(outcome, "bubblewrap"), HasSubstr("problem"));
  if (::getuid() == 0) {
    EXPECT_THAT(check_of(outcome, "bubblewrap"),
                AllOf(HasSubstr("Unknown option --add-seccomp-fd"), HasSubstr("0.8 or newer")));
  }
}

TEST(Doctor, NoTunDevice) {
  const World world;
  const Outcome outcome = doctor_where(world, "mount -t tmpfs none /dev/net");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(check_of(outcome, "tun device"),
              AllOf(HasSubstr("problem"), HasSubstr("/dev/net/tun"), HasSubstr("needed for -f")));
}

TEST(Doctor, UserNamespacesForbidden) {
  const World world;
  const Outcome outcome = doctor_where(world, "echo 0 > /proc/sys/user/max_user_namespaces");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(check_of(outcome, "namespaces"),
              AllOf(HasSubstr("problem"), HasSubstr("user.max_user_namespaces=15000")));
  if (::getuid() == 0) {
    EXPECT_THAT(outcome.out, HasSubstr(" 1 problem,")) << "the cause, and not what follows from it";
  } else {
    // Another cause comes with such a namespace when an ordinary user makes it.
    EXPECT_THAT(check_of(outcome, "bubblewrap"), HasSubstr("start redoubtful outside"));
  }
  EXPECT_THAT(check_of(outcome, "pasta"), HasSubstr("not tried"));
}

TEST(Doctor, ProcCovered) {
  const World world;
  const Outcome outcome = doctor_where(world, "mount -t tmpfs none /proc/sys");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(check_of(outcome, "/proc inside"), AllOf(HasSubstr("problem"), HasSubstr("-> ")));
}

TEST(Doctor, StateDirectoryThatCannotBeUsed) {
  const World world;
  world.write(world.home() / ".local/state", "a file, where a directory should be");
  const Outcome outcome = run(world.redoubtful({"doctor"}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(check_of(outcome, "state directory"),
              AllOf(HasSubstr("problem"), HasSubstr("XDG_STATE_HOME")));
}

TEST(Doctor, ConfigurationThatMeansNothing) {
  const World world;
  world.write(world.home() / ".config/redoubtful/config.yaml", "filesystm: {}\n");
  const Outcome outcome = run(world.redoubtful({"doctor"}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(check_of(outcome, "configuration"),
              AllOf(HasSubstr("problem"), HasSubstr("config.yaml:1:1")));
}

}  // namespace
}  // namespace redoubtful::test
