// `demo` as a newcomer sees it, and on machines where it must not say that all is well.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Program demo_in(const World& world) {
  fs::create_directory(world.top() / "tmp");
  Program program = world.redoubtful({"demo"});
  std::erase_if(program.environment, [](const std::string& entry) {
    return entry.starts_with("LANG=") || entry.starts_with("LC_") || entry.starts_with("TMPDIR=");
  });
  program.environment.push_back("LANG=C.UTF-8");
  program.environment.push_back("TMPDIR=" + (world.top() / "tmp").string());
  return program;
}

Program where(Program program, const std::string& break_it) {
  program.arguments.insert(program.arguments.begin(), {"/usr/bin/unshare", "-Urm", "/bin/sh", "-c",
                                                       break_it + " && exec \"$@\"", "sh"});
  return program;
}

void expect_nothing_left(const World& world) {
  EXPECT_TRUE(fs::is_empty(world.top() / "tmp"));
  EXPECT_TRUE(fs::is_empty(world.project()));
  EXPECT_EQ(std::distance(fs::directory_iterator(world.home()), fs::directory_iterator()), 1)
      << "nothing but the project in the home";
}

TEST(Demo, EveryLineHolds) {
  const World world;
  const auto start = std::chrono::steady_clock::now();
  const Outcome outcome = run(demo_in(world));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, Not(HasSubstr("✗")));
  // git, a compiler, bash, unshare and pasta are on every machine that runs the tests.
  EXPECT_THAT(outcome.out, HasSubstr("20 of 20 hold"));
  EXPECT_LE(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 30);
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("Read-only file system"), HasSubstr("inside: Connection refused"),
                    HasSubstr("No such file or directory"), HasSubstr("redoubtful run"),
                    HasSubstr("http://allowed.demo.example: the server outside answers"),
                    HasSubstr("403: other.demo.example:80: no rule allows it"),
                    HasSubstr("inside: a surrogate, worth nothing")));
  EXPECT_LT(took, std::chrono::seconds(10)) << "2 s on an idle machine";
  expect_nothing_left(world);
}

TEST(Demo, AHoleIsShown) {
  const World world;
  // The machine's own configuration passes what the demonstration hides.
  world.write(world.top() / "upper/redoubtful/config.yaml",
              "environment: {pass: [DEMO_API_KEY]}\n");
  fs::create_directory(world.top() / "work");
  const std::string top = world.top();
  const Outcome outcome =
      run(where(demo_in(world), "mount -t overlay none -o lowerdir=/etc,upperdir=" + top +
                                    "/upper,workdir=" + top + "/work,userxattr /etc"));
  if (::getuid() == 0) {
    EXPECT_EQ(outcome.status, 1) << outcome.out << outcome.err;
    EXPECT_THAT(outcome.out, AllOf(HasSubstr("✗ DEMO_API_KEY"), HasSubstr("19 of 20 hold"),
                                   HasSubstr("inside: set"), HasSubstr("redoubtful doctor")));
  } else {
    // To an ordinary user in a namespace root's files are nobody's: no bwrap to be trusted.
    EXPECT_EQ(outcome.status, 125) << outcome.out << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("redoubtful doctor"));
  }
  EXPECT_TRUE(fs::is_empty(world.top() / "tmp"));
}

TEST(Demo, WithoutBwrapItSaysWhatIsMissing) {
  const World world;
  const Outcome outcome = run(where(demo_in(world), "mount --bind /dev/null /usr/bin/bwrap"));
  EXPECT_EQ(outcome.status, 125);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("bwrap is not installed"), HasSubstr("redoubtful doctor")));
  expect_nothing_left(world);
}

TEST(Demo, WithoutPastaTheRestIsShown) {
  const World world;
  const Outcome outcome = run(where(demo_in(world), "mount --bind /dev/null /usr/bin/pasta"));
  if (::getuid() == 0) {
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    EXPECT_THAT(outcome.out,
                AllOf(HasSubstr("19 of 19 hold"), Not(HasSubstr("the port you name"))));
  } else {
    EXPECT_EQ(outcome.status, 125);
  }
  expect_nothing_left(world);
}

}  // namespace
}  // namespace redoubtful::test
