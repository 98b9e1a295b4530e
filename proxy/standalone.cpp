#include "proxy/standalone.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "common/text.hpp"
#include "proxy/application.hpp"
#include "proxy/configuration.hpp"
#include "proxy/confinement.hpp"
#include "proxy/standalone_files.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Entry = Listeners::Entry;

void note(const std::string& text) { std::fprintf(stderr, "redoubtful-proxy: %s\n", text.c_str()); }

struct Listening {
  UniqueFd fd;
  tcp::endpoint end;  // with the port that was given where 0 was asked for
  std::string_view option;
  Entry entry;
};

Result<Listening> listen_on(const tcp::endpoint& end, std::string_view option, Entry entry) {
  UniqueFd fd(::socket(end.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Error::system_call("cannot open a socket", errno);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // after a restart
  if (::bind(fd.get(), end.data(), static_cast<socklen_t>(end.size())) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    const int error = errno;
    auto failed =
        Error::system_call(std::string(option) + ": cannot listen on " + endpoint_text(end), error);
    if (error == EADDRINUSE) {
      return std::move(failed).hint(
          "another program does; `ss -ltnp` says which. Or take another "
          "port");
    }
    if (error == EADDRNOTAVAIL) {
      return std::move(failed).hint("this machine has no such address; `ip address` lists them");
    }
    return failed;
  }
  tcp::endpoint bound = end;
  auto size = static_cast<socklen_t>(bound.capacity());
  if (::getsockname(fd.get(), bound.data(), &size) != 0) {
    return Error::system_call("cannot ask for the port", errno);
  }
  return Listening{std::move(fd), bound, option, entry};
}

Result<std::vector<Listening>> listen_everywhere(const StandaloneOptions& options) {
  std::vector<Listening> out;
  const auto add = [&](const std::optional<tcp::endpoint>& end, std::string_view option,
                       Entry entry) -> Result<void> {
    if (!end) return {};
    auto made = listen_on(*end, option, entry);
    if (!made) return std::move(made).error();
    out.push_back(std::move(*made));
    return {};
  };
  if (auto done = add(options.listen, "--listen", Entry::kExplicit); !done) {
    return std::move(done).error();
  }
  if (auto done = add(options.redirected_tls, "--redirected-tls", Entry::kRedirectedTls); !done) {
    return std::move(done).error();
  }
  if (auto done = add(options.redirected_http, "--redirected-http", Entry::kRedirectedHttp);
      !done) {
    return std::move(done).error();
  }
  return out;
}

// What a box has, and a proxy alone has not.
void say_what_is_different(const NetworkProfile& network) {
  if (network.mode.value == NetworkMode::kNone)
    note("network.mode is none: nothing is let through");
  if (network.mode.value == NetworkMode::kDangerouslyOpen) {
    note("network.mode is dangerously-open: here it is filtered, by the rules");
  }
  if (network.mode.value == NetworkMode::kDiscover) {
    note("network.mode is discover: every public host is let through");
  } else if (network.allow.empty()) {
    note("nothing is allowed: network.allow has no rule");
  }
  if (!network.forward.empty() || !network.publish.empty()) {
    note("network.forward and network.publish are a box's; here they do nothing");
  }
}

std::string session_name() {
  const std::time_t now = std::time(nullptr);
  tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  return fmt::format("standalone-{}-{}", text, ::getpid());
}

// Two sockets a connection; the usual soft limit is 1,024. Errors are none: then fewer work.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// For programs that sources name: who and where the user is, and nothing that changes what runs.
std::vector<std::string> command_environment(const std::vector<control::NamedValue>& own) {
  constexpr std::array<std::string_view, 10> kNames{"HOME",
                                                    "LANG",
                                                    "LOGNAME",
                                                    "PATH",
                                                    "TZ",
                                                    "USER",
                                                    "XDG_CONFIG_HOME",
                                                    "XDG_DATA_HOME",
                                                    "XDG_RUNTIME_DIR",
                                                    "DBUS_SESSION_BUS_ADDRESS"};
  std::vector<std::string> out;
  for (const auto& one : own) {
    if (std::find(kNames.begin(), kNames.end(), one.name) == kNames.end()) continue;
    out.push_back(one.name + "=" + one.value);
  }
  return out;
}

std::string surrogate_lines(const control::Ready& ready) {
  std::string out;
  for (const auto& surrogate : ready.surrogates) {
    for (const auto& name : surrogate.variables) out += name + "=" + surrogate.value + "\n";
  }
  return out;
}

// As a box has them. Nothing for a port on all addresses: which one clients use is not known.
std::string proxy_lines(const std::vector<Listening>& sockets, const AccessToken& token) {
  std::string out;
  for (const auto& socket : sockets) {
    if (socket.entry != Entry::kExplicit || socket.end.address().is_unspecified()) continue;
    const std::string url =
        "http://redoubtful:" + token.text() + "@" + endpoint_text(socket.end) + "\n";
    for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}) {
      out += std::string(name) + "=" + url;
    }
    for (const char* name : {"NO_PROXY", "no_proxy"}) {
      out += std::string(name) + "=localhost,127.0.0.1,::1\n";
    }
  }
  return out;
}

}  // namespace

