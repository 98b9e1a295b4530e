#pragma once

// Connections to origins that nobody uses for the moment, kept for the next client that asks the
// same host: who opens a connection for each request (a script with curl) pays for TCP and TLS
// outside but once, which is half of what a connection costs.
//
// HTTP/1.1 over verified TLS alone, and in step: the last answer was whole and nothing is left to
// be read. What a client is told of the origin, its ALPN, is what the one before was told who
// offered the same; so that is part of the key. Kept for less time than servers keep an idle
// connection.
//
// Whoever takes one must be able to ask once more: the origin may be closing it at the same moment.
// Moved only before its first use.

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/policy.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy {

class OriginPool {
 public:
  OriginPool() = default;
  OriginPool(OriginPool&&) = default;
  OriginPool& operator=(OriginPool&&) = default;

  // `offered`: by the client, of what is spoken here, in its order.
  static std::string key_of(const Admission& admission, const std::vector<std::string>& offered);

  // Beyond limits::kPooledOrigins the oldest goes. Null is nothing.
  void keep(const std::string& key, std::unique_ptr<Stream> stream);

  // The newest that is still in step; null: there is none.
  std::unique_ptr<Stream> take(const std::string& key);

  // What it would speak, if there is one: "http/1.1", or nothing for an origin without ALPN.
  std::optional<std::string> protocol(const std::string& key);

 private:
  struct Idle {
    std::string key;
    std::unique_ptr<Stream> stream;
    std::chrono::steady_clock::time_point until;
  };
  using Place = std::list<Idle>::iterator;

  std::optional<Place> find(const std::string& key);
  void arm();

  std::list<Idle> idle_;  // the newest first
  std::unique_ptr<boost::asio::steady_timer> timer_;
  bool armed_ = false;
};

}  // namespace redoubtful::proxy
