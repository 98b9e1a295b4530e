#pragma once

// The addresses that names get inside a box: the proxy hands them out, the command line makes them
// local on the box's loopback interface. Neither range is routed anywhere.

#include <cstdint>
#include <string_view>

namespace redoubtful {

// RFC 2544's benchmarking range, and a unique local prefix (RFC 4193).
inline constexpr std::string_view kSyntheticRange4 = "198.18.0.0/15";
inline constexpr std::string_view kSyntheticRange6 = "fd72:6564:6f75:6274::/64";

struct SyntheticPrefix {
  const char* address;
  std::uint8_t length;
  const char* first;  // of the name that is always there, redoubtful.internal
};
// The same, taken apart.
inline constexpr SyntheticPrefix kSyntheticPrefix4{"198.18.0.0", 15, "198.18.0.1"};
inline constexpr SyntheticPrefix kSyntheticPrefix6{"fd72:6564:6f75:6274::", 64,
                                                   "fd72:6564:6f75:6274::1"};

// Where clients that want a proxy find it, on 127.0.0.1 inside.
inline constexpr std::uint16_t kExplicitProxyPort = 3128;

}  // namespace redoubtful
