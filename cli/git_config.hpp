#pragma once

// Git's configuration syntax, read byte for byte as git reads it, and repaired without touching
// anything else in the file.
//
// The agent may write .git/config (git must), and the host's git obeys it afterwards. What was
// planted can only be taken out safely when we and git agree on what the file says; so whatever git
// rejects, or might read differently in one of its versions, is an *anomaly*: parse() fails, and
// the caller goes back to what it knew. Source: git's config.c (2.30 to 2.51), git-config(1)
// SYNTAX.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::cli {

struct GitConfigEntry {
  // "section.name" or "section.subsection.name": section and name in lower case, the subsection as
  // written ("[a.B]", the old form, in lower case as git does it).
  std::string key;
  std::optional<std::string> value;  // none: "name" without "=", which git takes for true
  // The bytes that make up this entry and nothing else: whole lines where the entry has them for
  // itself, else from the name to the line's end, without its newline.
  std::size_t begin = 0;
  std::size_t end = 0;
  int line = 0;  // from 1

  std::string_view section() const;
  std::string_view subsection() const;  // "" where there is none
  std::string_view name() const;
};

// In the order of the file.
// Errors: kInvalidProfile, "line N: …": what git refuses; and also NUL bytes, an entry before the
// first section, a byte order mark anywhere but at the start, a lone carriage return, lines over
// 1 MiB: things that versions of git do not agree on.
Result<std::vector<GitConfigEntry>> parse_git_config(std::string_view bytes);

// The text of one entry with its section header, which parse_git_config() reads back as the same.
std::string format_git_config_entry(const GitConfigEntry& entry);

// What was done to a config between two points in time.
struct GitConfigRepair {
  std::vector<GitConfigEntry> planted;  // executing entries that are in `after` alone
  std::vector<GitConfigEntry> removed;  // executing entries that are in `before` alone
  // `after` could not be read as git reads it; `repaired` is `before`. Says why.
  std::optional<std::string> anomaly;
  // What the file must hold now; none when nothing is to be done.
  std::optional<std::string> repaired;
};

// Compares the executing entries (cli/git_executing_keys.hpp) as multisets in order, and takes out
// what was planted, puts back what was removed, and keeps every other byte of `after`. The result
// is parsed again before it is believed. `before` is "" for a repository that did not exist.
// Entries for which `tolerate` says true are not looked at (core.worktree of a submodule's git
// directory); it must give one answer for one key and value.
GitConfigRepair repair_git_config(
    std::string_view before, std::string_view after,
    const std::function<bool(const GitConfigEntry&)>& tolerate = nullptr);

}  // namespace redoubtful::cli
