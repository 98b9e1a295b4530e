#pragma once

// `expose: {file: ...}`: the user's own login file, as the box gets it. [trusted core]
//
// The host's file is read, each of this session's secrets in it becomes its surrogate, and whatever
// else could be a secret is left out. Nothing is ever written back. Where the host has no such
// file, it is made up for the formats whose shape is plain (.netrc, .npmrc, gh's hosts.yml,
// docker's config.json, and a file of one value).
//
// What could be a secret is a guess, on the safe side (common/secret_look.hpp).

#include <string>
#include <vector>

#include "common/error.hpp"
#include "proxy/injector.hpp"

namespace redoubtful::proxy {

enum class LoginFormat { kLines, kNetrc, kYaml, kJson, kPlain };
LoginFormat format_of(const std::string& path);

// A live credential whose profile names this file.
struct Exposed {
  const LiveCredential* credential = nullptr;
  std::string pointer;  // its source is this very file, at this JSON pointer; else empty
};

// The text for the box. `host`: the file's content, or null where there is none. Errors:
// kInvalidSecret where the file cannot be read as its format, or holds a credential that it is to
// show in no place.
Result<std::string> exposed_text(const std::string& path, const std::string* host,
                                 const std::vector<Exposed>& shown_in_it);

}  // namespace redoubtful::proxy
