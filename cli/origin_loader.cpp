#include "cli/origin_loader.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "cli/value_syntax.hpp"
#include "common/host.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

struct HostAndPort {
  Host host;
  std::optional<Port> port;
};

// HOST, HOST:PORT, [V6], [V6]:PORT. Nothing where it is none of them.
std::optional<HostAndPort> split_authority(std::string_view text) {
  std::string_view name = text;
  std::string_view port;
  bool bracketed = false;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    bracketed = true;
    name = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || rest.size() == 1)) return std::nullopt;
    port = rest.empty() ? rest : rest.substr(1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    name = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return std::nullopt;
  }
  auto host = Host::parse(name);
  if (!host) return std::nullopt;
  const bool six = host->is_address() && host->text().find(':') != std::string::npos;
  if (six != bracketed) return std::nullopt;
  HostAndPort out{*std::move(host), std::nullopt};
  if (port.empty()) return out;
  auto number = Port::parse(port);
  if (!number) return std::nullopt;
  out.port = *number;
  return out;
}

struct Draft {
  std::string address;
  std::string ca;
  std::string via;
};

constexpr std::array<Key<Draft>, 3> kOriginKeys{{
    {"address",
     [](const Document& document, const YamlNode& node, Draft& out) -> Result<void> {
       return read_into(document, node, parse_dial_address, out.address);
     }},
    {"ca",
     [](const Document& document, const YamlNode& node, Draft& out) -> Result<void> {
       return read_into(document, node, parse_path, out.ca);
     }},
    {"via",
     [](const Document& document, const YamlNode& node, Draft& out) -> Result<void> {
       return read_into(document, node, parse_gateway, out.via);
     }},
}};

}  // namespace

Result<std::string> parse_dial_address(std::string_view text) {
  if (auto bare = Host::parse(text);
      bare && bare->is_address() && bare->text().find(':') != std::string::npos) {
    return "[" + bare->text() + "]";
  }
  const auto split = split_authority(text);
  if (split && split->host.is_address()) return std::string(text);
  return Error(Errc::kInvalidProfile,
               quoted(text, 80) + " is not an address, with a port or without one")
      .hint("for example 127.0.0.1:8443 or [::1]:8443; names are not looked up here");
}

Result<std::string> parse_gateway(std::string_view text) {
  constexpr std::string_view kScheme = "https://";
  const auto refuse = [&] {
    return Error(Errc::kInvalidProfile, quoted(text, 120) + " is not https://HOST[:PORT][/PREFIX]")
        .hint("a gateway is reached by TLS alone; query and fragment have no place in it");
  };
  if (!text.starts_with(kScheme) || text.size() > 2048) return refuse();
  const std::string_view rest = text.substr(kScheme.size());
  const std::size_t slash = rest.find('/');
  if (!split_authority(rest.substr(0, slash))) return refuse();
  const std::string_view prefix = slash == std::string_view::npos ? "" : rest.substr(slash);
  const bool plain = std::all_of(prefix.begin(), prefix.end(), [](char c) {
    return c > 0x20 && c < 0x7F && c != '?' && c != '#' && c != '\\' && c != '%';
  });
  if (!plain || prefix.find("/.") != std::string_view::npos ||
      prefix.find("//") != std::string_view::npos) {
    return refuse();
  }
  return std::string(text);
}

Result<std::string> parse_outer_proxy(std::string_view text) {
  if (text.empty()) return std::string();
  if (text.find('@') != std::string_view::npos) {
    return Error(Errc::kInvalidProfile, "network.proxy names host and port alone, no user")
        .hint("a proxy that wants a password: set HTTPS_PROXY in your environment instead");
  }
  constexpr std::string_view kScheme = "http://";
  std::string_view rest = text;
  if (rest.starts_with(kScheme)) {
    rest.remove_prefix(kScheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    const auto split = split_authority(rest);
    if (split && split->port) return std::string(kScheme) + std::string(rest);
  }
  return Error(Errc::kInvalidProfile, quoted(text, 80) + " is not http://HOST:PORT")
      .hint("\"\" means: no proxy, whatever HTTPS_PROXY says");
}

Result<void> read_origins(const Document& document, const YamlNode& node,
                          std::vector<OriginOverride>& out) {
  return read_mapping(document, node, [&](const YamlEntry& entry) -> Result<void> {
    auto host = Host::parse(entry.key);
    if (!host) return document.error(entry, std::move(host).error());
    const auto twin = std::find_if(
        out.begin(), out.end(), [&](const OriginOverride& other) { return other.host == *host; });
    if (twin != out.end()) {
      return error_at(Errc::kInvalidProfile, document.origin(entry),
                      "the host " + host->text() + " stands here twice");
    }
    Draft draft;
    if (auto read = read_keys<Draft>(document, entry.value, kOriginKeys, draft); !read) {
      return read;
    }
    if (draft.address.empty() && draft.ca.empty() && draft.via.empty()) {
      return document.error(entry.value, "an origin needs one of the keys address, ca, via");
    }
    out.push_back({.host = *std::move(host),
                   .address = std::move(draft.address),
                   .ca = std::move(draft.ca),
                   .via = std::move(draft.via),
                   .origin = document.origin(entry)});
    return {};
  });
}

}  // namespace redoubtful::cli
