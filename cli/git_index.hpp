#pragma once

// Which files git tracks: the paths in .git/index, read without git.
//
// `hide` needs to know: a tracked file that cannot be read inside would be committed as deleted or
// unreadable, so hiding one is an error. The index lies in a tree an attacker writes; a lie in it
// can only change whether `hide` refuses, never what is opened.
//
// Reads versions 2, 3 and 4, SHA-1 and SHA-256, sparse indexes (their directory entries stand for
// all below) and split indexes (the union with the shared file: a path deleted since is still
// called tracked). The checksum at the end is not verified; git may leave it zero (index.skipHash).

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::cli {

enum class ObjectFormat { kSha1, kSha256 };

class GitIndex {
 public:
  // Errors: kInvalidProfile, with the byte offset: not an index, a version above 4, entries that
  // run over the end, paths that are absolute, empty, or have "." or ".." components, an unknown
  // mandatory extension. Source: gitformat-index(5).
  static Result<GitIndex> parse(std::string_view bytes, ObjectFormat format);

  // `path` relative to the worktree's top. True for a tracked file, and for anything below a
  // directory that a sparse index keeps folded.
  bool tracks(std::string_view path) const;
  // The first tracked path below the directory, or "" when there is none.
  std::string first_below(std::string_view directory) const;

  // For a split index: NNN of the file sharedindex.NNN beside it; else empty.
  const std::string& shared_index() const noexcept { return shared_index_; }
  // Takes in the shared file's paths.
  void merge(GitIndex&& shared);

  const std::vector<std::string>& paths() const noexcept { return paths_; }

 private:
  std::vector<std::string> paths_;  // sorted by bytes, unique; directories end in '/'
  std::string shared_index_;
};

// Reads `index` and, where it is split, its shared file from an open git directory (borrowed). An
// absent index tracks nothing. Errors: those of parse(), kSystemCall; both name the file.
Result<GitIndex> read_git_index(int git_directory);

}  // namespace redoubtful::cli
