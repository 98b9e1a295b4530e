#pragma once

// What was connected, denied, injected: JSON lines, one object a decision. Source: design 5,
// "Audit".
//
// Stable field names; RFC 3339 UTC; never a secret, a header value, a query or a body. Written to a
// descriptor that was opened before confinement. Equal denials are written once and counted, and
// the log of a session has a cap, so that the agent cannot fill the disk. A log that cannot be
// written does not stop the proxy: the loss is counted, and said in the summary.
//
// Also keeps what the end-of-run summary needs, whether a log is written or not.

#include <chrono>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/control_channel.hpp"
#include "common/host.hpp"
#include "common/unique_fd.hpp"
#include "proxy/policy.hpp"
#include "proxy/system_log.hpp"

namespace redoubtful::proxy {

// "session", "connect", "request", "deny", "alarm" … with whatever of these is known.
struct AuditEvent {
  std::string_view event;
  std::string host;
  std::uint16_t port = 0;
  std::string method;
  std::string path;  // without the query
  unsigned status = 0;
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
  std::chrono::microseconds time{};
  std::string rule;
  std::string place;        // file:line
  std::string reason;       // of a denial or an error: stable word
  std::string detail;       // for people
  std::string credential;   // its name, never its value
  std::uint64_t count = 0;  // of a "scrub": how often
};

// A request from its beginning to its end. Whoever serves it keeps it, and says what it learns.
struct OpenRequest {
  AuditEvent event;
  std::chrono::steady_clock::time_point begun;
  std::uint64_t number = 0;
};

class AuditLog {
 public:
  // With neither only the summary is kept.
  AuditLog(UniqueFd fd, std::string session, std::optional<SystemLog> host = std::nullopt);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  void record(const AuditEvent& event);
  // A line at close(); for what is under way when the session ends, at finish(): streams and
  // WebSockets often are.
  std::shared_ptr<OpenRequest> open(AuditEvent event);
  void close(OpenRequest& request);
  // A refusal, counted where it repeats. `way`: "tls", "http", "connect", "dns" …
  void deny(const Denial& denial, std::string_view way, std::string_view method = {},
            std::string_view path = {});
  void alarm(std::string_view host, std::string_view credential, std::string_view detail);
  // What a credential stands for was renewed, or was to be. `reason`: empty, "failed", or
  // "unwritten" where it was renewed and its file does not have it; a summary names those that end
  // so.
  void refreshed(const std::string& credential, std::string_view reason, std::string detail);
  // --network discover: something that only the mode allowed.
  void discovered(const std::string& rule);

  control::Summary summary() const;
  // Writes the counts of repeated denials and the "stop" line.
  void finish();

 private:
  using Severity = SystemLog::Severity;

  struct Repeated {
    std::uint64_t count = 0;
    std::uint64_t written = 0;
    std::string line;  // what is written again with the count
    Severity severity = Severity::kNotice;
  };

  std::string now();
  bool kept() const noexcept { return fd_ || host_; }
  // The one more of its kind that is to be written; null where counting it is enough.
  Repeated* repeat(std::string_view event, std::string key);
  void write(std::string line, Severity severity = Severity::kInformational);
  void put(std::string line, Severity severity);

  UniqueFd fd_;
  std::optional<SystemLog> host_;
  std::string session_;
  std::time_t second_ = 0;  // that date_ is of
  std::string date_;
  std::uint64_t bytes_ = 0;
  std::uint64_t lost_ = 0;
  bool full_ = false;
  bool finished_ = false;
  std::uint64_t requests_ = 0;  // so far
  // Weak: a bug may end one without close().
  std::unordered_map<std::uint64_t, std::weak_ptr<OpenRequest>> open_;
  std::map<std::string, Repeated> repeated_;  // denials and alarms
  std::map<std::string, control::RefusedHost> refused_;
  std::map<std::string, std::uint64_t> discovered_;
  std::map<std::string, std::uint64_t> alarms_;   // how often
  std::map<std::string, std::string> unrenewed_;  // credential: what is wrong
};

}  // namespace redoubtful::proxy
