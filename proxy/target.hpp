#pragma once

// One canonical request target: what is judged is what is sent. [trusted core]
//
// Percent-encodings of unreserved characters are decoded, other hex digits made upper case, what
// may not stand in a path as it is (quotes, braces …) is encoded, dot segments are removed (RFC
// 3986, sections 6.2.2 and 5.2.4). What servers read in different ways has no canonical form:
// control bytes, raw non-ASCII, '#', malformed '%', "%00", a backslash, encoded or not.
//
// Where a rule judges paths, more is ambiguous: "//", "%2F", parameters (";", which some servers
// drop before they look), encoded dot segments, "%25" in front of two hex digits (some decode
// twice). A glob and a path meet in a third form, in which no reserved character is encoded, for
// servers do not tell "/a:b" from "/a%3Ab".
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
  bool ambiguous = false;  // no path rule may be applied to it
};

// Errors: kPeerProtocol, saying what is wrong with it.
Result<Target> canonical_target(std::string_view raw);

// Would some server read a ".." segment in this canonical path: one that decodes "%2F", decodes
// twice, or drops parameters? For paths that are put below a prefix, which they must not leave.
bool may_climb(std::string_view canonical_path);

// The form in which a path is compared: every encoding decoded, but for "%2F" and "%25"; a '*' of
// the path is "%2A", which no glob means by its own '*'. The result is for path_matches() only, and
// may hold any byte.
std::string comparable_path(std::string_view canonical_path);
// The same for a glob of a rule, whose '*' keep their meaning.
std::string comparable_glob(std::string_view glob);

}  // namespace redoubtful::proxy
