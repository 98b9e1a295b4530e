#pragma once

// Gives every name an address of its own inside the box, so that the address that was dialled says
// which name was meant. [trusted core]
//
// IPv4 from 198.18.0.0/15 (RFC 2544's benchmarking range, never routed), IPv6 from a unique local
// /64. The same name has the same addresses for the whole session. Nothing here looks anything up.
//
// kOwnName has the first address from the start, and counts for no limit.

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/host.hpp"
#include "common/synthetic_ranges.hpp"

namespace redoubtful::proxy {

// Where the box asks about its own policy; answered by the proxy itself.
inline constexpr std::string_view kOwnName = "redoubtful.internal";

struct SyntheticAddresses {
  boost::asio::ip::address_v4 v4;  // never one that ends in .0 or .255
  boost::asio::ip::address_v6 v6;
  bool fresh = false;  // the name was not known before
};

class SyntheticNames {
 public:
  // `now` is asked for the rate; tests pass their own.
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  explicit SyntheticNames(Clock now);

  // The addresses of a name. Nothing: an address literal, or there are too many names, or too many
  // new ones this minute (limits::kSyntheticNames, kNamesPerMinute). A known name always has its
  // addresses.
  std::optional<SyntheticAddresses> addresses(const Host& name);

  // The name that an address was given to; nothing for any other address. IPv4-mapped addresses, as
  // a socket for both families tells them, are unwrapped.
  std::optional<Host> name(const boost::asio::ip::address& address) const;

  // How often a limit was met.
  std::size_t refused() const noexcept { return refused_; }

 private:
  std::uint32_t add(const Host& name);

  Clock now_;
  std::unordered_map<std::string, std::uint32_t> indices_;
  std::vector<Host> names_;
  std::chrono::steady_clock::time_point window_;
  std::size_t in_window_ = 0;
  std::size_t refused_ = 0;
};

}  // namespace redoubtful::proxy
