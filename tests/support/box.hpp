#pragma once

// A throw-away user's world for one test, and `redoubtful run` in it.
//
// The world is a fresh directory with a home and a project in it. HOME points there, so the real
// one is neither read nor written, and nothing of the tester's environment reaches a run. It is
// removed at the end; so must be every process, which the destructor asserts.

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/support/places.hpp"
#include "tests/support/program.hpp"
#include "tests/support/report.hpp"

namespace redoubtful::test {

struct BoxRun {
  std::vector<std::string> options{};      // of `redoubtful run`
  std::vector<std::string> command{};      // inside
  std::vector<std::string> environment{};  // NAME=VALUE, added to the tester's HOME, PATH and such
  std::string input{};
  std::string directory{};  // default: the project
  Streams streams = Streams::kPipes;
  ProcessGroup group = ProcessGroup::kOwn;
  std::map<int, int> descriptors{};
};

class World {
 public:
  World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  const std::filesystem::path& top() const noexcept { return top_; }          // of neither's
  const std::filesystem::path& home() const noexcept { return home_; }        // TOP/home
  const std::filesystem::path& project() const noexcept { return project_; }  // TOP/home/project

  // A file with `content`; parents are made. Returns its path.
  std::filesystem::path write(const std::filesystem::path& path, std::string_view content) const;

  Program program(const BoxRun& run) const;  // `redoubtful run OPTIONS -- COMMAND`
  Program bare(const BoxRun& run) const;     // COMMAND in the same world without a box
  Program redoubtful(std::vector<std::string> arguments) const;
  Outcome run(const BoxRun& request, std::chrono::milliseconds deadline = kRunDeadline) const;

  // A probe inside, its directory mounted read-only in addition to `run.options`; and outside.
  ProbeReport probe(std::string_view name, std::vector<std::string> arguments = {},
                    BoxRun run = {}) const;
  ProbeReport probe_outside(std::string_view name, std::vector<std::string> arguments = {},
                            BoxRun run = {}) const;

  BoxRun probe_run(std::string_view name, std::vector<std::string> arguments, BoxRun run) const;

 private:
  std::filesystem::path top_, home_, project_;
};

// Says which names appeared, vanished or moved below `root` since it was made; `except` is not
// looked at. The tree must not be so busy that the kernel's queue overflows (that is a failure).
class TreeWatch {
 public:
  TreeWatch(const std::filesystem::path& root, const std::filesystem::path& except);
  std::vector<std::string> changes();

 private:
  void add(const std::filesystem::path& directory);
  UniqueFd queue_;
  std::filesystem::path except_;
  std::map<int, std::filesystem::path> directories_;
};

}  // namespace redoubtful::test
