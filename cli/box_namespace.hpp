#pragma once

// The namespaces of the process that becomes the box: user, pid, mount and network, its own uid and
// gid mapped to themselves, mounts private, loopback up.
//
// No helper program and no resident holder: the process keeps its capabilities in these namespaces
// until it execs bwrap as an ordinary uid, and loses them by that exec.
//
// The pid namespace is for the end: bwrap makes one of its own for what is inside, but until it has
// armed that child's parent-death signal, a SIGKILL of bwrap would leave the child waiting for
// ever. As first process of this one, bwrap takes everything with it whenever it dies.

#include <sched.h>
#include <sys/types.h>

#include "common/error.hpp"

namespace redoubtful::cli {

// For ChildProcess::clone().
inline constexpr int kBoxNamespaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET;

// Why clone(2) refused kBoxNamespaces and which switch it is.
Error box_namespaces_refused(const Error& error);

// In the child: maps the ids and makes the mounts private. Errors: kSystemCall, naming the stage,
// with a hint where the kernel or AppArmor forbids it.
// Source: user_namespaces(7) "Defining user and group ID mappings".
Result<void> settle_in_box_namespaces(uid_t uid, gid_t gid);

// Sets the loopback interface up by rtnetlink, in the network namespace of the caller.
// Source: rtnetlink(7), RTM_NEWLINK with IFF_UP.
Result<void> bring_loopback_up();

// Starts a new, empty session keyring: the host's is readable across every namespace otherwise.
// Source: keyctl(2) KEYCTL_JOIN_SESSION_KEYRING. A kernel without keyrings is no error.
Result<void> leave_session_keyring();

}  // namespace redoubtful::cli
