#pragma once

// A project with a repository in it, a GuardSnapshot of it, and what a run would leave there.

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cli/guard_snapshot.hpp"
#include "tests/support/scratch_tree.hpp"

namespace redoubtful::cli {

class GuardSnapshotTest : public testing::Test {
 protected:
  GuardSnapshotTest() : rules_(GuardRules::build({}).value()) {
    run("", {"init", "-q"});
    write("f", "x");
    run("", {"add", "f"});
    run("", {"commit", "-qm", "x"});
  }

  void write(const std::string& path, const std::string& bytes, mode_t mode = 0644) {
    tree_.write("p/" + path, bytes, mode);
  }
  std::string read(const std::string& path) { return tree_.read("p/" + path); }
  bool has(const std::string& path) { return tree_.has("p/" + path); }
  void run(const std::string& directory, const std::vector<std::string>& arguments) {
    tree_.make_directory("p");
    ASSERT_EQ(test::git(tree_.at("p/" + directory), arguments).status, 0) << arguments[0];
  }

  void start() {
    const UniqueFd mount = tree_.open("p");
    auto scan =
        scan_tree(mount.get(), {nullptr, &rules_.globs(), &GuardRules::dependency_directories()});
    ASSERT_TRUE(scan);
    const GuardedMount one{tree_.at("p"), mount.get(), &*scan, hidden_};
    auto taken = GuardSnapshot::take(std::span(&one, 1), rules_);
    ASSERT_TRUE(taken);
    snapshot_ = std::make_unique<GuardSnapshot>(std::move(*taken));
  }

  GuardReport finish() { return snapshot_->check_at_exit(tree_.at("state/undone/s1")); }

  // The path of a thing that was moved away.
  std::string undone(const std::string& path) {
    return "state/undone/s1/" + tree_.at("p/" + path).substr(1);
  }

  std::vector<std::string> targets(GuardTarget::Kind kind) {
    std::vector<std::string> paths;
    for (const auto& target : snapshot_->targets(0)) {
      if (target.kind == kind) paths.push_back(target.path);
    }
    return paths;
  }

  test::ScratchTree tree_;
  GuardRules rules_;
  std::vector<HiddenPath> hidden_;
  std::unique_ptr<GuardSnapshot> snapshot_;
};

}  // namespace redoubtful::cli
