#include "cli/proxy_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>

#include "cli/credential_sources.hpp"
#include "cli/programs.hpp"
#include "cli/show.hpp"
#include "common/outer_proxy.hpp"
#include "common/pipe.hpp"
#include "common/text.hpp"

extern char** environ;

namespace redoubtful::cli {
namespace {

// Reading a credential source may take 10 s, and there may be several.
constexpr int kReadyPatience = 60'000;
constexpr int kProbePatience = 60'000;
constexpr int kSummaryPatience = 500;
constexpr std::size_t kMostComplaints = 200;  // lines of a run: the terminal is the agent's
constexpr std::size_t kMostComplaintBytes = 1000;
constexpr int kControl = 3;

// For tests: the name servers that the proxy asks in place of resolv.conf's, "127.0.0.1:5353,…".
// Whoever sets the environment of `redoubtful run` could as well give it another profile.
constexpr std::string_view kResolverVariable = "REDOUBTFUL_RESOLVER";
// The same for the host's log: the socket in place of /dev/log.
constexpr std::string_view kSyslogVariable = "REDOUBTFUL_SYSLOG";

// The proxy has no home directory: paths are made absolute for it.
Profile for_the_proxy(const Profile& profile, const std::string& home) {
  Profile out;
  out.network = profile.network;
  out.credentials = with_absolute_paths(profile.credentials, home);
  out.audit = profile.audit;
  expand_certificate_files(out.network, home);
  return out;
}

std::vector<control::NamedValue> values_for(const Profile& profile,
                                            const std::vector<std::string>& environment) {
  std::set<std::string, std::less<>> names(kOuterProxyVariables.begin(),
                                           kOuterProxyVariables.end());
  names.insert(kNoProxyVariables.begin(), kNoProxyVariables.end());
  names.emplace(kResolverVariable);
  names.emplace(kSyslogVariable);
  for (auto& name : source_variable_names(profile.credentials)) names.insert(std::move(name));
  std::vector<control::NamedValue> out;
  for (const auto& entry : environment) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) continue;
    const auto name = names.find(std::string_view(entry).substr(0, equals));
    if (name == names.end()) continue;
    out.push_back({*name, entry.substr(equals + 1)});
    names.erase(name);  // the first of two counts
  }
  return out;
}

// In the child, before it is the proxy. Everything but these four descriptors closes by itself.
bool place_descriptors(int control, int complaints) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || ::chdir("/") != 0) return false;
  if (::dup2(null, 0) < 0 || ::dup2(null, 1) < 0 || ::dup2(complaints, 2) < 0) return false;
  // A descriptor that is in its place already keeps its close-on-exec, for dup2 does nothing then.
  return control == kControl ? ::fcntl(kControl, F_SETFD, 0) == 0 : ::dup2(control, kControl) >= 0;
}

}  // namespace

std::vector<std::string> own_environment() {
  std::vector<std::string> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    out.emplace_back(*entry);
  }
  return out;
}

Result<ProxyProcess> ProxyProcess::start(const std::vector<std::string>& environment) {
  auto program = find_own_part("redoubtful-proxy");
  if (!program) return std::move(program).error();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::system_call("cannot make the proxy's control socket", errno);
  }
  ProxyProcess out;
  out.control_ = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  auto complaints = make_pipe();
  if (!complaints) return std::move(complaints).error();
  if (::fcntl(complaints->read.get(), F_SETFL, O_NONBLOCK) != 0) {
    return Error::system_call("cannot prepare a pipe", errno);
  }
  out.complaints_ = std::move(complaints->read);
  SpawnRequest proxy{.path = *std::move(program),
                     .arguments = {"redoubtful-proxy", "--control", std::to_string(kControl)},
                     .environment = {"PATH=/usr/bin:/bin"}};
  for (const auto& entry : environment) {
    if (entry.starts_with("LANG=")) proxy.environment.push_back(entry);
  }
  auto child = ChildProcess::spawn(
      proxy, [&] { return place_descriptors(theirs.get(), complaints->write.get()); });
  if (!child) return std::move(child).error().during("starting redoubtful-proxy");
  out.child_ = std::move(*child);
  out.receiver_.emplace(out.control_.get());
  return out;
}

