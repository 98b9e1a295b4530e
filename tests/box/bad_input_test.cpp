// Bad input: a line that says what is wrong, a line that says what to do, the status of the design;
// nothing started, nothing left behind.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

struct Bad {
  std::string name;
  std::vector<std::string> options;
  int status;
  std::string says;  // part of the first line
};

std::ostream& operator<<(std::ostream& out, const Bad& bad) { return out << bad.name; }

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

class BadInput : public ::testing::TestWithParam<Bad> {};

TEST_P(BadInput, IsRefusedWithAReasonAndARemedy) {
  const World world;
  world.write(world.project() / "f", "");
  fs::create_symlink("loop", world.project() / "loop");
  world.write(world.project() / "bomb.yaml",
              "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n"
              "c: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n"
              "e: [*d,*d,*d,*d,*d,*d,*d,*d]\n");
  world.write(world.project() / "typo.yaml", "filesystem:\n  monuts: [/data]\n");
  ::chmod((world.project() / "bomb.yaml").c_str(), 0600);
  const Outcome outcome =
      world.run({.options = GetParam().options, .command = {"/bin/touch", "started"}});
  EXPECT_EQ(outcome.status, GetParam().status) << outcome.err;
  EXPECT_THAT(outcome.err, StartsWith("redoubtful: "));
  EXPECT_THAT(outcome.err, HasSubstr(GetParam().says));
  EXPECT_LE(lines_in(outcome.err), 3U) << outcome.err;
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_FALSE(fs::exists(world.project() / "started"));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadInput,
    ::testing::Values(
        Bad{"absent_mount", {"-m", "absent"}, 78, "No such file or directory"},
        Bad{"link_loop", {"-m", "loop"}, 78, "Too many levels of symbolic links"},
        Bad{"mount_of_home", {"-m", "~/"}, 78, "home directory"},
        Bad{"mount_of_root", {"-m", "/"}, 78, "root directory"},
        Bad{"device", {"-m", "/dev/null"}, 78, ""},
        Bad{"long_name", {"-m", std::string(4096, 'x')}, 78, "longer than 4095 bytes"},
        Bad{"not_utf8", {"-m", "/nonexistent\xff"}, 78, "\\xff"},
        Bad{"newline", {"-m", "/nonexistent\nx"}, 78, "\\n"}, Bad{"port_0", {"-f", "0"}, 78, "0"},
        Bad{"port_65536", {"-f", "65536"}, 78, "65536"},
        Bad{"port_word", {"-f", "http"}, 64, "http"},
        Bad{"two_to_one_port", {"-f", "8080:80", "-f", "8081:80"}, 78, "twice"},
        Bad{"unknown_profile", {"-u", "nod"}, 78, "did you mean"},
        Bad{"yaml_bomb", {"-u", "./bomb.yaml"}, 78, "bomb.yaml"},
        Bad{"yaml_typo", {"-u", "./typo.yaml"}, 78, "did you mean mounts"},
        Bad{"unknown_option", {"--moutn", "x"}, 64, "--mount"},
        Bad{"not_yet_cow", {"--cwd", "cow"}, 78, "not yet"},
        Bad{"aws_secret", {"-s", "A=aws-profile:a@x.example"}, 78, "are a pair"},
        Bad{"absent_secret", {"-s", "A=file:/no/such@x.example"}, 78, "does not exist"},
        Bad{"open_secret", {"-s", "A=file:/etc/passwd@x.example"}, 78, "read or written by others"},
        Bad{"absent_secrets_file", {"-s", "@/no/such"}, 78, "cannot read"},
        Bad{"literal_secret", {"-s", "A=hunter2@x.example"}, 78, "could be read by everybody"},
        Bad{"not_yet_detach", {"-d"}, 78, "not yet"},
        Bad{"chdir_absent", {"-C", "absent"}, 78, "absent"},
        Bad{"path_entry_absent", {"-p", "absent"}, 78, "absent"}),
    [](const auto& one) { return one.param.name; });

TEST(BadInput, AnUnreadableMountIsRefused) {
  if (::getuid() == 0) return;  // root reads everything: there is no such mount for it
  const World world;
  fs::create_directories(world.top() / "closed");
  fs::permissions(world.top() / "closed", fs::perms::none);
  const Outcome outcome =
      world.run({.options = {"-m", (world.top() / "closed").string()}, .command = {"/bin/true"}});
  fs::permissions(world.top() / "closed", fs::perms::owner_all);
  EXPECT_EQ(outcome.status, 78);
  EXPECT_THAT(outcome.err, HasSubstr("cannot be read by you"));
}

Outcome from_shell(const World& world, const std::string& script) {
  return run(world.bare({.command = {"/bin/sh", "-c", script},
                         .environment = {"R=" + redoubtful_program().string()}}));
}

