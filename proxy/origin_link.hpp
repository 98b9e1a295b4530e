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
  LinkedOrigins(Services& services, Way way, const Admission& admission,
                std::unique_ptr<Stream> connected);

  Awaitable<std::variant<Stream*, Refusal>> stream_for(Exchange& exchange) override;
  void discard() noexcept override;

 private:
  Services& services_;
  Way way_;
  std::unique_ptr<Stream> stream_;
  std::string connected_to_;  // host:port
};

}  // namespace redoubtful::proxy
