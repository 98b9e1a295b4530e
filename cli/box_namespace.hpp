#pragma once

// Turns the calling process into the one that becomes the box: new user, mount and network
// namespaces, its own uid and gid mapped to themselves, mounts private, loopback up.
//
// No helper program and no resident holder: the process keeps its capabilities in these namespaces
// until it execs bwrap as an ordinary uid, and loses them by that exec. Called in a freshly forked,
// single-threaded child only.

#include <sys/types.h>

#include "common/error.hpp"

namespace redoubtful::cli {

// Errors: kSystemCall, naming the stage; where the kernel or AppArmor forbids user namespaces the
// hint says which switch it is.
// Source: user_namespaces(7) "Defining user and group ID mappings".
Result<void> enter_box_namespaces(uid_t uid, gid_t gid);

// Sets the loopback interface up by rtnetlink, in the network namespace of the caller.
// Source: rtnetlink(7), RTM_NEWLINK with IFF_UP.
Result<void> bring_loopback_up();

// Starts a new, empty session keyring: the host's is readable across every namespace otherwise.
// Source: keyctl(2) KEYCTL_JOIN_SESSION_KEYRING. A kernel without keyrings is no error.
Result<void> leave_session_keyring();

}  // namespace redoubtful::cli
