#pragma once

// One canonical request target: what is judged is what is sent. [trusted core]
//
// Percent-encodings of unreserved characters are decoded, other hex digits made upper case, dot
// segments removed (RFC 3986, sections 6.2.2 and 5.2.4). What servers read in different ways has no
// canonical form: control bytes, raw non-ASCII, '#', malformed '%', "%00", a backslash, encoded or
// not. And where a rule judges paths also "//", "%2F" and "%2E" segments.
//
// The query is checked for bytes that must not be there, else it stays as it came.

#include <string>
#include <string_view>

#include "common/error.hpp"

namespace redoubtful::proxy {

struct Target {
  std::string path;   // begins with '/', or is "*"
  std::string query;  // with its '?', or empty
  std::string text() const { return path + query; }
  bool ambiguous = false;  // has "//" or "%2F": no path rule may be applied to it
};

// Errors: kPeerProtocol, saying what is wrong with it.
Result<Target> canonical_target(std::string_view raw);

}  // namespace redoubtful::proxy
