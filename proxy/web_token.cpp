#include "proxy/web_token.hpp"

#include <string.h>

#include "proxy/base64.hpp"
#include "proxy/json_reader.hpp"

namespace redoubtful::proxy {

std::optional<boost::json::value> web_token_part(std::string_view part) {
  auto bytes = from_base64(part, Base64::kUrl);
  if (!bytes) return std::nullopt;
  auto document = parse_json(*bytes, erasing_storage());
  ::explicit_bzero(bytes->data(), bytes->size());
  if (!document || !document->is_object()) return std::nullopt;
  return std::move(*document);
}

std::optional<boost::json::value> web_token_claims(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first + 1);
  const bool three =
      second != std::string_view::npos && token.find('.', second + 1) == std::string_view::npos;
  if (!three || !web_token_part(token.substr(0, first))) return std::nullopt;
  return web_token_part(token.substr(first + 1, second - first - 1));
}

}  // namespace redoubtful::proxy
