#pragma once

// init's end of the control socket. The supervisor's death is the end of the box: whoever cannot
// report any more exits, bwrap follows, and the kernel kills what is left.

#include "cli/init/protocol.hpp"

namespace redoubtful::cli::init {

// The number the control socket has once the descriptors are in order.
inline constexpr int kControl = 3;

// Sends; with `descriptor` ≥ 0 that descriptor goes along. Does not return when the supervisor is
// gone.
void report(protocol::Report type, int value = 0, int detail = 0, int descriptor = -1);

// Reports kFailed and exits.
[[noreturn]] void fail(protocol::Stage stage, int error);

// Waits for the first order and returns the specification's descriptor. Does not return when the
// supervisor is gone, or says something else.
int wait_for_specification();

// Takes one order. False when none is there. Does not return when the supervisor is gone; orders of
// another version or size end the box as well.
bool next_order(protocol::Message& message);

}  // namespace redoubtful::cli::init
