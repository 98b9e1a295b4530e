#include "cli/box_sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/box_namespace.hpp"
#include "cli/passed_descriptors.hpp"
#include "common/synthetic_ranges.hpp"

namespace redoubtful::cli {
namespace {

using control::SocketPurpose;

constexpr std::size_t kWildcardSpares = 64;
// control::kMaxDescriptors less the sockets that every box has, halved.
constexpr std::size_t kMostSpares = (control::kMaxDescriptors - 10) / 2;
constexpr std::uint16_t kSshPort = 22;
constexpr int kBacklog = 4096;  // a burst of connections while the proxy still starts

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

Address address_of(int family, const char* text, std::uint16_t port) {
  Address out;
  if (family == AF_INET) {
    auto* in = reinterpret_cast<sockaddr_in*>(&out.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    ::inet_pton(AF_INET, text, &in->sin_addr);
    out.length = sizeof(sockaddr_in);
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&out.storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    ::inet_pton(AF_INET6, text, &in->sin6_addr);
    out.length = sizeof(sockaddr_in6);
  }
  return out;
}

Result<UniqueFd> make_socket(int family, int type) {
  UniqueFd fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Error::system_call("cannot make a socket for the box", errno);
  const int on = 1;
  if (family == AF_INET6 &&
      ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
    return Error::system_call("cannot keep a socket to IPv6", errno);
  }
  return fd;
}

Result<UniqueFd> bound_socket(int family, int type, const char* address, std::uint16_t port) {
  auto fd = make_socket(family, type);
  if (!fd) return fd;
  const Address place = address_of(family, address, port);
  const std::string what = " on port " + std::to_string(port) + " of the box";
  if (::bind(fd->get(), reinterpret_cast<const sockaddr*>(&place.storage), place.length) != 0) {
    return Error::system_call("cannot bind" + what, errno);
  }
  if (type == SOCK_STREAM && ::listen(fd->get(), kBacklog) != 0) {
    return Error::system_call("cannot listen" + what, errno);
  }
  return fd;
}

class Opening {
 public:
  Result<void> open(const WaysIn& wanted) {
    constexpr int kStream = SOCK_STREAM;
    if (auto done = add_route(kSyntheticPrefix4); !done) return done;
    for (const auto& [purpose, type, address, port] :
         {std::tuple{SocketPurpose::kDnsUdp, static_cast<int>(SOCK_DGRAM), "127.0.0.1", 53},
          std::tuple{SocketPurpose::kDnsTcp, kStream, "127.0.0.1", 53},
          std::tuple{SocketPurpose::kPlainHttp, kStream, "0.0.0.0", 80},
          std::tuple{SocketPurpose::kTls, kStream, "0.0.0.0", 443},
          std::tuple{SocketPurpose::kExplicit, kStream, "127.0.0.1", int{kExplicitProxyPort}}}) {
      auto done =
          add(purpose, bound_socket(AF_INET, type, address, static_cast<std::uint16_t>(port)));
      if (!done) return done;
    }
    if (wanted.ssh) {
      auto done = add(SocketPurpose::kSsh, bound_socket(AF_INET, kStream, "0.0.0.0", kSshPort));
      if (!done) return done;
    }
    if (auto done = add_spares(SocketPurpose::kSpare4, AF_INET, wanted.spares); !done) return done;
    return open_six(wanted);
  }

  Result<void> send(int channel) const {
    std::string purposes;
    std::vector<int> descriptors;
    for (const auto& [purpose, fd] : sockets_) {
      purposes += static_cast<char>(purpose);
      descriptors.push_back(fd.get());
    }
    if (auto done = pass_descriptors(channel, purposes, descriptors); !done) {
      return std::move(done).error().during("the box's sockets");
    }
    return {};
  }

 private:
  static Result<void> add_route(const SyntheticPrefix& prefix) {
    if (auto added = add_loopback_address(prefix.first); !added) return added;
    return make_range_local(prefix.address, prefix.length);
  }

  Result<void> add(SocketPurpose purpose, Result<UniqueFd> fd) {
    if (!fd) return std::move(fd).error();
    sockets_.emplace_back(purpose, *std::move(fd));
    return {};
  }

  Result<void> add_spares(SocketPurpose purpose, int family, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (auto done = add(purpose, make_socket(family, SOCK_STREAM)); !done) return done;
    }
    return {};
  }

  // A kernel without IPv6, or with it switched off, is no reason not to run: names then have an
  // IPv4 address that works.
  Result<void> open_six(const WaysIn& wanted) {
    auto plain = bound_socket(AF_INET6, SOCK_STREAM, "::", 80);
    if (!plain || !add_route(kSyntheticPrefix6)) return {};
    if (auto done = add(SocketPurpose::kPlainHttp, std::move(plain)); !done) return done;
    auto done = add(SocketPurpose::kTls, bound_socket(AF_INET6, SOCK_STREAM, "::", 443));
    if (!done) return done;
    if (wanted.ssh) {
      done = add(SocketPurpose::kSsh, bound_socket(AF_INET6, SOCK_STREAM, "::", kSshPort));
      if (!done) return done;
    }
    return add_spares(SocketPurpose::kSpare6, AF_INET6, wanted.spares);
  }

  std::vector<std::pair<SocketPurpose, UniqueFd>> sockets_;
};

bool takes_ssh_port(const NetworkProfile& network) {
  const auto is_ssh = [](const PortForward& port) {
    return port.transport == Transport::kTcp && port.inside == kSshPort;
  };
  return std::none_of(network.forward.begin(), network.forward.end(), is_ssh) &&
         std::none_of(network.publish.begin(), network.publish.end(), is_ssh);
}

// Names with a port that is not taken on every address, each port counted.
std::size_t wanted_spares(const NetworkProfile& network) {
  const bool ssh = takes_ssh_port(network);
  std::set<std::pair<std::string, std::uint16_t>> names;
  std::size_t wildcards = 0;
  for (const auto& [rule, origin] : network.allow) {
    if (rule.port == 80 || rule.port == 443 || (ssh && rule.port == kSshPort)) continue;
    if (rule.pattern.wildcard()) {
      wildcards = kWildcardSpares;
    } else {
      names.emplace(rule.pattern.text(), rule.port);
    }
  }
  return names.size() + wildcards;
}

}  // namespace

bool needs_proxy(NetworkMode mode) noexcept {
  return mode == NetworkMode::kFiltered || mode == NetworkMode::kDiscover;
}

bool needs_proxy(const NetworkProfile& network) noexcept { return needs_proxy(network.mode.value); }

std::size_t spare_sockets(const NetworkProfile& network) {
  return std::min(wanted_spares(network), kMostSpares);
}

WaysIn ways_in(const NetworkProfile& network) {
  return {spare_sockets(network), takes_ssh_port(network)};
}

std::string spares_note(const NetworkProfile& network) {
  const std::size_t wanted = wanted_spares(network);
  if (wanted <= kMostSpares) return {};
  return fmt::format(
      "{} names have a port of their own, and {} can be connected to directly in one run: for the "
      "rest, clients have to use the proxy variables",
      wanted, kMostSpares);
}

std::string discover_note(const NetworkProfile& network) {
  if (network.mode.value != NetworkMode::kDiscover) return {};
  return fmt::format(
      "discover sees TLS and HTTP on ports 80 and 443 of every host{}; on other ports, what uses "
      "the proxy variables or a rule names. What speaks neither needs a tcp:// rule",
      takes_ssh_port(network) ? ", and ssh on 22" : "");
}

Result<void> open_ways_in(const WaysIn& wanted, int channel) {
  // The proxy binds spare sockets to low ports without any capability in here.
  if (auto free = free_low_ports(); !free) return free;
  Opening ways;
  if (auto opened = ways.open(wanted); !opened) return opened;
  return ways.send(channel);
}

Result<control::Listeners> receive_ways_in(int channel) {
  auto taken = take_descriptors(channel);
  if (!taken) return std::move(taken).error().during("the box's sockets");
  auto& [purposes, descriptors] = *taken;
  if (descriptors.size() != purposes.size()) {
    return Error(Errc::kPeerProtocol, "the box's sockets did not arrive whole");
  }
  control::Listeners out;
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    out.sockets.push_back({static_cast<SocketPurpose>(purposes[i]), std::move(descriptors[i])});
  }
  return out;
}

}  // namespace redoubtful::cli
