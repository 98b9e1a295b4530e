#include "proxy/standalone_options.hpp"

#include <array>
#include <charconv>
#include <set>

#include "common/text.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using Endpoint = StandaloneOptions::Endpoint;

constexpr std::string_view kDefaultListen = "127.0.0.1:3128";

Error usage(std::string what) {
  return Error(Errc::kUsage, std::move(what)).hint("redoubtful-proxy --help says what there is");
}

// ADDRESS:PORT or [ADDRESS]:PORT. Only an address of the machine's own can be listened on, so there
// is no name to look up. Port 0 is any free one.
std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view address = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = address.starts_with('[') && address.ends_with(']');
  if (bracketed) address = address.substr(1, address.size() - 2);
  std::uint16_t port = 0;
  const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || bad != std::errc() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address(std::string(address), error);
  if (error || parsed.is_v6() != bracketed) return std::nullopt;
  return Endpoint(parsed, port);
}

using Setter = Result<void> (*)(StandaloneOptions&, std::string_view option, std::string_view);

template <std::string StandaloneOptions::*Member>
Result<void> set_text(StandaloneOptions& options, std::string_view, std::string_view value) {
  options.*Member = value;
  return {};
}

template <std::optional<Endpoint> StandaloneOptions::*Member>
Result<void> set_endpoint(StandaloneOptions& options, std::string_view option,
                          std::string_view value) {
  options.*Member = parse_endpoint(value);
  if (options.*Member) return {};
  return usage(std::string(option) + ": " + quoted(value, 80) +
               " is not ADDRESS:PORT, such as 127.0.0.1:3128 or [::1]:3128");
}

Result<void> set_listen(StandaloneOptions& options, std::string_view option,
                        std::string_view value) {
  if (value == "none") return {};
  return set_endpoint<&StandaloneOptions::listen>(options, option, value);
}

struct Option {
  std::string_view name;
  Setter set;
};
constexpr std::array kOptions = std::to_array<Option>({
    {"--config", set_text<&StandaloneOptions::config>},
    {"--listen", set_listen},
    {"--redirected-tls", set_endpoint<&StandaloneOptions::redirected_tls>},
    {"--redirected-http", set_endpoint<&StandaloneOptions::redirected_http>},
    {"--token-file", set_text<&StandaloneOptions::token_file>},
    {"--ca-certificate", set_text<&StandaloneOptions::ca_certificate>},
    {"--environment-file", set_text<&StandaloneOptions::environment_file>},
    {"--audit", set_text<&StandaloneOptions::audit>},
});

const Option* find_option(std::string_view word) {
  for (const Option& option : kOptions) {
    if (option.name == word) return &option;
  }
  return nullptr;
}

Error unknown(std::string_view word) {
  std::array<std::string_view, kOptions.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kOptions[i].name;
  return usage("unknown word " + quoted(word, 80) + did_you_mean(word, names));
}

}  // namespace

std::string_view standalone_help() {
  return R"(redoubtful-proxy --config FILE [options]     the proxy alone, beside a container

  --config FILE              JSON as `redoubtful show --json` prints it; - is standard input.
                             env: sources are read from this program's own environment
  --listen ADDRESS:PORT      for clients that know of a proxy (default 127.0.0.1:3128), or none
  --token-file FILE          the password of that port; made, mode 0600, when it is absent.
                             Without this option a new one is made and printed
  --redirected-tls ADDRESS:PORT   accepts what was for port 443, by its SNI
  --redirected-http ADDRESS:PORT  accepts what was for port 80, by its Host
                             These two ask for no token: who reaches them may use the credentials.
                             This program's own connections must be exempt from the redirection
  --ca-certificate FILE      where the certificate is written that clients must trust
  --environment-file FILE    where NAME=VALUE lines for the clients are written, mode 0600: what
                             stands for the credentials, the proxy's URL. Else they are printed
  --audit FILE               where decisions are appended, as JSON lines; - is standard output
  --help, --version

It prints `ready` and where it listens, serves until SIGTERM, and then ends with status 0.

  redoubtful show --json -u ./agent.yaml > agent.json
  redoubtful-proxy --config agent.json --ca-certificate ca.pem --environment-file client.env
)";
}

Result<StandaloneOptions> parse_standalone(const std::vector<std::string_view>& arguments) {
  StandaloneOptions options;
  options.listen = parse_endpoint(kDefaultListen);
  std::set<const Option*> seen;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view word = arguments[i];
    std::optional<std::string_view> value;
    if (const std::size_t equals = word.find('='); equals != std::string_view::npos) {
      value = word.substr(equals + 1);
      word = word.substr(0, equals);
    }
    const Option* option = find_option(word);
    if (option == nullptr) return unknown(word);
    if (!value && i + 1 < arguments.size() && !arguments[i + 1].starts_with("--")) {
      value = arguments[++i];
    }
    if (!value || value->empty()) return usage(std::string(word) + " needs a value");
    if (!seen.insert(option).second) return usage(std::string(word) + " stands there twice");
    if (word == "--listen") options.listen.reset();
    if (auto set = option->set(options, word, *value); !set) return std::move(set).error();
  }
  if (options.config.empty()) return usage("--config is missing");
  if (!options.listen && !options.redirected_tls && !options.redirected_http) {
    return usage("--listen none, and no other place to listen on");
  }
  if (!options.listen && !options.token_file.empty()) {
    return usage("--token-file is for the port of --listen, and that is none");
  }
  if (options.listen && options.listen->address().is_unspecified() && options.token_file.empty()) {
    return usage(
        "--listen on every address needs --token-file: by which of them clients come, "
        "and so the URL with a token in it, is not known here");
  }
  return options;
}

}  // namespace redoubtful::proxy
