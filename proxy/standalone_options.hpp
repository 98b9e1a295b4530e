#pragma once

// The command line of a standalone proxy, parsed. Nothing is opened here.

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::proxy {

struct StandaloneOptions {
  using Endpoint = boost::asio::ip::tcp::endpoint;

  std::string config;                       // a file, or "-" for standard input
  std::optional<Endpoint> listen;           // absent: `--listen none`
  std::optional<Endpoint> redirected_tls;   // what was for port 443
  std::optional<Endpoint> redirected_http;  // what was for port 80
  std::string token_file;                   // read, or made 0600; empty: a fresh token is printed
  std::string ca_certificate;               // where the CA certificate is written; empty: nowhere
  std::string environment_file;             // where NAME=VALUE lines are written; empty: printed
  std::string audit;                        // appended to; "-": standard output; empty: no log
};

// Errors: kUsage, naming the word.
Result<StandaloneOptions> parse_standalone(const std::vector<std::string_view>& arguments);

std::string_view standalone_help();

}  // namespace redoubtful::proxy
