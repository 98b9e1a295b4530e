#pragma once

// The sockets by which everything leaves a box: made inside its network namespace by the child that
// becomes it, handed to the supervisor, and by it to the proxy, which alone keeps them.
//
// So nothing of ours listens on the host, and no byte is copied by a user-space stack. None may be
// shared (no SO_REUSEPORT: the agent could join the port). Ports 80 and 443 are taken on every
// address, and so is 22, for git over ssh is refused more often than allowed and has to be told
// why; for any other allowed port the proxy binds a spare socket to the one address that stands for
// the name, so that a server inside keeps its 127.0.0.1:5432.

#include <cstddef>
#include <string>

#include "common/control_channel.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// Does this mode have a proxy at all?
bool needs_proxy(NetworkMode mode) noexcept;
bool needs_proxy(const NetworkProfile& network) noexcept;

// How many names of this profile may have a port of their own at a time, in each of the two address
// families; bounded by what one message carries.
std::size_t spare_sockets(const NetworkProfile& network);

// A line for the person where the profile names more of them than that; empty: there are enough.
std::string spares_note(const NetworkProfile& network);

// A line for the person in the mode discover: on which ports there is a socket for any name, so
// that what is not printed at the end is not taken for unused. Empty: another mode.
std::string discover_note(const NetworkProfile& network);

// Which of these sockets a box gets.
struct WaysIn {
  std::size_t spares = 0;
  bool ssh = false;  // port 22; not where the user forwards or publishes that very port
};
WaysIn ways_in(const NetworkProfile& network);

// In the child, with loopback up: the routes that make every synthetic address local, the right to
// bind any port, and the sockets. They are sent over `channel` (SOCK_SEQPACKET) and closed here.
// Without IPv6 in the kernel there are none for it. Errors: kSystemCall.
Result<void> open_ways_in(const WaysIn& wanted, int channel);

// In the supervisor, after the child reported. Errors: kSystemCall, kPeerProtocol.
Result<control::Listeners> receive_ways_in(int channel);

}  // namespace redoubtful::cli
