#pragma once

// Tells when the host replaces something that is masked or guarded in a running box.
//
// A mount in the box sits on a directory entry. When an editor *outside* saves by rename, the
// kernel silently detaches the mount from the replaced entry, and the box sees the new file: a
// hidden .env becomes readable, a guarded hook writable. The agent cannot do that (inside, the
// entry is busy), so a change of the entry is always the host's, and the remedy is to attach again.
//
// Between the host's rename and the attaching lies a moment that nothing here closes.
//
// Watches are on the parent directories, opened by descriptor and handed to inotify through
// /proc/self/fd, so no path of the agent's is walked by string.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

class GuardWatch {
 public:
  struct Place {
    std::size_t mount = 0;  // the caller's number
    std::string path;       // relative to that mount
    auto operator<=>(const Place&) const = default;
  };

  // Errors: kSystemCall, with the sysctl to raise when inotify's limits are used up.
  static Result<GuardWatch> create();

  // `mount` is borrowed for the call. A path whose parent is absent is an error (kSystemCall).
  Result<void> add(int mount, Place place);

  // Readable when something happened; non-blocking, close-on-exec.
  int fd() const noexcept { return inotify_.get(); }

  // The places whose entry was replaced, removed or made since the last call: attach again where it
  // exists. All places when the kernel's queue overflowed. Never blocks.
  std::vector<Place> replaced();

 private:
  explicit GuardWatch(UniqueFd inotify) : inotify_(std::move(inotify)) {}
  struct Directory {
    std::map<std::string, std::set<Place>, std::less<>> names;
  };
  UniqueFd inotify_;
  std::map<int, Directory> directories_;
};

}  // namespace redoubtful::cli
