#include "proxy/public_address.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace redoubtful::proxy {
namespace {

namespace ip = boost::asio::ip;

constexpr std::array<std::string_view, 17> kSpecialIpv4{
    "0.0.0.0/8",         // this network
    "10.0.0.0/8",        // RFC 1918
    "100.64.0.0/10",     // carrier-grade NAT; Alibaba's metadata
    "127.0.0.0/8",       // loopback
    "168.63.129.16/32",  // Azure's host services: public in form only
    "169.254.0.0/16",    // link-local; metadata of most clouds
    "172.16.0.0/12",     // RFC 1918
    "192.0.0.0/24",      // IETF protocol assignments; Oracle's metadata
    "192.0.2.0/24",      // documentation
    "192.88.99.0/24",    // 6to4 relays
    "192.168.0.0/16",    // RFC 1918
    "198.18.0.0/15",     // benchmarking
    "198.51.100.0/24",   // documentation
    "203.0.113.0/24",    // documentation
    "224.0.0.0/4",       // multicast
    "240.0.0.0/4",       // reserved
    "255.255.255.255/32",
};

constexpr std::string_view kGlobalIpv6 = "2000::/3";
constexpr std::array<std::string_view, 4> kSpecialIpv6{
    "2001::/23",      // IETF protocol assignments: Teredo, ORCHID …
    "2001:db8::/32",  // documentation
    "2002::/16",      // 6to4
    "3fff::/20",      // documentation
};
constexpr std::string_view kNat64 = "64:ff9b::/96";

bool same_prefix(std::span<const unsigned char> a, std::span<const unsigned char> b,
                 unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) {
    return false;
  }
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const unsigned mask = (0xFFU << (8 - rest)) & 0xFFU;
  return (a[whole] & mask) == (b[whole] & mask);
}

ip::address unmapped(const ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return ip::make_address_v4(ip::v4_mapped, address.to_v6());
}

template <class Ranges>
bool in_any(const Ranges& ranges, const ip::address& address) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](std::string_view range) { return in_range(range, address); });
}

}  // namespace

bool in_range(std::string_view cidr, const ip::address& address) {
  const std::size_t slash = cidr.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view digits = cidr.substr(slash + 1);
  if (digits.empty() || digits.size() > 3) return false;
  unsigned bits = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    bits = bits * 10 + static_cast<unsigned>(c - '0');
  }
  boost::system::error_code failed;
  const auto base = ip::make_address(std::string(cidr.substr(0, slash)), failed);
  if (failed) return false;
  const auto judged = unmapped(address);
  if (base.is_v4() != judged.is_v4()) return false;
  if (base.is_v4()) {
    return bits <= 32 && same_prefix(base.to_v4().to_bytes(), judged.to_v4().to_bytes(), bits);
  }
  return bits <= 128 && same_prefix(base.to_v6().to_bytes(), judged.to_v6().to_bytes(), bits);
}

ip::address routed_as(const ip::address& address) {
  if (address.is_v6() && in_range(kNat64, address)) {
    const auto bytes = address.to_v6().to_bytes();
    return ip::address_v4({bytes[12], bytes[13], bytes[14], bytes[15]});
  }
  return unmapped(address);
}

bool is_public_address(const ip::address& address) {
  if (address.is_v4()) return !in_any(kSpecialIpv4, address);
  const auto six = address.to_v6();
  if (six.is_v4_mapped() || six.scope_id() != 0) return false;
  if (in_range(kNat64, address)) return is_public_address(routed_as(address));
  return in_range(kGlobalIpv6, address) && !in_any(kSpecialIpv6, address);
}

std::optional<LiteralEndpoint> parse_literal_endpoint(std::string_view text) {
  if (text.find_first_not_of("0123456789abcdefABCDEF.:[]") != std::string_view::npos) {
    return std::nullopt;  // zones, NUL
  }
  std::string_view address = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    address = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (address.find(':') == std::string_view::npos) return std::nullopt;
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos &&
             text.find(':', colon + 1) == std::string_view::npos) {
    address = text.substr(0, colon);
    port = text.substr(colon);
  }
  LiteralEndpoint out;
  if (!port.empty()) {
    if (port.front() != ':') return std::nullopt;
    auto number = Port::parse(port.substr(1));
    if (!number) return std::nullopt;
    out.port = *number;
  }
  boost::system::error_code failed;
  out.address = ip::make_address(std::string(address), failed);
  if (failed) return std::nullopt;
  return out;
}

}  // namespace redoubtful::proxy
