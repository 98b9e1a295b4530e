// B13: what the host would later execute or obey cannot be planted, renames of parents included;
// everyday git goes on working.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string content_of(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class Repository : public World {
 public:
  Repository() {
    EXPECT_EQ(sh("git init -q -b main . && git config user.name Ada && git config user.email a@b.c "
                 "&& echo one > file && git add file && git commit -qm one")
                  .status,
              0);
  }
  Outcome sh(const std::string& script) const {
    return test::run(bare({.command = {"/bin/sh", "-c", script}}));
  }
  Outcome inside(const std::string& script) const {
    return run({.command = {"/bin/sh", "-c", script}});
  }
};

constexpr const char* kHook = "printf '#!/bin/sh\\necho planted\\n' > {} && chmod +x {}";

std::string plant(const std::string& path) {
  std::string script = kHook;
  for (auto at = script.find("{}"); at != std::string::npos; at = script.find("{}")) {
    script.replace(at, 2, path);
  }
  return script;
}

TEST(B13, EverydayGitWorks) {
  const Repository repository;
  const Outcome outcome = repository.inside(
      "set -e; echo two >> file; git add file; git commit -qm two; git checkout -qb topic; "
      "git mv file renamed; git commit -qm three; git checkout -q main; git merge -q topic; "
      "git stash list; git config user.nickname ada; git remote add origin ../elsewhere; "
      "git gc -q; git log --oneline | wc -l");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "3\n");
  EXPECT_EQ(repository.sh("git log --oneline | wc -l; git config user.nickname; git status -s").out,
            "3\nada\n");
}

struct Attack {
  const char* name;
  std::string script;   // inside
  std::string control;  // prints "planted" outside when the attack came through
};

void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.name; }

class Planted : public testing::TestWithParam<Attack> {};

TEST_P(Planted, IsNotObeyedOutside) {
  const auto& [name, script, control] = GetParam();
  {
    const Repository repository;
    EXPECT_EQ(repository.sh(script).status, 0);
    EXPECT_THAT(repository.sh(control).out, HasSubstr("planted")) << "positive control";
  }
  const Repository repository;
  repository.inside(script);
  const Outcome after = repository.sh(control);
  EXPECT_THAT(after.out, Not(HasSubstr("planted")));
  EXPECT_THAT(repository.sh("git fsck 2>&1; git status -s").out, Not(HasSubstr("fatal")));
}

INSTANTIATE_TEST_SUITE_P(
    B13, Planted,
    testing::Values(
        Attack{"hook", plant(".git/hooks/pre-commit"), "git commit --allow-empty -qm x 2>&1"},
        Attack{"hook_after_renaming_git",
               "mv .git .x; mkdir -p .git; cp -r .x/. .git/; " + plant(".git/hooks/pre-commit"),
               "git commit --allow-empty -qm x 2>&1"},
        Attack{"hook_after_renaming_hooks",
               "mv .git/hooks .git/h; mkdir -p .git/hooks; " + plant(".git/hooks/pre-commit"),
               "git commit --allow-empty -qm x 2>&1"},
        Attack{"fsmonitor", "git config core.fsmonitor 'echo planted >&2; false'; true",
               "git status 2>&1"},
        Attack{"hooks_path",
               "mkdir -p h; " + plant("h/pre-commit") + "; git config core.hooksPath h; true",
               "git commit --allow-empty -qm x 2>&1"},
        Attack{"ssh_command", "git config core.sshCommand 'echo planted >&2; false'; true",
               "git ls-remote ssh://nowhere.invalid/x 2>&1"},
        Attack{"alias", "git config alias.st '!echo planted'; true", "git st 2>&1"},
        Attack{"include",
               "printf '[alias]\\n st = !echo planted\\n' > inc; "
               "git config include.path ../inc; true",
               "git st 2>&1"},
        Attack{"filter",
               "mkdir -p .git/info; echo '* filter=f' > .git/info/attributes; "
               "git config filter.f.clean 'echo planted'; true",
               "touch -d tomorrow file; git diff file 2>&1; git add file; git show :file"},
        Attack{
            "nested_repository",
            "git init -q sub && " + plant("sub/.git/hooks/pre-commit") + "; true",
            "cd sub 2>/dev/null && git -c user.name=a -c user.email=b commit --allow-empty -qm x "
            "2>&1"},
        Attack{"envrc", "echo 'echo planted' > .envrc", "test -f .envrc && sh .envrc"},
        Attack{"editor_tasks", "mkdir -p .vscode; echo planted > .vscode/tasks.json",
               "cat .vscode/tasks.json 2>&1"},
        Attack{"agent_settings", "mkdir -p .claude; echo planted > .claude/settings.json",
               "cat .claude/settings.json 2>&1"},
        Attack{"own_profile", "echo 'description: planted' > .redoubtful.yaml",
               "cat .redoubtful.yaml 2>&1"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(B13, ExistingGuardedFilesCannotBeChanged) {
  const Repository repository;
  repository.write(repository.project() / ".envrc", "export A=1\n");
  repository.write(repository.project() / ".git/hooks/pre-push", "#!/bin/sh\nexit 0\n");
  repository.inside(
      "echo evil >> .envrc; rm -f .envrc; mv .envrc x; echo evil > new; "
      "mv new .envrc; echo evil >> .git/hooks/pre-push; mv .git elsewhere; "
      "rm -rf .git/hooks");
  EXPECT_EQ(content_of(repository.project() / ".envrc"), "export A=1\n");
  EXPECT_EQ(content_of(repository.project() / ".git/hooks/pre-push"), "#!/bin/sh\nexit 0\n");
}

}  // namespace
}  // namespace redoubtful::test
