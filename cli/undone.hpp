#pragma once

// Where a run's planted files are kept aside: $STATE/undone/<session>/.
//
// Things are moved there by descriptor, under the path they had, so that the person can look and
// put back; nothing is deleted. index.json lists what came from where and why. The place is made
// when the first thing is put there, 0700 with its parents.
//
// Across file systems a move is a copy: of regular files, directories and symlinks, up to
// kMaxCopyBytes and kMaxCopyEntries. What is larger, or cannot be moved because the state directory
// is full or read-only, stays where it is with no permission at all.

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

class UndonePlace {
 public:
  static constexpr std::size_t kMaxCopyBytes = 256u << 20;
  static constexpr std::size_t kMaxCopyEntries = 20'000;

  // `path` is absolute and ours; it need not exist.
  explicit UndonePlace(std::string path) : path_(std::move(path)) {}

  // Moves mount_path/path here. Where a directory above has no write permission, it is given for
  // the moment. The result is where it lies now. Errors: kSystemCall; kInvalidMount when it is too
  // large to copy (its permissions are gone then).
  Result<std::string> move(int mount, const std::string& mount_path, const std::string& path,
                           std::string_view why);

  // Puts a copy of `bytes` here, for a file that is repaired in place.
  Result<std::string> keep(std::string_view bytes, const std::string& mount_path,
                           const std::string& path, std::string_view why);

  // Writes index.json when anything was put here. Errors: kSystemCall.
  Result<void> write_index();

 private:
  struct Entry {
    std::string from;
    std::string to;
    std::string why;
  };
  // The open directory for `path`'s parent, and a name in it that is free.
  Result<UniqueFd> place_for(const std::string& mount_path, const std::string& path,
                             std::string& name, std::string& relative);

  std::string path_;
  UniqueFd root_;
  std::vector<Entry> entries_;
};

// `text` as a JSON string; bytes that are not UTF-8 as U+FFFD.
std::string json_string(std::string_view text);

// Permits the owner to read, write and search a directory below `mount` for the life of the object.
class WritableDirectory {
 public:
  static Result<WritableDirectory> open(int mount, const std::string& path);
  WritableDirectory(WritableDirectory&& other) noexcept = default;
  WritableDirectory& operator=(WritableDirectory&&) = delete;
  ~WritableDirectory();  // restores the mode
  // Leaves the mode as it is now.
  void keep_open() noexcept { changed_ = false; }
  int fd() const noexcept { return fd_.get(); }

 private:
  WritableDirectory(UniqueFd fd, mode_t mode, bool changed)
      : fd_(std::move(fd)), mode_(mode), changed_(changed) {}
  UniqueFd fd_;
  mode_t mode_;
  bool changed_;
};

}  // namespace redoubtful::cli
