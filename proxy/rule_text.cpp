#include "proxy/rule_text.hpp"

#include "common/text.hpp"

namespace redoubtful::proxy {
namespace {

std::string bracketed(const Host& host) {
  const bool six = host.text().find(':') != std::string::npos;
  return six ? "[" + host.text() + "]" : host.text();
}

std::uint16_t usual_port(Scheme scheme) {
  switch (scheme) {
    case Scheme::kHttps:
      return 443;
    case Scheme::kHttp:
      return 80;
    case Scheme::kSsh:
      return 22;
    case Scheme::kTcp:
      return 0;
  }
  return 0;
}

}  // namespace

std::string authority_of(const Host& host, Port port, Scheme scheme) {
  const bool usual = port.number() == usual_port(scheme);
  return bracketed(host) + (usual ? "" : ":" + std::to_string(port.number()));
}

std::string rule_for(const Host& host, Port port, Scheme scheme) {
  const std::string prefix =
      scheme == Scheme::kHttps ? std::string() : std::string(scheme_name(scheme)) + "://";
  return prefix + authority_of(host, port, scheme);
}

std::string place_of(const Origin& origin) {
  Origin without_column{shown(origin.file), origin.line, 0, {}};
  if (!origin.option.empty()) without_column.option = shown(origin.option);
  return without_column.text();
}

}  // namespace redoubtful::proxy
