#pragma once

// What the fuzz targets of the guards demand of every input: not only that nothing crashes. Shared
// by the libFuzzer programs and by the unit test that replays their corpus.

#include <cstdlib>
#include <string>
#include <string_view>

#include "cli/git_config.hpp"
#include "cli/git_executing_keys.hpp"
#include "cli/git_index.hpp"
#include "cli/jj_workspace.hpp"
#include "cli/owned_path.hpp"
#include "cli/path_glob.hpp"
#include "cli/worktree.hpp"

namespace redoubtful::fuzz {

inline void demand(bool holds) {
  if (!holds) std::abort();
}

// The input is a configuration before the run, a NUL, and one after it.
inline void git_config(std::string_view input) {
  using namespace cli;
  const std::size_t split = input.find('\0');
  const std::string_view before =
      split == std::string_view::npos ? std::string_view() : input.substr(0, split);
  const std::string_view after = split == std::string_view::npos ? input : input.substr(split + 1);
  if (auto entries = parse_git_config(after)) {
    std::size_t at = 0;
    for (const auto& entry : *entries) {
      demand(at <= entry.begin && entry.begin < entry.end && entry.end <= after.size());
      at = entry.end;
      if (entry.section().empty()) continue;
      auto again = parse_git_config(format_git_config_entry(entry));
      demand(again && again->size() == 1 && again->front().key == entry.key &&
             again->front().value == entry.value);
    }
  }
  const GitConfigRepair repair = repair_git_config(before, after);
  demand(!repair.anomaly || repair.repaired == before);
  if (repair.repaired && !repair.anomaly) {
    demand(!repair_git_config(before, *repair.repaired).repaired);
  }
  const GitConfigRepair alone = repair_git_config("", after);
  const std::string left = alone.repaired ? *alone.repaired : std::string(after);
  auto entries = parse_git_config(left);
  demand(entries.has_value());
  for (const auto& entry : *entries) demand(why_executing(entry).empty());
}

inline void git_index(std::string_view input) {
  using namespace cli;
  for (const ObjectFormat format : {ObjectFormat::kSha1, ObjectFormat::kSha256}) {
    auto index = GitIndex::parse(input, format);
    if (!index) continue;
    std::string_view previous;
    for (const auto& path : index->paths()) {
      demand(!path.empty() && path.front() != '/' && previous < path);
      demand(path.find("//") == std::string::npos && !path.starts_with("../"));
      demand(index->tracks(path));
      previous = path;
    }
    (void)index->first_below("a");
  }
}

// Everything small that a tree's pointers are read with.
inline void git_file(std::string_view input) {
  using namespace cli;
  if (auto path = parse_git_file(input)) {
    demand(!path->empty() && path->find('\n') == std::string::npos);
    const auto clean = normalised("/home/u/project", *path);
    if (clean) {
      demand(clean->front() == '/' && normalised("/x", *clean) == clean);
      demand(clean->find("/../") == std::string::npos && !clean->ends_with("/.."));
      (void)is_within(*clean, "/home/u");
    }
  }
  (void)single_line(input);
  if (auto fields = parse_proto(input)) {
    for (const auto& field : *fields) demand(field.bytes.size() <= input.size());
  }
  // A glob, a newline, a path.
  const std::size_t split = input.find('\n');
  if (auto glob = PathGlob::parse(input.substr(0, split))) {
    const std::string_view path =
        split == std::string_view::npos ? std::string_view("a/b") : input.substr(split + 1);
    const bool as_file = glob->matches(path, EntryType::kFile);
    demand(!as_file || glob->matches(path, EntryType::kDirectory));
    if (path.find('/') == std::string_view::npos && !path.empty()) {
      PathGlobSet set;
      set.add(*glob);
      demand(set.match("", path, EntryType::kFile).has_value() == as_file);
    }
  }
}

}  // namespace redoubtful::fuzz
