#pragma once

// The terminal the agent sees: a pty of the box's own devpts instance, so that its name resolves
// inside. The master leaves the box at once; what stays is the slave as controlling terminal.

#include <sys/types.h>

#include "cli/init/protocol.hpp"

namespace redoubtful::cli::init {

class PrivateTerminal {
 public:
  // Makes the terminal, makes it the session's own, puts it in the place of 0–2 as the
  // specification says. init is a session leader already. Returns the master, which the caller
  // closes. Errors: -1 with errno.
  int create(const protocol::SpecHeader& header);

  bool exists() const { return slave_ >= 0; }
  int descriptor() const { return slave_; }

  // The process group in the foreground; 0 when it is init's own, that is, nobody's.
  pid_t foreground_group() const;

  // The agent's side has the terminal again: the group that had it before, else `agent_group`.
  void bring_to_foreground(pid_t agent_group);

  // Nobody has the terminal: whoever reads it is stopped by SIGTTIN.
  void send_to_background();

 private:
  int slave_ = -1;
  pid_t previous_group_ = 0;
};

}  // namespace redoubtful::cli::init
