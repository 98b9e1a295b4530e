#pragma once

// pasta: the forwarded and published ports of a box, and nothing else of the network.
//
// It is attached to the box's network namespace from outside, beside the box, and only when a port
// is asked for: an attached pasta costs 20 ms and 19 MB. Its defaults forward every port of the
// host into the namespace and map the gateway to the host's loopback, so every switch is spelled
// out. Without --config-net the tap device it makes stays down and has no address.

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// Inside, where `dangerously-open` asks for names: pasta answers there for the host's resolver.
inline constexpr const char* kOpenResolver = "169.254.1.53";

struct PastaRequest {
  std::string program;
  pid_t box = -1;  // a process in the box's outer namespaces
  const NetworkProfile* network = nullptr;
  bool as_root = false;
  bool has_loopback_switch = false;  // see has_loopback_switch()
};

// From its end of 2024 on pasta connects a published port to the box's outward address, which it
// has not, unless a switch says loopback; before that loopback is what it does, and the switch is
// an error. Tries it on the program when a port is published, and is false when none is.
bool has_loopback_switch(const std::string& program, const NetworkProfile& network);

// Is pasta needed at all?
bool needs_pasta(const NetworkProfile& network);

// Errors: kInvalidProfile for two forwards to the same port inside, or to one that is ours, or two
// publishes of one port.
Result<void> check_ports(const NetworkProfile& network);

// Errors: kInvalidProfile when a published port is taken on the host already.
Result<void> check_ports_free(const NetworkProfile& network);

// Pure. Readiness: pasta writes its pid to its standard error once every port is there.
std::vector<std::string> pasta_command(const PastaRequest& request);

}  // namespace redoubtful::cli
