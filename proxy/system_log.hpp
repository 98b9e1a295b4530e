#pragma once

// The host's own log (journald, rsyslog …) as a second place for what the audit log says.
//
// A datagram a line, to the socket that syslog(3) speaks to:
//     <PRI>redoubtful-proxy[4711]: {"time":…}
// without a time of its own: receivers take the kernel's, and the JSON has one.
//
// Connected before confinement, which forbids local sockets; so it cannot be opened again. Where
// the host's log is started anew on a socket of its own (systemd's outlives journald), all later
// lines are lost. Never waits: a line that the receiver has no room for is lost as well. The
// losses are counted, by reason.
//
// Facility "user". Not "authpriv", where decisions about access are looked for: programs that act
// on what stands there (fail2ban …) should find nothing that an agent may have worded. The highest
// severity is "warning": what an agent can cause in a loop wakes nobody up.
//
// Source: RFC 3164 section 4.3 (no time), RFC 5424 table 1 and 2, syslog(3), unix(7).

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::proxy {

class SystemLog {
 public:
  static constexpr const char* kPath = "/dev/log";

  enum class Severity { kWarning = 4, kNotice = 5, kInformational = 6 };

  // Errors: kInvalidProfile, for a profile asked for what this machine has not: nobody listens
  // there.
  static Result<SystemLog> open(const std::string& path);

  // `line`: no control characters, as JSON has none.
  void write(Severity severity, std::string_view line);

  std::uint64_t lost() const noexcept { return busy_ + gone_; }
  // Why lines were lost, for people; empty when none was.
  std::string losses() const;

 private:
  explicit SystemLog(UniqueFd fd);

  UniqueFd fd_;
  std::string tag_;         // "redoubtful-proxy[4711]: "
  std::uint64_t busy_ = 0;  // lines for which there was no room
  std::uint64_t gone_ = 0;  // lines that nobody was there for
  int error_ = 0;           // the first of the latter's
};

}  // namespace redoubtful::proxy
