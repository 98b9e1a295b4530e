#pragma once

// What tests of the filtered network share: a profile with an origin on the loopback, and a client
// that needs nothing inside but bash.

#include <string>

#include "tests/support/box.hpp"
#include "tests/support/loopback.hpp"

namespace redoubtful::test {

// Allows http://web.example, which is that origin, and nothing else. Returns the profile's path.
inline std::string web_profile(const World& world, const WebOrigin& origin) {
  return world.write(world.top() / "web.yaml",
                     "network:\n  allow: [\"http://web.example\"]\n"
                     "  origins: {web.example: {address: \"" +
                         origin.address() + "\"}}\n");
}

// `fetch HOST PORT [NAME]` prints what a web server at HOST:PORT answers to a GET for NAME, on one
// line, or nothing.
inline const std::string kFetch =
    "fetch() { (exec 3<>/dev/tcp/$1/$2 && printf 'GET /x HTTP/1.1\\r\\nHost: %s\\r\\n"
    "Connection: close\\r\\n\\r\\n' \"${3:-$1}\" >&3 && timeout 5 head -c 4000 <&3 | tr -d '\\r' |"
    " tr '\\n' ' ') 2>/dev/null; echo; }\n";

inline BoxRun bash(const std::string& script, std::vector<std::string> options = {}) {
  return {.options = std::move(options), .command = {"/bin/bash", "-c", kFetch + script}};
}

// As the kernel cuts it.
inline constexpr const char* kProxyName = "redoubtful-prox";

}  // namespace redoubtful::test
