#pragma once

// redoubtful-proxy by itself, beside a container that is not ours.
//
// `--config FILE` is JSON as `redoubtful show --json` prints it; env: sources are read from this
// process's own environment. It listens where it is told to, on loopback unless it is told
// otherwise, and its explicit port wants a token, for others can reach it. Where a container's
// network redirects ports 443 and 80, they can be accepted as well: TLS by its SNI, requests by
// their Host.
//
// Not here: synthetic DNS and addresses, which need a network namespace of the container's own.

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::proxy {

struct StandaloneOptions {
  std::string config;  // a file, or "-" for standard input
  std::string listen = "127.0.0.1:3128";
  std::string redirected_tls;    // ADDRESS:PORT, or empty
  std::string redirected_http;   // ADDRESS:PORT, or empty
  std::string token_file;        // read, or made 0600; empty: a fresh token is printed
  std::string ca_certificate;    // where the session's CA certificate is written; empty: nowhere
  std::string environment_file;  // where NAME=SURROGATE lines are written, 0600; empty: printed
  std::string audit;             // appended to; empty: no log
};

// Errors: kUsage, naming the word.
Result<StandaloneOptions> parse_standalone(const std::vector<std::string_view>& arguments);

std::string_view standalone_help();

// Until SIGTERM or SIGINT. Errors: what kept it from starting.
Result<void> run_standalone(const StandaloneOptions& options);

}  // namespace redoubtful::proxy
