#include "common/host.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/idna.hpp"
#include "common/text.hpp"

namespace redoubtful {
namespace {

constexpr std::size_t kMaxNameBytes = 253;
constexpr std::size_t kMaxLabelBytes = 63;

Error bad_host(std::string_view text, std::string_view why) {
  return Error(Errc::kInvalidHost, quoted(text) + " is not a host: " + std::string(why));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// A resolver reads "1", "0x7f" or "127.1" as an address. Source: WHATWG URL, "ends in a number".
bool ends_in_a_number(std::string_view name) {
  const std::string_view label = name.substr(name.rfind('.') + 1);
  if (std::all_of(label.begin(), label.end(), is_digit)) return true;
  return label.starts_with("0x") && std::all_of(label.begin() + 2, label.end(), is_hex);
}

// The one spelling of an address that is accepted, or nothing.
std::optional<std::string> canonical_address(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> back{};
  const int family = text.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (::inet_pton(family, text.c_str(), bytes.data()) != 1) return std::nullopt;
  if (::inet_ntop(family, bytes.data(), back.data(), back.size()) == nullptr) return std::nullopt;
  if (text != back.data()) return std::nullopt;
  return text;
}

// Why an ASCII, lower-case name is not one; empty when it is.
std::string_view name_problem(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > kMaxNameBytes) return "it is longer than 253 bytes";
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (label.empty()) return "it has an empty label";
    if (label.size() > kMaxLabelBytes) return "a label is longer than 63 bytes";
    if (label.front() == '-' || label.back() == '-') return "a label begins or ends with '-'";
    const bool ldh = std::all_of(label.begin(), label.end(), [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-';
    });
    if (!ldh) return "only letters, digits, '-' and '.' are allowed";
    if (dot == std::string_view::npos) return {};
    name.remove_prefix(dot + 1);
  }
}

bool is_address_of_mapped_form(std::string_view address) {
  return address.starts_with("::ffff:") && address.find('.') != std::string_view::npos;
}

std::optional<std::uint16_t> default_port(Scheme scheme) {
  switch (scheme) {
    case Scheme::kHttps:
      return 443;
    case Scheme::kHttp:
      return 80;
    case Scheme::kSsh:
      return 22;
    case Scheme::kTcp:
      return std::nullopt;
  }
  return std::nullopt;
}

Error bad_rule(std::string_view text, std::string_view why) {
  return Error(Errc::kInvalidHost, quoted(text) + " is not a host rule: " + std::string(why));
}

constexpr std::array<std::string_view, 4> kSchemes{"https", "http", "tcp", "ssh"};

// Splits off "scheme://". `named` tells whether there was one.
Result<Scheme> take_scheme(std::string_view& rest, std::string_view whole,
                           std::optional<Scheme>& named) {
  const std::size_t mark = rest.find("://");
  if (mark == std::string_view::npos) return Scheme::kHttps;
  const std::string_view word = rest.substr(0, mark);
  rest.remove_prefix(mark + 3);
  const auto found = std::find(kSchemes.begin(), kSchemes.end(), word);
  if (found == kSchemes.end()) {
    return bad_rule(whole, "unknown scheme " + quoted(word) + did_you_mean(word, kSchemes))
        .hint("schemes are https, http, tcp and ssh");
  }
  named = static_cast<Scheme>(found - kSchemes.begin());
  return *named;
}

}  // namespace

Result<Port> Port::parse(std::string_view text) {
  const auto refuse = [&] {
    return Error(Errc::kInvalidHost, quoted(text) + " is not a port: a number from 1 to 65535 is");
  };
  if (text.empty() || text.size() > 5 || text.front() == '0') return refuse();
  if (!std::all_of(text.begin(), text.end(), is_digit)) return refuse();
  unsigned value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  if (value > 65535) return refuse();
  return Port(static_cast<std::uint16_t>(value));
}

Result<Host> Host::parse(std::string_view text) {
  // A long input is not worth converting: U-labels never get shorter by more than four times.
  if (text.size() > 4 * kMaxNameBytes) return bad_host(text, "it is too long");
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(), lower);
  const bool ascii = std::all_of(name.begin(), name.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 128; });
  if (!ascii) {
    if (name.find('\0') != std::string::npos) return bad_host(text, "it contains a NUL byte");
    auto converted = to_ascii_name(name);
    if (!converted) return std::move(converted).error();
    name = *std::move(converted);
  } else if (canonical_address(std::string(text))) {
    if (is_address_of_mapped_form(name)) {
      return bad_host(text, "write an IPv4-mapped address as the IPv4 address");
    }
    return Host(std::move(name), true);
  }
  if (name.ends_with('.')) name.pop_back();
  if (name.find(':') != std::string::npos) {
    return bad_host(text, "an IPv6 address is written in its shortest lower-case form");
  }
  if (const auto problem = name_problem(name); !problem.empty()) return bad_host(text, problem);
  if (ends_in_a_number(name)) {
    return bad_host(text, "an IPv4 address is written as four decimal numbers");
  }
  return Host(std::move(name), false);
}

