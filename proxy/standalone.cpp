#include "proxy/standalone.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "common/file.hpp"
#include "common/text.hpp"
#include "proxy/application.hpp"
#include "proxy/authority.hpp"
#include "proxy/confinement.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxConfigBytes = 8 * 1024 * 1024;
constexpr std::size_t kMaxTokenBytes = 4096;

struct Option {
  std::string_view name;
  std::string StandaloneOptions::*value;
};
constexpr std::array kOptions = std::to_array<Option>({
    {"--config", &StandaloneOptions::config},
    {"--listen", &StandaloneOptions::listen},
    {"--redirected-tls", &StandaloneOptions::redirected_tls},
    {"--redirected-http", &StandaloneOptions::redirected_http},
    {"--token-file", &StandaloneOptions::token_file},
    {"--ca-certificate", &StandaloneOptions::ca_certificate},
    {"--environment-file", &StandaloneOptions::environment_file},
    {"--audit", &StandaloneOptions::audit},
});

Error usage(std::string what) {
  return Error(Errc::kUsage, std::move(what)).hint("redoubtful-proxy --help says what there is");
}

// A listening socket. Only an address of the machine's own can be bound, so nothing is looked up.
Result<UniqueFd> listen_on(const std::string& text, std::string_view option) {
  const auto place = parse_authority(text, *Port::parse("3128"));
  if (!place || !place->host.is_address()) {
    return usage(std::string(option) + ": " + quoted(text, 80) +
                 " is not ADDRESS:PORT, such as 127.0.0.1:3128 or [::1]:3128");
  }
  const asio::ip::tcp::endpoint end(asio::ip::make_address(place->host.text()),
                                    place->port.number());
  UniqueFd fd(::socket(end.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!fd) return Error::system_call("cannot open a socket", errno);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), end.data(), static_cast<socklen_t>(end.size())) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    return Error::system_call(std::string(option) + ": cannot listen on " + text, errno);
  }
  return fd;
}

// The directory and the last component of a path.
struct Place {
  UniqueFd directory;
  std::string name;
};
Result<Place> place_of(const std::string& path, std::string_view option) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "."
                                : slash == 0               ? "/"
                                                           : path.substr(0, slash);
  Place place;
  place.name = slash == std::string::npos ? path : path.substr(slash + 1);
  place.directory = UniqueFd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!place.directory || place.name.empty()) {
    return Error::system_call(std::string(option) + ": cannot write " + quoted(path),
                              place.name.empty() ? EISDIR : errno);
  }
  return place;
}

Result<void> write_file(const std::string& path, std::string_view option, std::string_view bytes,
                        mode_t mode) {
  auto place = place_of(path, option);
  if (!place) return std::move(place).error();
  auto written = replace_file(place->directory.get(), place->name, bytes, mode);
  if (!written) return std::move(written).error().during(std::string(option));
  return {};
}

Result<AccessToken> token_of(const StandaloneOptions& options) {
  if (options.token_file.empty()) return AccessToken::random();
  const UniqueFd file(::open(options.token_file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) {
    AccessToken made = AccessToken::random();
    auto written = write_file(options.token_file, "--token-file", made.text() + "\n", 0600);
    if (!written) return std::move(written).error();
    return made;
  }
  const std::string what = "--token-file " + quoted(options.token_file);
  if (!file) return Error::system_call(what, errno);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return Error::system_call(what, errno);
  if ((facts.st_mode & 077) != 0) {
    return Error(Errc::kInvalidSecret, what + ": others may read it")
        .hint("chmod 600 " + options.token_file);
  }
  auto text = read_file(file.get(), kMaxTokenBytes);
  if (!text) return std::move(text).error().during(what);
  auto token = AccessToken::take(std::move(*text));
  if (!token) return std::move(token).error().during(what);
  return token;
}

Result<std::string> config_of(const StandaloneOptions& options) {
  if (options.config == "-") {
    std::string text;
    std::array<char, 16384> buffer;
    ssize_t got = 0;
    while ((got = ::read(STDIN_FILENO, buffer.data(), buffer.size())) > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
      if (text.size() > kMaxConfigBytes) {
        return Error(Errc::kInvalidProfile, "--config: standard input is too long");
      }
    }
    return text;
  }
  auto text = read_file(options.config, kMaxConfigBytes);
  if (!text) return std::move(text).error().during("--config");
  return text;
}

std::vector<control::NamedValue> own_environment() {
  std::vector<control::NamedValue> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    out.push_back({std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))});
  }
  return out;
}

// For programs that sources name: who and where the user is, and nothing that changes what runs.
std::vector<std::string> command_environment() {
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
  for (const auto& one : own_environment()) {
    if (std::find(kNames.begin(), kNames.end(), one.name) == kNames.end()) continue;
    out.push_back(one.name + "=" + one.value);
  }
  return out;
}

}  // namespace

