#include "proxy/own_connection.hpp"

#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

using Tcp = boost::asio::ip::tcp;

// Client and origin of each connection, and some for name servers, files and Asio itself.
constexpr int kDescriptors = static_cast<int>(2 * limits::kConnections) + 64;
// A socket that was just opened to dial has the lowest number that was free, so that behind such a
// gap there are only old ones.
constexpr int kGap = 64;

// A socket that listens on [::] accepts IPv4 as well, and calls it ::ffff:a.b.c.d.
Tcp::endpoint unmapped(const Tcp::endpoint& end) {
  const auto address = end.address();
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return end;
  return {boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()),
          end.port()};
}

using NameOf = int (*)(int, sockaddr*, socklen_t*);

std::optional<Tcp::endpoint> end_of(int fd, NameOf name_of) {
  Tcp::endpoint end;
  auto size = static_cast<socklen_t>(end.capacity());
  if (name_of(fd, end.data(), &size) != 0 || size > end.capacity()) return std::nullopt;
  const auto family = end.data()->sa_family;
  if (family != AF_INET && family != AF_INET6) return std::nullopt;
  return unmapped(end);
}

}  // namespace

std::optional<Tcp::endpoint> original_destination(Tcp::socket& accepted) {
  Tcp::endpoint end;
  auto size = static_cast<socklen_t>(end.capacity());
  const int fd = accepted.native_handle();
  if (::getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, end.data(), &size) != 0) {
    size = static_cast<socklen_t>(end.capacity());
    if (::getsockopt(fd, SOL_IPV6, IP6T_SO_ORIGINAL_DST, end.data(), &size) != 0) {
      return std::nullopt;
    }
  }
  return unmapped(end);
}

bool is_own_connection(Tcp::socket& accepted) {
  const int fd = accepted.native_handle();
  const auto here = end_of(fd, ::getsockname);
  const auto there = end_of(fd, ::getpeername);
  if (!here || !there) return false;
  const auto before = original_destination(accepted);
  int free = 0;
  for (int other = 0; other < kDescriptors && free < kGap; ++other) {
    errno = 0;
    const auto end = end_of(other, ::getsockname);
    free = errno == EBADF ? free + 1 : 0;
    // The client's end of it has the two addresses the other way round.
    if (end != there) continue;
    const auto dialled = end_of(other, ::getpeername);
    if (dialled && (dialled == here || dialled == before)) return true;
  }
  return false;
}

}  // namespace redoubtful::proxy
