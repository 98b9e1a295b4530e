#pragma once

// Makes the process that becomes the box: new user, pid, mount and network namespaces, its own uid
// and gid mapped to themselves, mounts private, loopback up.
//
// No helper program and no resident holder: the child keeps its capabilities in these namespaces
// until it execs bwrap as an ordinary uid, and loses them by that exec.
//
// The pid namespace is there for one reason. bwrap makes the box's own, but arms its parent-death
// signal only inside the new process; when the supervisor is killed in between, that process waits
// for ever (seen once in fifteen kills). As the first process of a namespace of ours, bwrap takes
// everything below it along, whenever it dies.

#include <sys/types.h>

#include <cstdint>
#include <functional>

#include "common/child_process.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

// Starts `body` in the new namespaces. Errors: kSystemCall; where the kernel or AppArmor forbids
// user namespaces the hint says which switch it is.
Result<ChildProcess> fork_into_box_namespaces(const std::function<int()>& body);

// In that child, first of all. Errors: kSystemCall.
// Source: user_namespaces(7) "Defining user and group ID mappings".
Result<void> settle_in_box_namespaces(uid_t uid, gid_t gid);

// Puts a /proc of the child's own pid namespace over the host's, for bwrap to find its child in.
// Errors: kSystemCall, where a container keeps parts of /proc hidden.
Result<void> mount_own_proc();

// Sets the loopback interface up by rtnetlink, in the network namespace of the caller.
// Source: rtnetlink(7), RTM_NEWLINK with IFF_UP.
Result<void> bring_loopback_up();

// Makes every address of a range local on loopback, as `ip route add local RANGE dev lo` does: what
// listens on a wildcard address then accepts for all of them. Errors: kSystemCall.
// Source: ip-route(8), "local"; rtnetlink(7).
Result<void> make_range_local(const char* address, std::uint8_t prefix_length);

// Gives loopback an address that is not loopback's own. Without one, getaddrinfo(3) with
// AI_ADDRCONFIG and a family finds no name at all. Errors: kSystemCall.
// Source: glibc, sysdeps/unix/sysv/linux/check_pf.c; rtnetlink(7), RTM_NEWADDR.
Result<void> add_loopback_address(const char* address);

// Lets everybody in this network namespace bind ports below 1024. Precondition: mount_own_proc().
// Source: ip_sysctl, ip_unprivileged_port_start. Errors: kSystemCall.
Result<void> free_low_ports();

// Starts a new, empty session keyring: the host's is readable across every namespace otherwise.
// Source: keyctl(2) KEYCTL_JOIN_SESSION_KEYRING. A kernel without keyrings is no error.
Result<void> leave_session_keyring();

}  // namespace redoubtful::cli
