#include "proxy/gateway.hpp"

#include <algorithm>
#include <optional>

#include "common/text.hpp"
#include "proxy/authority.hpp"
#include "proxy/rule_text.hpp"
#include "proxy/target.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::string_view kHttps = "https://";

Error bad_gateway(std::string_view url, std::string_view why) {
  return Error(Errc::kInvalidProfile, quoted(url) + " is not a gateway's URL: " + std::string(why))
      .hint("write https://HOST[:PORT][/PREFIX]");
}

// Where path, query or fragment of "authority/path?query#fragment" begin.
std::size_t end_of_authority(std::string_view text) {
  return std::min(text.find_first_of("/?#\\"), text.size());
}

// Segments that lead out of where they stand, in any spelling.
bool has_dot_segments(std::string_view path) {
  std::string plain;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool dot = path.substr(i, 3) == "%2e" || path.substr(i, 3) == "%2E";
    plain += dot ? '.' : path[i];
    if (dot) i += 2;
  }
  plain += '/';
  return plain.find("/./") != std::string::npos || plain.find("/../") != std::string::npos;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  text.remove_suffix(text.size() - std::min(text.find_last_not_of(kBlank) + 1, text.size()));
  return text;
}

// `path` without `prefix`, which it is below or is itself; nothing for another path. Both without
// query. The prefix is empty or begins with '/'.
std::optional<std::string> without_prefix(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix) || has_dot_segments(path)) return std::nullopt;
  const std::string_view rest = path.substr(prefix.size());
  if (rest.empty()) return "/";
  if (rest.front() != '/') return std::nullopt;
  // "//x" would be another host's.
  if (rest.starts_with("//")) return std::nullopt;
  return std::string(rest);
}

}  // namespace

Result<Gateway> Gateway::parse(std::string_view url) {
  if (!equals_ignoring_case(url.substr(0, kHttps.size()), kHttps)) {
    return bad_gateway(url, "it does not begin with https://");
  }
  const std::string_view rest = url.substr(kHttps.size());
  const std::size_t end = end_of_authority(rest);
  auto authority = parse_authority(rest.substr(0, end), https_port());
  if (!authority) return bad_gateway(url, "its host or port cannot be read");
  std::string_view path = rest.substr(end);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return Gateway(std::move(authority->host), authority->port, {});
  const auto target = canonical_target(path);
  if (!target || target->ambiguous || target->path != path || !target->query.empty()) {
    return bad_gateway(url, "its path is not a plain one");
  }
  return Gateway(std::move(authority->host), authority->port, std::string(path));
}

std::string Gateway::authority() const { return authority_of(host_, port_, Scheme::kHttps); }

std::string Gateway::target(std::string_view canonical) const {
  if (!canonical.starts_with('/')) return std::string(canonical);
  return prefix_ + std::string(canonical);
}

void Gateway::map_back(Fields& fields, const Host& original, std::string_view authority) const {
  for (auto& field : fields) {
    if (equals_ignoring_case(field.name, "location") ||
        equals_ignoring_case(field.name, "content-location")) {
      field.value = location(field.value, authority);
    } else if (equals_ignoring_case(field.name, "set-cookie")) {
      field.value = set_cookie(field.value, original);
    }
  }
}

std::string Gateway::location(std::string_view value, std::string_view authority) const {
  std::string front;  // what the mapped path is put behind
  std::string_view path = value;
  const bool absolute = equals_ignoring_case(value.substr(0, kHttps.size()), kHttps);
  if (absolute || value.starts_with("//")) {
    const std::size_t skipped = absolute ? kHttps.size() : 2;
    const std::string_view rest = value.substr(skipped);
    const std::size_t end = end_of_authority(rest);
    const auto named = parse_authority(rest.substr(0, end), https_port());
    if (!named || named->host != host_ || named->port != port_) return std::string(value);
    front = std::string(value.substr(0, skipped)) + std::string(authority);
    path = rest.substr(end);
  } else if (!value.starts_with('/')) {
    return std::string(
        value);  // another scheme, or relative to the request: the same on both sides
  }
  const std::size_t end = std::min(path.find_first_of("?#"), path.size());
  const auto inside = without_prefix(path.substr(0, end), prefix_);
  if (inside) return front + *inside + std::string(path.substr(end));
  if (!front.empty()) return std::string(value);
  return std::string(kHttps) + this->authority() + std::string(path);
}

std::string Gateway::set_cookie(std::string_view value, const Host& original) const {
  std::string out;
  for (bool first = true; first || !value.empty(); first = false) {
    const std::string_view part = value.substr(0, value.find(';'));
    value.remove_prefix(std::min(part.size() + 1, value.size()));
    const std::size_t equals = part.find('=');
    const std::string_view name = trimmed(part.substr(0, equals));
    std::string_view data =
        equals == std::string_view::npos ? std::string_view() : trimmed(part.substr(equals + 1));
    std::string kept(part);
    if (first) {
      // The cookie itself, whatever it is called.
    } else if (equals_ignoring_case(name, "domain")) {
      if (data.starts_with('.')) data.remove_prefix(1);
      const auto domain = Host::parse(data);
      const bool own = domain && *domain == host_;
      const bool wider = domain && host_.text().ends_with("." + domain->text());
      if (wider || (own && original.is_address())) continue;
      if (own) kept = " Domain=" + original.text();
    } else if (equals_ignoring_case(name, "path")) {
      std::string_view path = data;
      const bool slash = path.size() > 1 && path.ends_with('/');
      const std::string_view bare = slash ? path.substr(0, path.size() - 1) : path;
      const bool above =
          path == "/" || (!bare.empty() && (prefix_ + "/").starts_with(std::string(bare) + "/"));
      if (above) {
        kept = " Path=/";
      } else if (const auto inside = without_prefix(path, prefix_)) {
        kept = " Path=" + *inside;
      }
    }
    if (!first) out += ';';
    out += kept;
  }
  return out;
}

}  // namespace redoubtful::proxy