Result<void> run_standalone(const StandaloneOptions& options) {
  control::Configure configure;
  configure.environment = take_environment();
  configure.commands = command_environment(configure.environment);
  configure.session = session_name();
  auto config = read_config(options.config);
  if (!config) return std::move(config).error();
  const auto parsed = parse_configuration(*config);
  if (!parsed) return Error(parsed.error()).during("--config " + quoted(options.config));
  configure.profile = std::move(*config);
  if (!options.audit.empty()) {
    auto log = open_audit(options.audit);
    if (!log) return std::move(log).error();
    configure.audit = std::move(*log);
  }
  auto sockets = listen_everywhere(options);
  if (!sockets) return std::move(sockets).error();
  auto token = options.token_file.empty() ? Result<AccessToken>(AccessToken::random())
                                          : read_or_make_token(options.token_file);
  if (!token) return std::move(token).error();
  raise_descriptor_limit();

  asio::io_context context(1);
  auto authority = CertificateAuthority::create(CertificateAuthority::kStandalone);
  if (!authority) return std::move(authority).error();
  auto application = Application::create(context, std::move(configure), std::move(*authority));
  if (!application) return std::move(application).error();
  const control::Ready ready = (*application)->take_ready();
  if (!options.ca_certificate.empty()) {
    auto written =
        write_for_clients("--ca-certificate", options.ca_certificate, ready.ca_certificate, 0644);
    if (!written) return written;
  }
  std::string lines = surrogate_lines(ready);
  // What is printed may be kept by whoever collects it: of a token in a file, not there.
  if (options.token_file.empty() || !options.environment_file.empty()) {
    lines += proxy_lines(*sockets, *token);
  }
  if (!options.environment_file.empty()) {
    auto written = write_for_clients("--environment-file", options.environment_file, lines, 0600);
    if (!written) return written;
    lines.clear();
  }
  say_what_is_different(parsed->network);
  for (const auto& file : ready.files) {
    note(quoted(file.path) + " with surrogates is not written: only a box has it");
  }
  for (const auto& text : ready.notes) note(text);

  if (auto prepared = (*application)->prepare_for_confinement(); !prepared) return prepared;
  (*application)->require(std::move(*token));
  (*application)->end_loops([](const std::string& where) {
    note("a connection of its own, to " + where +
         ", came back to it and was ended: exempt this program's user from the redirection, or "
         "take it out of HTTPS_PROXY");
  });
  if (auto started = (*application)->start_renewal(); !started) return started;
  asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([&context](boost::system::error_code, int) { context.stop(); });
  auto confined = confine();
  if (!confined) return std::move(confined).error();
  for (const auto& text : *confined) note(text);
  lines += "ready";
  for (auto& socket : *sockets) {
    lines += fmt::format(" {} {}", socket.option, endpoint_text(socket.end));
    auto begun = (*application)->listen(std::move(socket.fd), socket.entry);
    if (!begun) return begun;
  }
  lines += "\n";
  // Whoever waits for these lines may connect when they are there. Where standard output is the
  // audit log, that is all that it is.
  std::FILE* const out = options.audit == "-" ? stderr : stdout;
  std::fputs(lines.c_str(), out);
  std::fflush(out);
  context.run();
  (*application)->audit().finish();
  return {};
}

}  // namespace redoubtful::proxy
