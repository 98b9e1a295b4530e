#include "cli/mount_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_files.hpp"

namespace redoubtful::cli {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class MountPlanTest : public ::testing::Test {
 protected:
  MountPlanTest() {
    files.directory("/usr/bin")
        .directory("/usr/lib")
        .link("/bin", "usr/bin")
        .link("/lib", "usr/lib");
    files.directory("/home/u/src/proj").directory("/home/u/.config/redoubtful");
    files.directory("/home/u/.local/state/redoubtful/homes/x").directory("/home/other");
    files.directory("/etc/ssl/certs").file("/etc/shadow").file("/etc/ld.so.cache");
    facts.files = &files;
    facts.home = "/home/u";
    facts.uid = facts.gid = 1000;
    facts.user = "u";
    facts.shell = "/bin/bash";
    facts.host_name = "host";
    facts.working_directory = facts.project_top = "/home/u/src/proj";
    facts.own_places = {"/home/u/.config/redoubtful", "/home/u/.local/state/redoubtful"};
  }

  void mount(const std::string& path, MountMode mode = MountMode::kReadOnly,
             const std::string& to = {}) {
    MountRequest request;
    request.path = path;
    request.to = to;
    request.mode = mode;
    request.origin = {.file = "p.yaml", .line = 3, .column = 5, .option = {}};
    profile.filesystem.mounts.push_back(request);
  }

  const MountStep* step(const MountPlan& plan, const std::string& target) const {
    for (const auto& one : plan.steps) {
      if (one.target == target) return &one;
    }
    return nullptr;
  }

  MountPlan plan() {
    auto made = plan_mounts(profile, facts);
    EXPECT_TRUE(made) << made.error().what();
    return made ? *made : MountPlan{};
  }

  Error refused() {
    auto made = plan_mounts(profile, facts);
    EXPECT_FALSE(made);
    return made ? Error() : made.error();
  }

