#include "cli/terminal_style.hpp"

#include <strings.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace redoubtful::cli {

Colour colour_wanted() {
  const char* refused = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0') ? Colour::kAlways
                                                                                  : Colour::kNever;
}

Signs signs_wanted() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view text = value;
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) return Signs::kPlain;
    const char* encoding = value + dot + 1;
    return ::strncasecmp(encoding, "utf-8", 5) == 0 || ::strncasecmp(encoding, "utf8", 4) == 0
               ? Signs::kUnicode
               : Signs::kPlain;
  }
  return Signs::kPlain;
}

}  // namespace redoubtful::cli
