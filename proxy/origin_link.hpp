#pragma once

// From an admission to a stream that requests can be sent on: dial, and TLS where it is called for.

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "proxy/checkpoint.hpp"
#include "proxy/http1.hpp"
#include "proxy/services.hpp"

namespace redoubtful::proxy {

// TLS for kIntercept (offering `protocols` by ALPN), plain TCP else.
Awaitable<std::variant<std::unique_ptr<Stream>, Denial, DialFailure>> connect_origin(
    Services& services, Admission admission, std::vector<std::string> protocols);

// For HTTP/1 connections: gives the stream it was made with, and connects again when that was
// closed meanwhile. On the explicit port each exchange says where it goes; one stream is kept.
class LinkedOrigins final : public OriginSource {
 public:
  LinkedOrigins(Services& services, Way way) : services_(services), way_(way) {}
  // `connected` null: the pool has one, which is taken if the first request is one that can be
  // repeated. `pool_key`: where the stream goes in the end.
  LinkedOrigins(Services& services, Way way, const Admission& admission,
                std::unique_ptr<Stream> connected, std::string pool_key);

  Awaitable<std::variant<Stream*, Refusal>> stream_for(Exchange& exchange) override;
  void discard() noexcept override;
  bool reused() const noexcept override { return reused_; }
  void bind() noexcept override { pool_key_.clear(); }

  // The client has ended after its last answer: what is left is the next one's.
  void give_back();

 private:
  Services& services_;
  Way way_;
  std::unique_ptr<Stream> stream_;
  std::string connected_to_;  // host:port
  std::string pool_key_;      // empty: no stream goes to the pool
  bool from_pool_ = false;    // the next stream may come from there
  bool reused_ = false;
};

}  // namespace redoubtful::proxy
