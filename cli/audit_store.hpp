#pragma once

// The audit logs of past and present sessions: <state>/audit/<session>.jsonl, one a run.
//
// A log is locked (flock, exclusive) as long as somebody can still write to it: the lock belongs to
// the open file, which goes to the proxy with its descriptor, so it is released when the session is
// over, however it ended. That tells a running session from one that was killed, and keeps a long
// one from being removed as old.

#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

// Of the newest sessions; older logs are removed by the next run.
inline constexpr std::size_t kKeptAuditLogs = 200;

// Opens the log of a new session for appending, private and locked. Errors: kSystemCall.
Result<UniqueFd> open_audit_log(const std::string& state, const std::string& session);

// Adds what was undone after the run to its log, an event `undo` for each line; nothing where the
// run had no log. Errors: kSystemCall.
Result<void> append_undone(const std::string& state, const std::string& session,
                           const std::vector<std::string>& lines);

// Those of all but the newest sessions, except what is still written to. What cannot be removed
// stays.
void remove_old_audit_logs(const std::string& state);

// The sessions of which there is a log, the oldest first.
std::vector<std::string> audit_sessions(const std::string& state);

struct StoredAuditLog {
  std::string session;
  std::size_t of = 0;  // how many logs there are
  UniqueFd fd;         // for reading
};

// The log of the session called `wanted`, or the only one whose name begins so; the newest when it
// is empty. Errors: kInvalidProfile, with the names there are.
Result<StoredAuditLog> find_audit_log(const std::string& state, const std::string& wanted);

// Is the session of this log, open for reading, still there?
bool is_being_written(int fd);

}  // namespace redoubtful::cli