TEST(BadInput, TheCurrentDirectoryIsGone) {
  const World world;
  const Outcome outcome =
      from_shell(world, "mkdir gone && cd gone && rmdir ../gone && $R run true; echo $?");
  EXPECT_EQ(outcome.out, "78\n");
  EXPECT_THAT(outcome.err, HasSubstr("no longer exists"));
}

TEST(BadInput, ThereIsNoHome) {
  const World world;
  const Outcome outcome =
      from_shell(world,
                 "unset HOME; $R run true; echo $?; HOME=relative $R run true; echo $?; "
                 "HOME=/nonexistent/home $R run true; echo $?");
  EXPECT_EQ(outcome.out, "78\n78\n78\n") << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("HOME"));
}

TEST(BadInput, AHomeThatCannotBeWrittenIsSaid) {
  const World world;
  // Root may write whatever the permissions say, but not what is mounted read-only.
  const Outcome outcome = from_shell(
      world, ::getuid() == 0
                 ? "exec unshare -m sh -c 'mount --bind \"$HOME\" \"$HOME\" && mount -o "
                   "remount,bind,ro \"$HOME\" && cd \"$HOME/project\" && $R run true; echo $?'"
                 : "chmod 555 \"$HOME\"; $R run true; echo $?; chmod 755 \"$HOME\"");
  EXPECT_EQ(outcome.out, "125\n") << outcome.err;
  EXPECT_THAT(outcome.err,
              HasSubstr(::getuid() == 0 ? "Read-only file system" : "Permission denied"));
  EXPECT_THAT(outcome.err, HasSubstr("state"));
}

// The next three change what is mounted, which takes root: in a user namespace of its own an
// ordinary user sees the system's programs as somebody else's, and they are refused for that.
TEST(BadInput, AFullDiskIsSaid) {
  if (::getuid() != 0) return;
  const World world;
  const Outcome outcome = from_shell(
      world,
      "exec unshare -m sh -c 'mkdir -p \"$HOME/.local/state\" && mount -t tmpfs -o size=4k "
      "full \"$HOME/.local/state\" && head -c 4096 /dev/zero > \"$HOME/.local/state/x\" && "
      "$R run true; echo $?'");
  EXPECT_EQ(outcome.out, "125\n") << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("No space left on device"));
}

TEST(BadInput, MissingProgramsAreNamedWithTheirPackage) {
  if (::getuid() != 0) return;
  const World world;
  const Outcome outcome = from_shell(
      world,
      "exec unshare -m sh -c 'mkdir empty && mount --bind empty /usr/local/bin && for p in "
      "bwrap pasta; do mount --bind /dev/null /usr/bin/$p; done; $R run true; echo $?; "
      "$R run -f 8080 true; echo $?'");
  EXPECT_EQ(outcome.out, "125\n125\n") << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("bubblewrap"));
}

TEST(BadInput, ABwrapThatIsTooOldIsSaid) {
  if (::getuid() != 0) return;
  const World world;
  const auto old = world.write(world.top() / "old-bwrap",
                               "#!/bin/sh\necho \"bwrap: Unknown option --disable-userns\" >&2\n"
                               "exit 1\n");
  fs::permissions(old, fs::perms(0755));
  const Outcome outcome = from_shell(world, "exec unshare -m sh -c 'mount --bind " + old.string() +
                                                " /usr/bin/bwrap && $R run true; echo $?'");
  EXPECT_EQ(outcome.out, "125\n") << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("Unknown option --disable-userns"));
}

// Only the directory of the program is in PATH there: neither profiles nor init are to be found.
TEST(BadInput, ARunInsideABoxIsSaid) {
  const World world;
  const auto program = redoubtful_program();
  const Outcome outcome = world.run(
      {.options = {"-p", program.parent_path()},
       .command = {
           "/bin/sh", "-c",
           "redoubtful run true; echo $?; redoubtful demo; echo $?; redoubtful --version"}});
  EXPECT_THAT(outcome.out, ::testing::StartsWith("125\n125\nredoubtful ")) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("redoubtful: this is already inside a redoubtful box\n"));
  EXPECT_THAT(outcome.err, ::testing::Not(HasSubstr("install")));
}

TEST(BadInput, NothingIsLeftBehindByARefusal) {
  const World world;
  world.write(world.project() / "f", "");
  TreeWatch watch(world.home(), world.home() / ".local");
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"-m", "absent"}, {"-f", "0"}, {"-u", "nod"}, {"--nope"}}) {
    EXPECT_NE(world.run({.options = options, .command = {"/bin/true"}}).status, 0);
  }
  EXPECT_THAT(watch.changes(), IsEmpty());
}

TEST(DryRun, TouchesNothing) {
  const World world;
  TreeWatch watch(world.home(), world.home() / "nothing");
  const Outcome outcome = world.run(
      {.options = {"--dry-run", "--home", "persistent"}, .command = {"/bin/touch", "started"}});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("/usr"));
  EXPECT_THAT(watch.changes(), IsEmpty());
}

}  // namespace
}  // namespace redoubtful::test
