// B9: nothing of $HOME, other users, /root, /var, /run, /sys (writable) or /boot is visible.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

namespace fs = std::filesystem;

TEST(B9, TheRestOfTheHomeIsNotThere) {
  const World world;
  const auto key = world.write(world.home() / ".ssh" / "id_ed25519", "a key");
  const auto other = world.write(world.home() / "other-project" / "source.c", "int x;");
  const auto history = world.write(world.home() / ".bash_history", "export TOKEN=x");
  const auto beside = world.write(world.top() / "beside", "x");
  const std::vector<std::string> paths{
      key, key.parent_path(), other, other.parent_path(), history, beside};
  const ProbeReport outside = world.probe_outside("probe_visible", paths);
  ASSERT_TRUE(outside.complete());
  const ProbeReport inside = world.probe("probe_visible", paths);
  ASSERT_TRUE(inside.complete());
  for (const std::string& path : paths) {
    EXPECT_TRUE(outside.worked("see_" + path)) << "positive control";
    EXPECT_TRUE(inside.refused("see_" + path, {"ENOENT"}));
    EXPECT_TRUE(inside.refused("read_" + path));
  }
  // What is there instead can be written, and stays inside.
  const Outcome wrote = world.run({.command = {"/bin/sh", "-c", "echo x > ~/.new && cat ~/.new"}});
  EXPECT_EQ(wrote.out, "x\n") << wrote.err;
  EXPECT_FALSE(fs::exists(world.home() / ".new"));
}

TEST(B9, TheProjectIs) {
  const World world;
  world.write(world.project() / "main.c", "int main;");
  const Outcome outcome =
      world.run({.command = {"/bin/sh", "-c", "pwd; cat main.c; echo; echo made > made.txt"}});
  EXPECT_EQ(outcome.out, world.project().string() + "\nint main;\n") << outcome.err;
  EXPECT_TRUE(fs::exists(world.project() / "made.txt"));
}

TEST(B9, TheMachinesStateIsNotThere) {
  const World world;
  std::vector<std::string> paths;
  for (const char* path : {"/root",
                           "/boot",
                           "/var/log",
                           "/var/lib/dpkg",
                           "/var/spool",
                           "/var/cache",
                           "/srv",
                           "/media",
                           "/mnt",
                           "/lost+found",
                           "/etc/shadow",
                           "/etc/gshadow",
                           "/etc/ssh",
                           "/etc/machine-id",
                           "/etc/sudoers",
                           "/etc/cron.d",
                           "/etc/NetworkManager",
                           "/run/systemd",
                           "/run/user",
                           "/run/lock",
                           "/run/dbus"}) {
    paths.emplace_back(path);
  }
  const ProbeReport inside = world.probe("probe_visible", paths);
  ASSERT_TRUE(inside.complete());
  for (const std::string& path : paths) {
    EXPECT_TRUE(inside.refused("list_" + path));
    EXPECT_TRUE(inside.refused("read_" + path));
  }
  const ProbeReport outside = world.probe_outside("probe_visible", paths);
  ASSERT_TRUE(outside.complete());
  EXPECT_TRUE(outside.worked("list_/var/lib/dpkg")) << "positive control";
}

TEST(B9, WhatIsNotTheAgentsCannotBeWritten) {
  const World world;
  const std::vector<std::string> paths{"/",        "/etc", "/usr", "/usr/bin",    "/usr/local/bin",
                                       "/usr/lib", "/opt", "/sys", "/sys/kernel", "/proc",
                                       "/bin",     "/lib"};
  const ProbeReport inside = world.probe("probe_visible", paths);
  ASSERT_TRUE(inside.complete());
  for (const std::string& path : paths) EXPECT_TRUE(inside.refused("write_" + path));
  const ProbeReport own =
      world.probe("probe_visible", {world.project(), world.home(), "/tmp", "/dev/shm"});
  ASSERT_TRUE(own.complete());
  for (const std::string& path : {world.project().string(), world.home().string(),
                                  std::string("/tmp"), std::string("/dev/shm")}) {
    EXPECT_TRUE(own.worked("write_" + path)) << "positive control";
  }
}

// Whole trees, for what the list above has forgotten: no directory near the root that the host has
// and the box fills from it, but the ones that are meant to be there.
TEST(B9, TheTopLevelHoldsOnlyWhatIsMeantToBeThere) {
  const World world;
  const Outcome outcome = world.run({.command = {"/bin/ls", "-A", "/"}});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::istringstream names(outcome.out);
  const std::vector<std::string> kMeant{
      "bin",  "dev", "etc",  "home", "lib", "lib32", "lib64", "libx32", "nix", "opt",   "proc",
      "root", "run", "sbin", "sys",  "tmp", "usr",   "var",   "mnt",    "gnu", "media", "srv"};
  for (std::string name; std::getline(names, name);) {
    const std::string top = "/" + name;
    if (world.top().string().starts_with(top + "/") ||
        probe_directory().string().starts_with(top + "/")) {
      continue;
    }
    EXPECT_THAT(kMeant, ::testing::Contains(name));
  }
}

}  // namespace
}  // namespace redoubtful::test