std::string_view standalone_help() {
  return "redoubtful-proxy --config FILE [options]    the proxy alone, beside a container\n"
         "\n"
         "  --config FILE             JSON as `redoubtful show --json` prints it; - is standard "
         "input\n"
         "  --listen ADDRESS:PORT     for clients that know of a proxy (127.0.0.1:3128)\n"
         "  --token-file FILE         the password of that port; made, mode 0600, when it is "
         "absent\n"
         "  --redirected-tls A:P      accepts what was for port 443, by its SNI\n"
         "  --redirected-http A:P     accepts what was for port 80, by its Host\n"
         "                            (who reaches these two needs no token)\n"
         "  --ca-certificate FILE     where the CA certificate is written that clients must trust\n"
         "  --environment-file FILE   where NAME=SURROGATE lines are written, mode 0600\n"
         "  --audit FILE              where decisions are appended, JSON lines\n"
         "\n"
         "Example: redoubtful show --json -u claude > c.json\n"
         "         redoubtful-proxy --config c.json --ca-certificate ca.pem --token-file token\n";
}

Result<StandaloneOptions> parse_standalone(const std::vector<std::string_view>& arguments) {
  StandaloneOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view word = arguments[i];
    std::optional<std::string_view> value;
    if (const std::size_t equals = word.find('='); equals != std::string_view::npos) {
      value = word.substr(equals + 1);
      word = word.substr(0, equals);
    } else if (i + 1 < arguments.size()) {
      value = arguments[i + 1];
      ++i;
    }
    const Option* found = nullptr;
    for (const Option& option : kOptions) {
      if (option.name == word) found = &option;
    }
    if (found == nullptr) return usage("unknown word " + quoted(word, 80));
    if (!value || value->empty()) return usage(std::string(word) + " needs a value");
    options.*(found->value) = *value;
  }
  if (options.config.empty()) return usage("--config is missing");
  return options;
}

Result<void> run_standalone(const StandaloneOptions& options) {
  auto config = config_of(options);
  if (!config) return std::move(config).error();
  auto token = token_of(options);
  if (!token) return std::move(token).error();
  control::Configure configure;
  configure.session = "standalone-" + std::to_string(::getpid());
  configure.profile = std::move(*config);
  configure.environment = own_environment();
  configure.commands = command_environment();
  if (!options.audit.empty()) {
    configure.audit =
        UniqueFd(::open(options.audit.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    if (!configure.audit) {
      return Error::system_call("--audit: cannot open " + quoted(options.audit), errno);
    }
  }
  asio::io_context context(1);
  auto application = Application::create(context, std::move(configure));
  if (!application) return std::move(application).error();
  const control::Ready ready = (*application)->take_ready();

  struct Place {
    const std::string& text;
    std::string_view option;
    Listeners::Entry entry;
  };
  const Place places[] = {
      {options.listen, "--listen", Listeners::Entry::kExplicit},
      {options.redirected_tls, "--redirected-tls", Listeners::Entry::kRedirectedTls},
      {options.redirected_http, "--redirected-http", Listeners::Entry::kRedirectedHttp},
  };
  std::string lines;
  if (options.token_file.empty()) {
    lines += fmt::format("HTTPS_PROXY=http://redoubtful:{}@{}\n", token->text(), options.listen);
  }
  std::vector<std::pair<UniqueFd, Listeners::Entry>> sockets;
  for (const Place& place : places) {
    if (place.text.empty()) continue;
    auto fd = listen_on(place.text, place.option);
    if (!fd) return std::move(fd).error();
    sockets.emplace_back(std::move(*fd), place.entry);
  }
  if (!options.ca_certificate.empty()) {
    auto written =
        write_file(options.ca_certificate, "--ca-certificate", ready.ca_certificate, 0644);
    if (!written) return written;
  }
  std::string surrogates;
  for (const auto& surrogate : ready.surrogates) {
    for (const auto& name : surrogate.variables) surrogates += name + "=" + surrogate.value + "\n";
  }
  if (options.environment_file.empty()) {
    lines += surrogates;
  } else if (auto written =
                 write_file(options.environment_file, "--environment-file", surrogates, 0600);
             !written) {
    return written;
  }
  for (const auto& file : ready.files) {
    lines += "# " + quoted(file.path) + " with surrogates is not written: only a box has it\n";
  }
  for (const auto& note : ready.notes) std::fprintf(stderr, "redoubtful-proxy: %s\n", note.c_str());
  (*application)->prepare_for_confinement();
  (*application)->require(std::move(*token));
  asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([&context](boost::system::error_code, int) { context.stop(); });
  auto confined = confine();
  if (!confined) return std::move(confined).error();
  for (const auto& note : *confined) std::fprintf(stderr, "redoubtful-proxy: %s\n", note.c_str());
  for (auto& [fd, entry] : sockets) {
    if (auto begun = (*application)->listen(std::move(fd), entry); !begun) return begun;
  }
  // Whoever waits for these lines may connect when they are there.
  std::fputs(lines.c_str(), stdout);
  std::fprintf(stdout, "ready %s\n", options.listen.c_str());
  std::fflush(stdout);
  context.run();
  (*application)->audit().finish();
  return {};
}

}  // namespace redoubtful::proxy
