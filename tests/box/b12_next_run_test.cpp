// B12, B14, B16: what an agent leaves for the next run, and what is mounted where nobody looks.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

BoxRun shell(const std::string& script) { return {.command = {"/bin/sh", "-c", script}}; }

// The agent puts a link in the place of a directory that the person will work in next.
TEST(B14, APlantedLinkIsNoWorkingDirectory) {
  const World world;
  const fs::path victim = world.top() / "victim";
  fs::create_directories(victim);
  fs::create_directories(world.project() / "package");
  const fs::path link = world.project() / "package";
  const Outcome before = world.run({.options = {"-C", link}, .command = {"/bin/pwd"}});
  EXPECT_EQ(before.out, link.string() + "\n") << "positive control: " << before.err;
  ASSERT_EQ(world.run(shell("rmdir package && ln -s " + victim.string() + " package")).status, 0);

  BoxRun by_option = shell("echo x > planted");
  by_option.options = {"-C", link};
  BoxRun by_shell = shell("echo x > planted");  // `cd package`, then run
  by_shell.directory = link;
  by_shell.environment = {"PWD=" + link.string()};
  for (const BoxRun& next : {by_option, by_shell}) {
    const Outcome outcome = world.run(next);
    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.err, HasSubstr("which a box could have written in an earlier run"));
  }
  EXPECT_TRUE(fs::is_empty(victim));
  EXPECT_EQ(world.run({.options = {"-C", victim}, .command = {"/bin/true"}}).status, 0);
}

// Without a guard the agent would replace the program that builds the next box.
TEST(B13, TheInstallationCannotBeReplaced) {
  const World world;
  const fs::path own = redoubtful_program().parent_path().parent_path();
  const fs::path prefix = world.home() / "tools";
  for (const char* part : {"bin", "lib/redoubtful", "share"}) fs::create_directories(prefix / part);
  fs::copy(redoubtful_program(), prefix / "bin/redoubtful");
  fs::copy(init_program(), prefix / "lib/redoubtful/redoubtful-init");
  fs::copy(own / "lib/redoubtful/redoubtful-proxy", prefix / "lib/redoubtful/redoubtful-proxy");
  fs::copy(own / "share/redoubtful", prefix / "share/redoubtful",
           fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  BoxRun attack = shell("cd " + prefix.string() +
                        "; rm -f bin/redoubtful; echo x > bin/redoubtful; mv bin b; mv lib l;"
                        " rm -f lib/redoubtful/redoubtful-init; touch share/redoubtful/new;"
                        " mv share s; echo mine > bin/other; echo END");
  attack.options = {"-m", prefix.string() + ":rw"};
  Program program = world.program(attack);
  program.arguments[0] = prefix / "bin/redoubtful";
  const Outcome outcome = run(program);
  EXPECT_EQ(outcome.out, "END\n") << outcome.err;
  EXPECT_TRUE(fs::exists(prefix / "bin/other")) << "positive control";
  EXPECT_EQ(fs::file_size(prefix / "bin/redoubtful"), fs::file_size(redoubtful_program()));
  EXPECT_TRUE(fs::exists(prefix / "lib/redoubtful/redoubtful-init"));
  EXPECT_FALSE(fs::exists(prefix / "share/redoubtful/new"));
  EXPECT_TRUE(fs::exists(prefix / "share/redoubtful"));
}

// A chroot's /proc and /dev, a bind mount of the home, and a disk, all mounted in the project.
TEST(B13, WhatIsMountedBelowTheProjectIsGuardedToo) {
  // Mounting takes root: in a user namespace of an ordinary user's, bwrap would belong to nobody.
  if (::getuid() != 0) return;
  const World world;
  world.write(world.home() / "secret", "mine");
  world.write(world.home() / ".vscode" / "tasks.json", "mine");
  const std::string inside =
      "for d in proc dev home disk/deep; do ls $d > /dev/null 2>&1 && echo seen $d; done;"
      " cat disk/plain; (echo x > disk/.vscode/tasks.json) 2>/dev/null && echo changed;"
      " cat < disk/fifo 2>/dev/null && echo fifo; mv disk/.vscode disk/v 2>/dev/null && echo moved;"
      " mkdir disk/.idea; echo x > disk/.idea/a; echo x > disk/.envrc; echo END";
  Program program = world.program(shell(inside));
  const std::string outside =
      "set -e; mkdir proc dev home disk; mount -t tmpfs none disk; mount --rbind /proc proc;"
      " mount --rbind /dev dev; mount --rbind \"$HOME\" home; mkdir disk/deep disk/.vscode;"
      " mount --rbind /proc disk/deep; echo plain > disk/plain;"
      " echo '{}' > disk/.vscode/tasks.json; mkfifo disk/fifo; \"$@\";"
      " cat disk/.vscode/tasks.json; ls -A disk; cat home/.vscode/tasks.json";
  std::vector<std::string> wrapped{"/usr/bin/unshare", "--user", "--map-root-user", "--mount",
                                   "/bin/sh",          "-c",     outside,           "sh"};
  wrapped.insert(wrapped.end(), program.arguments.begin(), program.arguments.end());
  program.arguments = wrapped;
  const Outcome outcome = run(program);
  EXPECT_EQ(outcome.out, "plain\nEND\n{}\n.vscode\ndeep\nfifo\nplain\nmine") << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("disk/.envrc"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("could not be moved")));
}

