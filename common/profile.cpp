#include "common/profile.hpp"

namespace redoubtful {

std::string Origin::text() const {
  std::string out = file;
  if (line > 0) {
    out += ':';
    out += std::to_string(line);
    if (column > 0) {
      out += ':';
      out += std::to_string(column);
    }
  }
  if (!option.empty()) out += " (" + option + ")";
  return out;
}

std::string_view surface_word(SurfaceKind kind) noexcept {
  switch (kind) {
    case SurfaceKind::kHeader:
      return "header";
    case SurfaceKind::kNamedHeader:
      return "named-header";
    case SurfaceKind::kQuery:
      return "query";
    case SurfaceKind::kCookie:
      return "cookie";
    case SurfaceKind::kBody:
      return "body";
    case SurfaceKind::kWebSocket:
      return "websocket";
  }
  return "";
}

std::string_view type_name(CredentialType type) noexcept {
  switch (type) {
    case CredentialType::kValue:
      return "value";
    case CredentialType::kAws:
      return "aws";
    case CredentialType::kOauth:
      return "oauth";
  }
  return "";
}

std::string Surface::text() const {
  std::string out(kind == SurfaceKind::kNamedHeader ? "header" : surface_word(kind));
  if (!name.empty()) out += ":" + name;
  if (!method.empty()) out += " " + method;
  if (!path.empty()) out += " " + path;
  return out;
}

}  // namespace redoubtful
