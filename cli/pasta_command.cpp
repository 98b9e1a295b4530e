#include "cli/pasta_command.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <map>

#include "cli/box_sockets.hpp"
#include "cli/captured_run.hpp"
#include "cli/init/protocol.hpp"
#include "common/synthetic_ranges.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {
namespace {

constexpr const char* kLoopbackSwitch = "--host-lo-to-ns-lo";

const char* name_of(Transport transport) { return transport == Transport::kTcp ? "tcp" : "udp"; }

// "A:B,C:D", or "none".
std::string port_list(const std::vector<PortForward>& ports, Transport transport,
                      std::string_view prefix, std::uint16_t PortForward::*listen,
                      std::uint16_t PortForward::*connect) {
  std::string out;
  for (const auto& port : ports) {
    if (port.transport != transport) continue;
    out += out.empty() ? std::string(prefix) : ",";
    out += std::to_string(port.*listen) + ":" + std::to_string(port.*connect);
  }
  return out.empty() ? "none" : out;
}

Result<void> check_distinct(const std::vector<PortForward>& ports,
                            std::uint16_t PortForward::*listen, const std::string& verb) {
  std::map<std::pair<Transport, std::uint16_t>, const PortForward*> seen;
  for (const auto& port : ports) {
    const auto [other, fresh] = seen.try_emplace({port.transport, port.*listen}, &port);
    if (fresh) continue;
    if (other->second->host == port.host && other->second->inside == port.inside) continue;
    return Error(Errc::kInvalidProfile, port.origin.text() + ": " + name_of(port.transport) +
                                            " port " + std::to_string(port.*listen) + " is " +
                                            verb + " twice; the other is at " +
                                            other->second->origin.text())
        .hint("give one of them another number: PORT:INSIDE, the host's side left");
  }
  return {};
}

// What this port inside is already; empty: free.
std::string_view taken_by(const PortForward& port, const NetworkProfile& network) {
  const bool tcp = port.transport == Transport::kTcp;
  if (!tcp && port.inside == protocol::kPagePort) return "where programs ask for pages";
  const bool proxys =
      port.inside == 53 ||
      (tcp && (port.inside == 80 || port.inside == 443 || port.inside == kExplicitProxyPort));
  return proxys && needs_proxy(network) ? "where the box's way out begins" : "";
}

// pasta says nothing when it cannot bind a port inside that a socket of ours has.
Result<void> check_not_ours(const NetworkProfile& network) {
  for (const auto& port : network.forward) {
    const auto by = taken_by(port, network);
    if (by.empty()) continue;
    return Error(Errc::kInvalidProfile, port.origin.text() + ": " + name_of(port.transport) +
                                            " port " + std::to_string(port.inside) + " inside is " +
                                            std::string(by))
        .hint("forward it to another one: " + std::to_string(port.host) + ":" +
              std::to_string(port.inside + 8000));
  }
  return {};
}

}  // namespace

bool needs_pasta(const NetworkProfile& network) {
  return network.mode.value == NetworkMode::kDangerouslyOpen || !network.forward.empty() ||
         !network.publish.empty();
}

Result<void> check_ports(const NetworkProfile& network) {
  if (auto fine = check_distinct(network.forward, &PortForward::inside, "forwarded to inside");
      !fine) {
    return fine;
  }
  if (auto apart = check_distinct(network.publish, &PortForward::host, "published"); !apart) {
    return apart;
  }
  return check_not_ours(network);
}

Result<void> check_ports_free(const NetworkProfile& network) {
  for (const auto& port : network.publish) {
    const bool tcp = port.transport == Transport::kTcp;
    const UniqueFd socket(::socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
    if (!socket) return Error::system_call("cannot open a socket", errno);
    const int on = 1;
    if (tcp) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port.host);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      continue;
    }
    const int reason = errno;
    const std::string what = port.origin.text() + ": port " + std::to_string(port.host) +
                             " of the host cannot be published: " + strerrordesc_np(reason);
    return Error(Errc::kInvalidProfile, what)
        .hint(reason == EADDRINUSE
                  ? "another program listens there; publish another one: --publish PORT:" +
                        std::to_string(port.inside)
                  : "choose a port from 1024 on: --publish PORT:" + std::to_string(port.inside));
  }
  return {};
}

bool has_loopback_switch(const std::string& program, const NetworkProfile& network) {
  if (network.publish.empty()) return false;
  // Not --help: on a pipe pasta loses all of it but the first 4,096 bytes.
  const auto tried =
      run_captured({.arguments = {program, kLoopbackSwitch, "--version"}, .environment = {}});
  return tried && tried->status == 0;
}

std::vector<std::string> pasta_command(const PastaRequest& request) {
  const NetworkProfile& network = *request.network;
  const auto proc = "/proc/" + std::to_string(request.box) + "/ns/";
  std::vector<std::string> out = {request.program, "-f", "-q", "-P", "/proc/self/fd/2"};
  const auto add = [&out](std::initializer_list<std::string> words) {
    out.insert(out.end(), words.begin(), words.end());
  };
  // As root it would become nobody, who may not enter the namespace.
  if (request.as_root) add({"--runas", "0:0"});
  add({"--no-map-gw"});
  if (request.has_loopback_switch) add({kLoopbackSwitch});
  if (network.mode.value == NetworkMode::kDangerouslyOpen) {
    add({"--config-net", "--dns-forward", kOpenResolver});
  } else {
    // IPv4 alone. `localhost` inside is ::1 first, and with IPv6 pasta takes such a connection
    // before it knows that the host's server listens on 127.0.0.1 only, as most do; then it closes
    // it, and programs that would have gone on to 127.0.0.1 after a refusal (Bun, so opencode) give
    // up.
    add({"--ipv4-only", "--no-dhcp", "--no-dhcpv6", "--no-ndp", "--no-ra"});
  }
  // Upper case: a port inside is connected to the host's; lower case: the other way round.
  add({"-T",
       port_list(network.forward, Transport::kTcp, "", &PortForward::inside, &PortForward::host)});
  add({"-U",
       port_list(network.forward, Transport::kUdp, "", &PortForward::inside, &PortForward::host)});
  add({"-t", port_list(network.publish, Transport::kTcp, "127.0.0.1/", &PortForward::host,
                       &PortForward::inside)});
  add({"-u", port_list(network.publish, Transport::kUdp, "127.0.0.1/", &PortForward::host,
                       &PortForward::inside)});
  add({"--userns", proc + "user", "--netns", proc + "net"});
  return out;
}

}  // namespace redoubtful::cli
