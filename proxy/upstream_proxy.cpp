#include "proxy/upstream_proxy.hpp"

#include <algorithm>

#include "common/text.hpp"
#include "proxy/message.hpp"
#include "proxy/public_address.hpp"

namespace redoubtful::proxy {
namespace {

Error bad_proxy(std::string_view why) {
  return Error(Errc::kInvalidProfile, "the outer proxy's URL: " + std::string(why))
      .hint("write http://[user:password@]host:port in HTTPS_PROXY or network.proxy");
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Nothing for a malformed escape, and for control characters, however they are written.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high << 4 | low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= count ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

struct Authority {
  std::string_view name;
  std::string_view port;  // empty: none
};

// "host:port", "[v6]:port", "v6", "host".
std::optional<Authority> split(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || rest.size() == 1)) return std::nullopt;
    return Authority{text.substr(1, end - 1), rest.empty() ? rest : rest.substr(1)};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return Authority{text, {}};
  }
  if (colon + 1 == text.size()) return std::nullopt;
  return Authority{text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

Result<UpstreamProxy> UpstreamProxy::parse(std::string_view url, std::string_view no_proxy) {
  std::string_view rest = url;
  if (const std::size_t mark = url.find("://"); mark != std::string_view::npos) {
    const std::string_view scheme = url.substr(0, mark);
    if (!equals_ignoring_case(scheme, "http")) {
      return bad_proxy("proxies of the kind " + quoted(scheme, 20) + " are not supported");
    }
    rest.remove_prefix(mark + 3);
  }
  std::string authorization;
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view userinfo = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    const std::size_t colon = userinfo.find(':');
    const auto user = percent_decoded(userinfo.substr(0, colon));
    const auto password = percent_decoded(
        colon == std::string_view::npos ? std::string_view() : userinfo.substr(colon + 1));
    // A colon in the user's name would move into the password. RFC 7617, section 2.
    if (!user || !password || user->find(':') != std::string::npos) {
      return bad_proxy("its user or password cannot be read");
    }
    authorization = "Basic " + base64(*user + ":" + *password);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const auto authority = split(rest);
  auto host = authority ? Host::parse(authority->name) : Result<Host>(bad_proxy("no host"));
  auto port = Port::parse(!authority || authority->port.empty() ? "80" : authority->port);
  if (!host || !port) return bad_proxy("its host or port cannot be read");

  UpstreamProxy out(*std::move(host), *port);
  out.authorization_ = std::move(authorization);
  constexpr std::string_view kSeparators = ", \t\r\n";
  for (std::string_view list = no_proxy; !list.empty();) {
    const std::string_view entry = list.substr(0, list.find_first_of(kSeparators));
    list.remove_prefix(std::min(entry.size() + 1, list.size()));
    if (auto bypass = parse_bypass(entry)) out.bypass_.push_back(*std::move(bypass));
  }
  return out;
}

std::optional<UpstreamProxy::Bypass> UpstreamProxy::parse_bypass(std::string_view entry) {
  const auto authority = split(entry);
  if (!authority) return std::nullopt;
  std::string_view name = authority->name;
  if (name != "*" && name.starts_with('*')) name.remove_prefix(1);
  if (name.starts_with('.')) name.remove_prefix(1);
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty()) return std::nullopt;
  Bypass bypass{.name = std::string(name), .port = std::nullopt};
  std::transform(bypass.name.begin(), bypass.name.end(), bypass.name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (!authority->port.empty()) {
    const auto port = Port::parse(authority->port);
    if (!port) return std::nullopt;
    bypass.port = *port;
  }
  // Addresses are compared as such, however they are spelt.
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(bypass.name, error);
  if (!error) bypass.name = address.to_string();
  return bypass;
}

bool UpstreamProxy::bypassed(const Host& host, Port port) const {
  const std::string& text = host.text();
  const auto matches = [&](const Bypass& bypass) {
    if (bypass.port && *bypass.port != port) return false;
    if (bypass.name == "*" || bypass.name == text) return true;
    if (!host.is_address()) return text.ends_with("." + bypass.name);
    return in_range(bypass.name, boost::asio::ip::make_address(text));
  };
  return std::any_of(bypass_.begin(), bypass_.end(), matches);
}

std::string UpstreamProxy::text() const {
  const bool six = host_.text().find(':') != std::string::npos;
  return (six ? "[" + host_.text() + "]" : host_.text()) + ":" + std::to_string(port_.number());
}

}  // namespace redoubtful::proxy
