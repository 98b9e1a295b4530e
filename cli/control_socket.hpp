#pragma once

// The supervisor's end of the conversation with init. [trusted core]
//
// What arrives was written by a process that shares the agent's uid, so a report is one of the
// known ones, whole, in range, or the conversation is over. Orders are never waited for: an init
// that does not read loses them, and the supervisor goes on.

#include <functional>

#include "cli/event_loop.hpp"
#include "cli/init/protocol.hpp"
#include "cli/init_spec.hpp"
#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

struct InitReport {
  protocol::Report type{};
  int value = 0;
  int detail = 0;
  // With kReady perhaps the master of a terminal, with kPageSocket a datagram socket; non-blocking.
  UniqueFd descriptor;
};

class ControlSocket {
 public:
  // `received` may destroy nothing of this object. `closed` is the last call: an Error when init
  // broke the protocol, kNone when the other end is simply gone.
  ControlSocket(EventLoop& loop, UniqueFd socket, std::function<void(InitReport)> received,
                std::function<void(Error)> closed);

  void send(protocol::Order order, int value = 0, int detail = 0);

  // Reads what is there without waiting.
  void poll();

 private:
  void close(Error error);

  UniqueFd socket_;
  std::function<void(InitReport)> received_;
  std::function<void(Error)> closed_;
  Watch watch_;
};

// Gives init what it starts the agent by: the first order, before a ControlSocket has the socket.
// An init that is gone is no error here: the conversation's end tells. Errors: as seal();
// kSystemCall.
Result<void> send_specification(int socket, const InitSpec& spec);

// One packet; for ControlSocket and its tests. Errors: kPeerProtocol; kNone when nothing is left to
// come. `empty` is set instead when there is nothing at the moment.
Result<InitReport> receive_report(int socket, bool& empty);

}  // namespace redoubtful::cli