Result<HostPattern> HostPattern::parse(std::string_view text) {
  const bool wildcard = text.starts_with("*.");
  auto host = Host::parse(wildcard ? text.substr(2) : text);
  if (text.find('*', wildcard ? 1 : 0) != std::string_view::npos) {
    return bad_host(text, "'*' stands only as the whole first label, as in *.example.com");
  }
  if (!host) return std::move(host).error();
  if (wildcard && host->is_address()) return bad_host(text, "an address has no names below it");
  if (wildcard && host->text().find('.') == std::string::npos) {
    return bad_host(text, "a wildcard over a whole top-level domain is too wide");
  }
  return HostPattern(*std::move(host), wildcard);
}

bool HostPattern::matches(const Host& host) const {
  if (!wildcard_) return host == host_;
  const std::string& name = host.text();
  return !host.is_address() && name.size() > host_.text().size() + 1 &&
         name.ends_with(host_.text()) && name[name.size() - host_.text().size() - 1] == '.';
}

bool HostPattern::covers(const HostPattern& other) const {
  if (!other.wildcard_) return matches(other.host_);
  return wildcard_ && (other.host_ == host_ || matches(other.host_));
}

std::string HostPattern::text() const { return wildcard_ ? "*." + host_.text() : host_.text(); }

std::string_view scheme_name(Scheme scheme) noexcept {
  return kSchemes[static_cast<std::size_t>(scheme)];
}

Result<HostRule> HostRule::parse(std::string_view text, List list) {
  std::string_view rest = text;
  std::optional<Scheme> named;
  auto scheme = take_scheme(rest, text, named);
  if (!scheme) return std::move(scheme).error();
  if (rest.find('/') != std::string_view::npos) {
    return bad_rule(text, "it contains a path")
        .hint("write {host: HOST, paths: [\"/path/**\"]} in a profile");
  }
  std::string_view name = rest;
  std::string_view port_text;
  if (rest.starts_with('[')) {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos) return bad_rule(text, "the ']' is missing");
    name = rest.substr(1, close - 1);
    if (name.find(':') == std::string_view::npos) {
      return bad_rule(text, "only an IPv6 address stands in brackets");
    }
    rest.remove_prefix(close + 1);
    if (!rest.empty() && rest.front() != ':') return bad_rule(text, "junk behind the ']'");
    port_text = rest;
  } else if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos) {
    if (rest.find(':', colon + 1) != std::string_view::npos) {
      return bad_rule(text, "an IPv6 address stands in brackets, as in [::1]:443");
    }
    name = rest.substr(0, colon);
    port_text = rest.substr(colon);
  }
  auto pattern = HostPattern::parse(name);
  if (!pattern) return std::move(pattern).error().during("rule " + quoted(text));
  HostRule rule{*std::move(pattern), *scheme, 0, false, false, false, {}, {}, {},
                std::string(text)};
  if (!port_text.empty()) {
    auto port = Port::parse(port_text.substr(1));
    if (!port) return std::move(port).error().during("rule " + quoted(text));
    rule.port = port->number();
  } else if (const auto usual = default_port(*scheme)) {
    rule.port = *usual;
  } else {
    return bad_rule(text, "tcp:// needs a port").hint("write " + std::string(text) + ":PORT");
  }
  if (list != List::kAllow) {
    rule.any_scheme = !named;
    rule.any_port = !named && port_text.empty();
  }
  return rule;
}

bool HostRule::covers(const HostRule& other) const {
  const auto includes = [](const std::vector<std::string>& wide,
                           const std::vector<std::string>& narrow) {
    return std::all_of(narrow.begin(), narrow.end(), [&](const std::string& item) {
      return std::find(wide.begin(), wide.end(), item) != wide.end();
    });
  };
  const auto restricts_no_more = [&](const std::vector<std::string>& mine,
                                     const std::vector<std::string>& theirs) {
    return mine.empty() || (!theirs.empty() && includes(mine, theirs));
  };
  if (!pattern.covers(other.pattern)) return false;
  if (!any_scheme && (other.any_scheme || other.scheme != scheme)) return false;
  if (!any_port && (other.any_port || other.port != port)) return false;
  if (!restricts_no_more(methods, other.methods) || !restricts_no_more(paths, other.paths))
    return false;
  return splice == other.splice && includes(private_ranges, other.private_ranges);
}

}  // namespace redoubtful
