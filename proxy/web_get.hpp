#pragma once

// One GET of a server that a source of credentials names: Vault, AWS's SSO.
//
// The server is verified as every origin is, with the system's roots and those given. Plain HTTP is
// taken from loopback alone. Redirects are not followed, for the token in the fields would follow.
//
// Outside of confinement only: it blocks, for 10 s at most, and asks the system's resolver.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/profile.hpp"
#include "proxy/authority.hpp"
#include "proxy/message.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy {

struct WebServer {
  Authority authority;
  std::string prefix;  // of the path, without a slash at its end
  bool tls = true;
};
// "https://vault.corp:8200/v", and "http://127.0.0.1:8200". Errors: kInvalidProfile.
Result<WebServer> parse_web_server(std::string_view url);

struct WebAnswer {
  unsigned status = 0;
  std::string body;  // the caller erases it where it holds a secret
};

// Sends a whole request, and reads until its answer is whole or the connection ends, for `patience`
// at most. The answer, head and all, or what went wrong. `request` must outlive it; the caller
// erases both.
struct RawAnswer {
  std::string text;
  std::string error;
};
Awaitable<RawAnswer> web_exchange(Stream& stream, const std::string& request,
                                  std::chrono::seconds patience);
// Erases `answer`. Errors: kInvalidProfile.
Result<WebAnswer> parse_web_answer(std::string& answer);

// `target`: path and query, prefix and all. `fields` are erased from the request that is made of
// them, not from the caller's. `roots`: PEM files beside the system's, with who named them. Errors:
// kInvalidProfile when it cannot be reached, verified or read, with its name; kTls for `roots`.
Result<WebAnswer> web_get(const WebServer& server, std::string_view target, const Fields& fields,
                          std::vector<Sourced<std::string>> roots);

}  // namespace redoubtful::proxy
