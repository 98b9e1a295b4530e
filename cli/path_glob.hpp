#pragma once

// The globs of `hide` and `protect`: which paths below a mount a pattern names.
//
// The grammar is gitignore's, read the way that matches more wherever the two readings differ,
// because every match is something to be hidden or guarded:
//
//     .env  **/.env     at any depth                        a pattern without a slash is not
//     anchored secrets/          at any depth, directories only      a slash at the end does not
//     anchor /build  a/b.key   from the mount's top alone          any other slash does a/**/b x/**
//     ** alone in a component: any depth, none included; at the end: everything
//     * ? [a-z] [!x]    within one component, never a slash; a leading dot is not special
//     \*                the character itself
//
// "!" at the front (gitignore's exception) is refused here; `protect` strips its own before
// parsing. Matching is by bytes and case-sensitive. Nothing here touches the file system.

#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::cli {

// What readdir(3) says about an entry.
enum class EntryType { kFile, kDirectory, kSymlink, kSocket, kFifo, kOther };

class PathGlob {
 public:
  // Errors: kInvalidProfile: empty, longer than 4,096 bytes, more than 64 components, a NUL, "." or
  // ".." as a component, an unclosed "[", a backslash at the end, or "!" at the front.
  static Result<PathGlob> parse(std::string_view text);

  // `path` is relative to the mount, without slashes at either end.
  bool matches(std::string_view path, EntryType type) const;

  const std::string& text() const noexcept { return text_; }
  // The last component, when it has no wildcard; for indexing.
  const std::optional<std::string>& literal_name() const noexcept { return literal_name_; }
  // "name" at any depth: the path need not be looked at.
  bool name_only() const noexcept { return !anchored_ && components_.size() == 1; }

 private:
  std::string text_;
  std::vector<std::string> components_;  // "**" stands for itself; others still have their escapes
  bool anchored_ = false;
  bool directories_only_ = false;
  std::optional<std::string> literal_name_;
};

// Many globs, asked once for each entry of a tree: an entry whose name no pattern can end in costs
// one table look-up.
class PathGlobSet {
 public:
  // The number that match() returns for this glob: 0, 1, 2 …
  std::size_t add(PathGlob glob);

  // The first glob that matches directory/name. `directory` is relative to the mount, "" at its
  // top. A symlink matches a pattern for directories too: it may lead to one.
  std::optional<std::size_t> match(std::string_view directory, std::string_view name,
                                   EntryType type) const;

  const PathGlob& operator[](std::size_t number) const { return globs_[number]; }
  std::size_t size() const noexcept { return globs_.size(); }
  bool empty() const noexcept { return globs_.empty(); }

 private:
  std::vector<PathGlob> globs_;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, std::vector<std::size_t>, Hash, std::equal_to<>> by_name_;
  std::vector<std::size_t> with_wildcard_;  // globs that end in a wildcard
  std::array<std::bitset<64>, 256> lengths_by_first_byte_{};
};

}  // namespace redoubtful::cli
