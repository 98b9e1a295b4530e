#include "proxy/authority.hpp"

#include <string>

#include "common/text.hpp"

namespace redoubtful::proxy {

Result<Authority> parse_authority(std::string_view text, Port default_port) {
  const auto refused = [&] {
    return Error(Errc::kInvalidHost, quoted(text, 80) + " is not host or host:port");
  };
  std::string_view host = text;
  std::string_view port;
  bool bracketed = false;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return refused();
    host = text.substr(1, end - 1);
    bracketed = true;
    std::string_view rest = text.substr(end + 1);
    if (!rest.empty()) {
      if (rest[0] != ':') return refused();
      port = rest.substr(1);
      if (port.empty()) return refused();
    }
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return refused();
  }
  auto parsed = Host::parse(host);
  if (!parsed) return std::move(parsed).error();
  // Brackets are for IPv6 addresses alone, and those always have them.
  const bool v6 = parsed->is_address() && parsed->text().find(':') != std::string::npos;
  if (v6 != bracketed) return refused();
  if (port.empty()) return Authority{*parsed, default_port};
  auto number = Port::parse(port);
  if (!number) return std::move(number).error();
  return Authority{*parsed, *number, true};
}

std::string authority_text(const Host& host, Port port, Port default_port) {
  return authority_text(Authority{host, port, port != default_port});
}

std::string authority_text(const Authority& authority) {
  const std::string& host = authority.host.text();
  std::string out = host.find(':') != std::string::npos ? "[" + host + "]" : host;
  if (authority.port_given) out += ":" + std::to_string(authority.port.number());
  return out;
}

Port https_port() { return *Port::parse("443"); }
Port http_port() { return *Port::parse("80"); }

}  // namespace redoubtful::proxy
