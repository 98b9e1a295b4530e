#pragma once

// redoubtful-proxy as a process of ours: started early, so that it reads its sources and makes its
// keys while the box is planned; then one conversation over a socketpair (control_channel.hpp).
//
// It is the box's only way out. When it ends before the box, the run ends: there is no fallback. It
// ends with us, whatever ends us: by the parent-death signal, and because the socket closes.
//
// Threads: none. Everything that waits here has a deadline.

#include <optional>
#include <string>
#include <vector>

#include "common/child_process.hpp"
#include "common/control_channel.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

// Our own variables, NAME=VALUE.
std::vector<std::string> own_environment();

struct ProxyRequest {
  std::string session;  // names the run in the audit log
  const Profile* profile = nullptr;
  std::string home;                      // what "~/" in the profile's paths stands for
  std::vector<std::string> environment;  // the host's, NAME=VALUE: what sources name is taken out
  std::vector<std::string> commands{};   // of programs that sources name, NAME=VALUE
  UniqueFd audit;                        // opened for appending; absent: no log is kept
};

class ProxyProcess {
 public:
  ProxyProcess(ProxyProcess&&) noexcept = default;
  ProxyProcess& operator=(ProxyProcess&&) noexcept = default;

  // Starts it: it loads its libraries and makes the session's keys, and waits for the rest.
  // `environment` is the host's, NAME=VALUE, of which it gets LANG. Errors: kMissingProgram,
  // kSystemCall.
  static Result<ProxyProcess> start(const std::vector<std::string>& environment);

  // Sends its configuration; does not wait for an answer. Once. Errors: kSystemCall.
  Result<void> configure(ProxyRequest request);

  // Waits until every credential is read. Errors: what the proxy could not do; kSystemCall when it
  // ended or says nothing.
  Result<control::Ready> wait_until_ready();

  // Hands over the box's sockets. Errors: kSystemCall.
  Result<void> serve(control::Listeners listeners);

  // For `redoubtful why`. Errors: as wait_until_ready().
  Result<control::ProbeResult> probe(control::Probe probe);

  // For the supervisor's loop: readable when the proxy has something to say, or is gone.
  int control_fd() const noexcept { return control_.get(); }
  // Its standard error; never blocks.
  int complaints_fd() const noexcept { return complaints_.get(); }

  // What the proxy said since, for the loop. Nothing: it goes on. Errors: it cannot go on, or is
  // gone: what the run ends with.
  Result<void> look();

  // What it wrote to its standard error since, by lines; bounded for a whole run.
  struct Complaints {
    std::vector<std::string> lines;
    bool ended = false;  // it will say no more
  };
  Complaints complaints();

  // Asks what happened, and ends it. Nothing when it did not answer in time.
  std::optional<control::Summary> finish();

 private:
  ProxyProcess() = default;
  Result<control::Message> next(int milliseconds);
  Error gone();

  ChildProcess child_;
  UniqueFd control_;
  UniqueFd complaints_;
  std::optional<control::Receiver> receiver_;
  std::string partial_;  // of a line
  std::size_t lines_ = 0;
};

}  // namespace redoubtful::cli
