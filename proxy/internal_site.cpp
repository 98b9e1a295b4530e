#include "proxy/internal_site.hpp"

#include <fmt/format.h>

#include "common/text.hpp"
#include "proxy/authority.hpp"
#include "proxy/denial.hpp"
#include "proxy/rule_text.hpp"

namespace redoubtful::proxy {
namespace {

Refusal text_answer(unsigned status, std::string text) {
  Refusal out;
  out.status = status;
  out.fields = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}};
  out.body = std::move(text);
  return out;
}

void add_rules(std::string& out, std::string_view word,
               const std::vector<Sourced<HostRule>>& rules) {
  for (const auto& [rule, origin] : rules) {
    out += fmt::format("{:<6} {}", word, rule.text);
    std::string separator = "  methods ";
    for (const auto& method : rule.methods) {
      out += separator + method;
      separator = ",";
    }
    separator = "  paths ";
    for (const auto& path : rule.paths) {
      out += separator + shown(path);
      separator = ",";
    }
    const bool tunnel = rule.scheme == Scheme::kTcp || rule.scheme == Scheme::kSsh;
    if (rule.splice || (tunnel && word == "allow")) out += "  (unchecked)";
    out += fmt::format("  # {}\n", place_of(origin));
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What stands behind `name=` in a query, percent-decoded; empty when it is not there.
std::string query_value(std::string_view query, std::string_view name) {
  if (query.starts_with('?')) query.remove_prefix(1);
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    std::string_view item = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (!item.starts_with(name) || item.size() <= name.size() || item[name.size()] != '=') continue;
    item.remove_prefix(name.size() + 1);
    std::string out;
    for (std::size_t i = 0; i < item.size(); ++i) {
      const bool encoded = item[i] == '%' && i + 2 < item.size() && hex_digit(item[i + 1]) >= 0 &&
                           hex_digit(item[i + 2]) >= 0;
      if (encoded) {
        out += static_cast<char>(hex_digit(item[i + 1]) * 16 + hex_digit(item[i + 2]));
        i += 2;
      } else {
        out += item[i];
      }
    }
    return out;
  }
  return {};
}

struct ParsedUrl {
  Scheme scheme = Scheme::kHttps;
  std::string_view authority;
  std::string target;  // empty: none was given
};

ParsedUrl split_url(std::string_view url) {
  ParsedUrl out;
  const std::string_view whole = url;
  for (const Scheme scheme : {Scheme::kHttps, Scheme::kHttp, Scheme::kTcp, Scheme::kSsh}) {
    const std::string prefix = std::string(scheme_name(scheme)) + "://";
    if (url.size() >= prefix.size() && equals_ignoring_case(url.substr(0, prefix.size()), prefix)) {
      out.scheme = scheme;
      url.remove_prefix(prefix.size());
      break;
    }
  }
  // "git@host:path", as git and ssh have it.
  const std::size_t user = url.substr(0, url.find('/')).find('@');
  if (user != std::string_view::npos && (out.scheme == Scheme::kSsh || whole == url)) {
    if (whole == url) url = url.substr(0, url.find(':'));
    out.scheme = Scheme::kSsh;
    url.remove_prefix(user + 1);
  }
  url = url.substr(0, url.find('#'));
  const std::size_t end = std::min(url.find_first_of("/?"), url.size());
  out.authority = url.substr(0, end);
  out.target = url.substr(end);
  if (out.target.starts_with('?')) out.target.insert(0, "/");
  return out;
}

std::string scheme_port(Scheme scheme) {
  if (scheme == Scheme::kHttp) return "80";
  return scheme == Scheme::kSsh ? "22" : "443";
}

}  // namespace

std::string policy_text(const NetworkProfile& network) {
  std::string out =
      "This is a redoubtful box. Its only way to a network is a proxy that checks every request.\n";
  switch (network.mode.value) {
    case NetworkMode::kDiscover:
      out +=
          "Mode discover: every public host is allowed and recorded, but for what is denied.\n\n";
      break;
    case NetworkMode::kNone:
      out += "Mode none: nothing is allowed.\n\n";
      break;
    default:
      out +=
          "What no rule allows is refused; a deny beats an ask, an ask beats an allow.\n"
          "Other ways out (other ports, other resolvers, --noproxy, IPv6) do not exist.\n\n";
  }
  add_rules(out, "allow", network.allow);
  add_rules(out, "ask", network.ask);
  add_rules(out, "deny", network.deny);
  if (network.allow.empty() && network.mode.value == NetworkMode::kFiltered) {
    out += "(no host is allowed)\n";
  }
  out +=
      "\nA person outside can allow a host with `redoubtful allow HOST`; it holds from the next "
      "run\n"
      "on. To ask about one: http://redoubtful.internal/why?url=https://HOST/PATH\n";
  return out;
}

Explanation explain(const Policy& policy, std::string_view url, std::string_view method) {
  const ParsedUrl parts = split_url(url);
  const auto authority = parse_authority(parts.authority, *Port::parse(scheme_port(parts.scheme)));
  if (!authority) return {false, authority.error().what() + "\n"};
  if (parts.scheme == Scheme::kTcp && !authority->port_given) {
    return {false, "tcp:// needs a port, as in tcp://HOST:PORT\n"};
  }
  const bool http = parts.scheme == Scheme::kHttp;
  const bool opaque = parts.scheme == Scheme::kTcp || parts.scheme == Scheme::kSsh;
  const Carried carried = opaque ? Carried::kOpaque : http ? Carried::kHttp : Carried::kTls;
  auto admitted = policy.admit(authority->host, authority->port, carried);
  if (const auto* denial = std::get_if<Denial>(&admitted)) {
    return {false, "refused: " + denial_text(*denial) + "\n"};
  }
  const auto& admission = std::get<Admission>(admitted);
  const auto because = [](const std::string& rule, const std::string& place) {
    return rule.empty() ? std::string(" by the mode alone") : " by " + rule + " (" + place + ")";
  };
  const bool unchecked =
      admission.handling() == Handling::kSplice || admission.handling() == Handling::kTunnel;
  if (unchecked || parts.target.empty()) {
    return {true,
            "allowed" + because(admission.rule(), admission.place()) +
                (unchecked ? "; what goes through is not checked\n" : "\n"),
            admission};
  }
  auto permitted = policy.permit(admission, method, parts.target);
  if (const auto* denial = std::get_if<Denial>(&permitted)) {
    return {false, "refused: " + denial_text(*denial) + "\n"};
  }
  const auto& permit = std::get<RequestPermit>(permitted);
  return {true, "allowed" + because(permit.rule(), permit.place()) + "\n", admission};
}

Refusal internal_answer(const Policy& policy, const RequestHead& head) {
  const std::string_view target = head.target;
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : target.substr(mark);
  if (path == "/" || path == "/policy") return text_answer(200, policy_text(policy.network()));
  if (path == "/why") {
    const std::string url = query_value(query, "url");
    if (url.empty()) return text_answer(400, "ask as /why?url=https://HOST/PATH\n");
    const std::string method = query_value(query, "method");
    return text_answer(200, explain(policy, url, method.empty() ? "GET" : method).text);
  }
  return text_answer(404, "here are /policy and /why?url=https://HOST/PATH\n");
}

}  // namespace redoubtful::proxy