// As root the nodes are the box's own user's; the mode asked for is the one it has.
TEST(B16, TheHostsDeviceNodesStayAsTheyAre) {
  const World world;
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  BoxRun attack = shell(
      "for f in /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /proc/self/fd/0; "
      "do chmod $(stat -L -c %a $f) $f 2>/dev/null && echo changed $f; done;"
      " echo x > /dev/null && head -c 3 /dev/zero | wc -c");
  attack.descriptors = {{0, null.get()}};
  const Outcome outcome = world.run(attack);
  EXPECT_EQ(outcome.out, "3\n") << outcome.err;
}

// Whoever writes into a FIFO of the host's outside must not be answered by the agent.
TEST(B6, AFifoWithANameIsNotHandedIn) {
  const World world;
  const fs::path fifo = world.top() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const UniqueFd both(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::write(both.get(), "hello\n", 6), 6);
  BoxRun attack = shell("chmod 666 /proc/self/fd/0; read line; echo $line");
  attack.descriptors = {{0, both.get()}};
  const Outcome outcome = world.run(attack);
  EXPECT_EQ(outcome.out, "hello\n") << "positive control: " << outcome.err;
  EXPECT_EQ(fs::status(fifo).permissions(), fs::perms(0600));
}

// core_pattern's handler would run on the host, as root; only a limit of 1 keeps it from that.
TEST(B11, TheHostsCoreHandlerIsNeverStarted) {
  const World world;
  const Outcome outcome =
      world.run(shell("ulimit -c; ulimit -c 0; ulimit -S -c 0; grep -c 'core file size  *1  *1 '"
                      " /proc/self/limits"));
  EXPECT_THAT(outcome.out, HasSubstr("1\n")) << outcome.err;
  EXPECT_TRUE(outcome.out.ends_with("\n1\n")) << outcome.out;
}

TEST(B1, NoSetUserIdProgramIsLeftBehind) {
  const World world;
  const Outcome outcome = world.run(
      shell("cp /bin/true shell; chmod 4755 shell; chmod u+s shell; chmod 755 shell; echo END"));
  EXPECT_EQ(outcome.out, "END\n");
  EXPECT_EQ(fs::status(world.project() / "shell").permissions() & fs::perms::set_uid,
            fs::perms::none);
  EXPECT_EQ(fs::status(world.project() / "shell").permissions(), fs::perms(0755))
      << "positive control";
}

TEST(DryRun, MakesNothing) {
  const World world;
  TreeWatch watch(world.top(), {});
  const Outcome outcome =
      world.run({.options = {"--dry-run", "--home", "persistent"}, .command = {"/bin/true"}});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(watch.changes(), IsEmpty());
}

}  // namespace
}  // namespace redoubtful::test