Result<void> ProxyProcess::configure(ProxyRequest request) {
  control::Configure configure;
  configure.session = std::move(request.session);
  configure.profile = show_json(for_the_proxy(*request.profile, request.home), {});
  configure.environment = values_for(*request.profile, request.environment);
  configure.commands = std::move(request.commands);
  configure.audit = std::move(request.audit);
  if (auto sent = control::send(control_.get(), std::move(configure)); !sent) return gone();
  return {};
}

Result<control::Message> ProxyProcess::next(int milliseconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  for (;;) {
    auto message = receiver_->poll();
    if (!message) return gone();
    if (*message) return std::move(**message);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd wanted{control_.get(), POLLIN, 0};
    const int got = ::poll(&wanted, 1, static_cast<int>(std::max<long>(left.count(), 0)));
    if (got < 0 && errno != EINTR) return Error::system_call("cannot wait for the proxy", errno);
    if (got == 0) {
      return Error(Errc::kSystemCall, "redoubtful-proxy does not answer")
          .hint("`redoubtful doctor` starts it by itself and says what is wrong");
    }
  }
}

Error ProxyProcess::gone() {
  int status = 0;
  if (child_.running()) {
    child_.signal(SIGKILL);  // it may only have closed its end
    status = child_.wait();
  }
  std::string said;
  for (const auto& line : complaints().lines) said = line;
  return Error(Errc::kSystemCall, "redoubtful-proxy ended (status " +
                                      std::to_string(shell_status(status)) + ")" +
                                      (said.empty() ? "" : "; its last words: " + said))
      .hint(
          "without it there is no way out of a box, so the run ends; `redoubtful doctor` tries it");
}

Result<control::Ready> ProxyProcess::wait_until_ready() {
  auto message = next(kReadyPatience);
  if (!message) return std::move(message).error();
  if (auto* ready = std::get_if<control::Ready>(&*message)) return std::move(*ready);
  if (auto* failed = std::get_if<control::Failed>(&*message)) {
    return Error(failed->code, failed->what).hint(failed->hint);
  }
  return Error(Errc::kPeerProtocol, "redoubtful-proxy answered with what was not asked for");
}

Result<void> ProxyProcess::serve(control::Listeners listeners) {
  if (auto sent = control::send(control_.get(), std::move(listeners)); !sent) return gone();
  return {};
}

Result<control::ProbeResult> ProxyProcess::probe(control::Probe probe) {
  if (auto sent = control::send(control_.get(), std::move(probe)); !sent) return gone();
  auto message = next(kProbePatience);
  if (!message) return std::move(message).error();
  if (auto* result = std::get_if<control::ProbeResult>(&*message)) return std::move(*result);
  if (auto* failed = std::get_if<control::Failed>(&*message)) {
    return Error(failed->code, failed->what).hint(failed->hint);
  }
  return Error(Errc::kPeerProtocol, "redoubtful-proxy answered with what was not asked for");
}

Result<void> ProxyProcess::look() {
  for (;;) {
    auto message = receiver_->poll();
    if (!message) return gone();
    if (!*message) return {};
    if (auto* failed = std::get_if<control::Failed>(&**message)) {
      return Error(failed->code, failed->what).hint(failed->hint);
    }
  }
}

ProxyProcess::Complaints ProxyProcess::complaints() {
  Complaints out;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = ::read(complaints_.get(), buffer, sizeof buffer)) > 0) {
    for (const char c : std::string_view(buffer, static_cast<std::size_t>(got))) {
      if (c != '\n') {
        if (partial_.size() < kMostComplaintBytes) partial_ += c;
        continue;
      }
      if (++lines_ <= kMostComplaints) out.lines.push_back(shown(partial_));
      partial_.clear();
    }
  }
  out.ended = got == 0;
  return out;
}

std::optional<control::Summary> ProxyProcess::finish() {
  if (!child_.running()) return std::nullopt;
  if (!control::send(control_.get(), control::Finish{})) return std::nullopt;
  for (;;) {
    auto message = next(kSummaryPatience);
    if (!message) return std::nullopt;
    if (auto* summary = std::get_if<control::Summary>(&*message)) return std::move(*summary);
  }
}

}  // namespace redoubtful::cli
