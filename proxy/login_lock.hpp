#pragma once

// Who renews a login holds these, so that nobody renews it with the same token beside him: where
// tokens rotate, the second use of one revokes the login.
//
//   ours     flock(2) of the file's directory: between sessions. Nothing is made, and the file may
//            be replaced under it.
//   theirs   what the program itself holds while it renews, so that one on the host is waited for,
//            and waits (common/oauth_grant.hpp). Claude's are directories, which are somebody
//            else's only while their time is fresh; so beat() is called while they are held.
//
// Blocks; for processes that do nothing else. Released when it goes away.

#include <chrono>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/oauth_grant.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::proxy {

// Source: proper-lockfile, as Claude Code calls it.
inline constexpr std::chrono::seconds kLockIsStale{10};
inline constexpr std::chrono::seconds kLockBeat{3};

// Ours. Errors: kSystemCall, ETIMEDOUT when somebody else has held it for `patience`.
Result<UniqueFd> lock_directory(const std::string& directory, std::chrono::milliseconds patience);

class ProgramLock {
 public:
  ProgramLock() = default;
  ProgramLock(ProgramLock&&) noexcept = default;
  ProgramLock& operator=(ProgramLock&&) = delete;
  ProgramLock(const ProgramLock&) = delete;
  ProgramLock& operator=(const ProgramLock&) = delete;
  ~ProgramLock();

  // `file`: the login file's absolute path. A lock that nobody can make (a read-only directory) is
  // nobody's, and left out. Errors: as above.
  static Result<ProgramLock> take(LoginLock kind, const std::string& file,
                                  std::chrono::milliseconds patience);

  // Says that it is still held; at least every kLockBeat.
  void beat() const noexcept;

 private:
  std::vector<std::string> directories_;  // made by us, in order
  UniqueFd file_;
};

// The directories of kClaude, in the order in which they are taken.
std::vector<std::string> claude_locks(const std::string& file);

}  // namespace redoubtful::proxy
