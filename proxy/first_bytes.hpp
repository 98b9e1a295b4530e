#pragma once

// What a client says first, which tells what it speaks.

#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/client_hello.hpp"
#include "proxy/tasks.hpp"

namespace redoubtful::proxy {

struct FirstBytes {
  std::string early;                 // all that was read
  std::optional<ClientHello> hello;  // absent: not TLS
  bool readable = false;             // it said something
  bool left = false;                 // the client itself ended it
};

// Reads as much as it takes, after `early`, or until limits::kFirstBytes are over.
Awaitable<FirstBytes> first_bytes(boost::asio::ip::tcp::socket& socket, std::string early);

// Whether it may be a request: a method begins with a letter. What is none after all is answered
// 400 like any malformed request.
bool looks_like_http(std::string_view early);

}  // namespace redoubtful::proxy