  FakeFiles files;
  HostFacts facts;
  Profile profile;
};

TEST_F(MountPlanTest, ShowsTheSystemReadOnlyAndTheProjectWritable) {
  const MountPlan made = plan();
  ASSERT_NE(step(made, "/usr"), nullptr);
  EXPECT_EQ(step(made, "/usr")->mode, MountMode::kReadOnly);
  EXPECT_EQ(step(made, "/bin")->text, "usr/bin");
  ASSERT_NE(step(made, "/home/u/src/proj"), nullptr);
  EXPECT_EQ(step(made, "/home/u/src/proj")->mode, MountMode::kReadWrite);
  EXPECT_EQ(step(made, "/home/u")->kind, StepKind::kTmpfs);
  EXPECT_EQ(made.directory, "/home/u/src/proj");
}

TEST_F(MountPlanTest, ShowsNothingThatIsNotListed) {
  const MountPlan made = plan();
  for (const char* hidden :
       {"/etc/shadow", "/etc", "/home/other", "/root", "/var", "/boot", "/sys"}) {
    EXPECT_EQ(step(made, hidden), nullptr) << hidden;
  }
  EXPECT_NE(step(made, "/etc/ld.so.cache"), nullptr) << "control: what is listed is there";
}

TEST_F(MountPlanTest, AProjectBelowATemporaryDirectoryIsAtItsOwnPath) {
  files.directory("/var/tmp/p").directory("/tmp/q");
  mount("/tmp/q");
  facts.working_directory = facts.project_top = "/var/tmp/p";
  const MountPlan made = plan();
  EXPECT_EQ(step(made, "/var/tmp")->kind, StepKind::kTmpfs) << "a link would be in the way";
  EXPECT_EQ(step(made, "/var/tmp/p")->mode, MountMode::kReadWrite);
  EXPECT_NE(step(made, "/tmp/q"), nullptr);
}

TEST_F(MountPlanTest, PutsParentsBeforeWhatIsMountedInThem) {
  files.directory("/data/a/b");
  mount("/data/a/b", MountMode::kReadWrite);
  mount("/data");
  const MountPlan made = plan();
  std::vector<std::string> targets;
  for (const auto& one : made.steps) targets.push_back(one.target);
  const auto at = [&](const char* target) {
    return std::find(targets.begin(), targets.end(), target) - targets.begin();
  };
  EXPECT_LT(at("/data"), at("/data/a/b"));
  EXPECT_EQ(step(made, "/data/a/b")->mode, MountMode::kReadWrite)
      << "a writable path below a readable one stays writable";
}

TEST_F(MountPlanTest, LaterMountOfTheSamePlaceWins) {
  files.directory("/data");
  mount("/data", MountMode::kReadWrite);
  mount("/data");
  EXPECT_EQ(step(plan(), "/data")->mode, MountMode::kReadOnly);
}

TEST_F(MountPlanTest, AHomeThatIsPartOfTheSystemIsRefused) {
  for (const char* home : {"/", "/usr", "/etc"}) {
    facts.home = home;
    EXPECT_THAT(refused().what(), HasSubstr("which the box needs for itself")) << home;
  }
}

// Only --dry-run comes here with the directory still to be made.
TEST_F(MountPlanTest, AMountToBeCreatedIsNotMissing) {
  mount("~/new");
  EXPECT_THAT(refused().what(), HasSubstr("No such file"));
  profile.filesystem.mounts.back().create = true;
  EXPECT_THAT(plan().notes, Contains(HasSubstr("would be created")));
}

TEST_F(MountPlanTest, RefusesWhatWouldShowTooMuch) {
  files.alias("/mnt/alias", "/home/u").alias("/mnt/above", "/home");
  files.special("/run/docker.sock", FileType::kSocket).special("/data/fifo", FileType::kFifo);
  files.alias("/mnt/state", "/home/u/.local/state").alias("/mnt/own", facts.own_places[1]);
  files.directory("/mnt/own/homes").directory("/opt/r/lib/redoubtful/more");
  facts.own_programs = {"/opt/r/lib/redoubtful"};
  files.unreadable("/data/closed").link("/data/loop", "loop");
  files.directory("/proc/1").directory("/sys/kernel").directory("/dev/shm");
  const struct {
    const char* path;
    MountMode mode;
    const char* reason;
  } kRefused[] = {
      {"/", MountMode::kReadOnly, "is the root directory"},
      {"/home/u", MountMode::kReadOnly, "is the home directory itself"},
      {"~", MountMode::kReadOnly, "is the home directory itself"},
      {"/home", MountMode::kReadOnly, "contains the home directory"},
      {"/mnt/alias", MountMode::kReadOnly, "under another name"},
      {"/mnt/above", MountMode::kReadOnly, "under another name"},
      {"~/.config", MountMode::kReadOnly, "contains redoubtful's own directory"},
      {"~/.config/redoubtful", MountMode::kReadOnly, "lies in redoubtful's own directory"},
      {"~/.local/state/redoubtful/homes/x", MountMode::kReadOnly, "lies in redoubtful's own"},
      {"/mnt/state", MountMode::kReadOnly, "contains redoubtful's own directory"},
      {"/mnt/own", MountMode::kReadOnly, "contains redoubtful's own directory"},
      {"/mnt/own/homes", MountMode::kReadOnly, "or lies in it"},
      {"/opt/r/lib/redoubtful", MountMode::kReadWrite, "is part of redoubtful itself"},
      {"/opt/r/lib/redoubtful/more", MountMode::kReadWrite, "is part of redoubtful itself"},
      {"/usr", MountMode::kReadWrite, "which no box may write"},
      {"/etc", MountMode::kReadWrite, "which no box may write"},
      {"/proc/1", MountMode::kReadOnly, "kernel's own file systems"},
      {"/sys/kernel", MountMode::kReadOnly, "kernel's own file systems"},
      {"/dev/shm", MountMode::kReadOnly, "kernel's own file systems"},
      {"/run/docker.sock", MountMode::kReadOnly, "neither a directory nor a regular file"},
      {"/data/fifo", MountMode::kReadOnly, "neither a directory nor a regular file"},
      {"/data/closed", MountMode::kReadOnly, "cannot be read by you"},
      {"/data/loop", MountMode::kReadOnly, "Too many levels of symbolic links"},
      {"/data/absent", MountMode::kReadOnly, "No such file or directory"},
  };
  for (const auto& one : kRefused) {
    profile.filesystem.mounts.clear();
    mount(one.path, one.mode);
    const Error error = refused();
    EXPECT_EQ(error.code(), Errc::kInvalidMount) << one.path;
    EXPECT_THAT(error.what(), HasSubstr(one.reason)) << one.path;
    EXPECT_THAT(error.what(), HasSubstr("p.yaml:3:5")) << one.path;
    EXPECT_FALSE(error.hint().empty()) << one.path;
  }
}

TEST_F(MountPlanTest, RefusesToCoverWhatBelongsToTheBox) {
  files.directory("/data");
  for (const char* target : {"/", "/proc", "/proc/sys", "/dev", "/sys/x", "/run", "/run/redoubtful",
                             "/home", "/home/u", "/tmp", "/usr", "/etc", "/etc/redoubtful"}) {
    profile.filesystem.mounts.clear();
    mount("/data", MountMode::kReadOnly, target);
    EXPECT_THAT(refused().hint(), HasSubstr("-m PATH:TO")) << target;
  }
  profile.filesystem.mounts.clear();
  mount("/data", MountMode::kReadOnly, "/models");
  EXPECT_EQ(step(plan(), "/models")->source, "/data") << "control";
}

TEST_F(MountPlanTest, RefusesAWorkingDirectoryThatIsTooMuch) {
  for (const char* directory : {"/", "/home", "/home/u", "/home/u/.config/redoubtful"}) {
    facts.working_directory = facts.project_top = directory;
    const Error error = refused();
    EXPECT_EQ(error.code(), Errc::kInvalidMount) << directory;
    EXPECT_THAT(error.what(), HasSubstr("working directory")) << directory;
  }
}

TEST_F(MountPlanTest, KeepsTheSpellingOfALinkBelowHome) {
  files.file("/home/u/dotfiles/gitconfig").link("/home/u/.gitconfig", "dotfiles/gitconfig");
  mount("~/.gitconfig");
  const MountPlan made = plan();
  ASSERT_NE(step(made, "/home/u/.gitconfig"), nullptr);
  EXPECT_EQ(step(made, "/home/u/.gitconfig")->source, "/home/u/dotfiles/gitconfig");
}

TEST_F(MountPlanTest, ShowsLinksOutsideHomeAsTheHostHasThem) {
  files.directory("/mnt/disk/models").link("/data", "mnt/disk");
  mount("/data/models");
  const MountPlan made = plan();
  EXPECT_EQ(step(made, "/data")->text, "mnt/disk");
  EXPECT_EQ(step(made, "/mnt/disk/models")->source, "/mnt/disk/models");
}

TEST_F(MountPlanTest, AHomeBehindALinkWorksUnderBothNames) {
  files.directory("/var/home/u/p").link("/home2", "var/home");
  facts.home = "/home2/u";
  facts.working_directory = facts.project_top = "/var/home/u/p";
  facts.own_places.clear();
  const MountPlan made = plan();
  EXPECT_EQ(made.home, "/var/home/u");
  EXPECT_EQ(step(made, "/home2")->text, "var/home");
}

TEST_F(MountPlanTest, ALinkThatABoxCouldHaveWrittenLeadsNowhere) {
  files.directory("/home/u/.ssh").link("/home/u/src/proj/data", "/home/u/.ssh");
  mount("/home/u/src/proj/data");
  EXPECT_TRUE(plan_mounts(profile, facts)) << "control: on a first run it is the user's own link";
  facts.written_roots = {"/home/u/src/proj"};
  const Error error = refused();
  EXPECT_THAT(error.what(), HasSubstr("which a box could have written"));
}

TEST_F(MountPlanTest, SkipsWhatIsOptionalAndAbsent) {
  mount("/data/absent");
  profile.filesystem.mounts.back().optional = true;
  EXPECT_EQ(step(plan(), "/data/absent"), nullptr);
}

TEST_F(MountPlanTest, FromBelowTheTopTheWorktreeIsReadableAndItsRepositoryWritable) {
  files.directory("/home/u/src/proj/.git").directory("/home/u/src/proj/sub");
  facts.working_directory = "/home/u/src/proj/sub";
  facts.project_extra = {"/home/u/src/proj/.git"};
  const MountPlan made = plan();
  EXPECT_EQ(step(made, "/home/u/src/proj")->mode, MountMode::kReadOnly);
  EXPECT_EQ(step(made, "/home/u/src/proj/.git")->mode, MountMode::kReadWrite);
  EXPECT_EQ(step(made, "/home/u/src/proj/sub")->mode, MountMode::kReadWrite);
}

TEST_F(MountPlanTest, PathKeepsTheSystemAndDropsWhatIsNotVisible) {
  files.directory("/snap/bin");
  facts.path_entries = {"/usr/bin", "/bin", "/snap/bin", "relative", "", "/absent"};
  EXPECT_EQ(plan().path, (std::vector<std::string>{"/run/redoubtful/bin", "/usr/bin", "/bin"}));
}

TEST_F(MountPlanTest, PathBelowHomeIsShownWithWhatItsLinksNeed) {
  files.file("/home/u/.local/share/claude/versions/2.1", 0755);
  files.link("/home/u/.local/bin/claude", "/home/u/.local/share/claude/versions/2.1");
  files.file("/home/u/.npm-global/lib/node_modules/codex/bin/codex.js", 0755);
  files.link("/home/u/.npm-global/bin/codex", "../lib/node_modules/codex/bin/codex.js");
  files.file("/home/u/.local/share/pipx/venvs/aider/bin/aider", 0755);
  files.link("/home/u/.local/bin/aider", "../share/pipx/venvs/aider/bin/aider");
  files.file("/home/u/.local/share/uv/python/cp312/bin/python3.12", 0755);
  files.link("/home/u/.local/share/pipx/venvs/aider/bin/python",
             "/home/u/.local/share/uv/python/cp312/bin/python3.12");
  facts.path_entries = {"/home/u/.local/bin", "/home/u/.npm-global/bin", "/usr/bin"};
  const MountPlan made = plan();
  for (const char* target :
       {"/home/u/.local/bin", "/home/u/.local/share/claude/versions",
        "/home/u/.npm-global/lib/node_modules", "/home/u/.local/share/pipx/venvs/aider",
        "/home/u/.local/share/uv/python/cp312"}) {
    ASSERT_NE(step(made, target), nullptr) << target;
    EXPECT_EQ(step(made, target)->mode, MountMode::kReadOnly) << target;
  }
  for (const char* target : {"/home/u/.local", "/home/u/.config", "/home/u/.local/share"}) {
    EXPECT_EQ(step(made, target), nullptr) << target;
  }
}

TEST_F(MountPlanTest, ALinkInPathNeverShowsPrivatePlaces) {
  files.file("/home/u/.ssh/id", 0755).file("/home/u/.aws/x", 0755);
  files.link("/home/u/bin/ssh-key", "../.ssh/id").link("/home/u/bin/aws-key", "../.aws/x");
  files.file("/home/u/.notes/diary");
  files.link("/home/u/bin/diary", "../.notes/diary");  // not a program
  files.file("/home/u/tool", 0755).link("/home/u/bin/tool", "../tool");
  facts.path_entries = {"/home/u/bin"};
  const MountPlan made = plan();
  for (const char* target : {"/home/u/.ssh", "/home/u/.aws", "/home/u/.notes", "/home/u/.ssh/id"}) {
    EXPECT_EQ(step(made, target), nullptr) << target;
  }
  ASSERT_NE(step(made, "/home/u/tool"), nullptr) << "a program directly in the home: only itself";
  EXPECT_EQ(step(made, "/home/u/tool")->facts.type, FileType::kRegular);
}

TEST_F(MountPlanTest, APathEntryThatABoxCouldWriteLeadsNowhere) {
  files.file("/home/u/secret/run", 0755).link("/home/u/old/bin/x", "../../secret/run");
  facts.path_entries = {"/home/u/old/bin"};
  EXPECT_NE(step(plan(), "/home/u/secret"), nullptr) << "control";
  facts.written_roots = {"/home/u/old"};
  const MountPlan made = plan();
  EXPECT_EQ(step(made, "/home/u/secret"), nullptr);
  EXPECT_EQ(step(made, "/home/u/old/bin"), nullptr);
  EXPECT_THAT(made.notes, Contains(HasSubstr("left out")));
}

TEST_F(MountPlanTest, ANamedPathEntryMustExist) {
  profile.filesystem.path.push_back(
      {"~/absent", {.file = "p.yaml", .line = 9, .column = 3, .option = {}}});
  EXPECT_THAT(refused().what(), HasSubstr("p.yaml:9:3"));
}

TEST_F(MountPlanTest, WarnsOfWritablePlacesThatRunOutside) {
  files.directory("/home/u/.config/autostart");
  mount("~/.config/autostart", MountMode::kReadWrite);
  EXPECT_THAT(plan().notes, Contains(HasSubstr("runs or is trusted outside")));
  profile.filesystem.mounts.clear();
  files.directory("/home/u/notes");
  mount("~/notes", MountMode::kReadWrite);
  EXPECT_THAT(plan().notes, Not(Contains(HasSubstr("runs or is trusted outside")))) << "control";
}

TEST(Normalized, RemovesDotsWithoutLookingAtTheDisk) {
  EXPECT_EQ(normalized("a/../b//c/.", "/x/y"), "/x/y/b/c");
  EXPECT_EQ(normalized("/../../a"), "/a");
  EXPECT_EQ(normalized("..", "/x"), "/");
}

TEST(IsWithin, ComparesWholeComponents) {
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_TRUE(is_within("/a", "/"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_FALSE(is_within("/a", "/a/b"));
}

}  // namespace
}  // namespace redoubtful::cli
