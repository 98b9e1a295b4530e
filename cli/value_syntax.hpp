#pragma once

// The spellings that profiles and options share: a value is read in one place, so that
// `-f 8080` and `forward: [8080]` cannot drift apart.
//
// Nothing here looks at the machine. Errors carry no place: the caller knows file and line, or the
// option. kUsage: it cannot be parsed; kInvalidProfile (or kInvalidHost): it parses, but what it
// names is out of range; kNotYet: it comes with a later version.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// Absolute or "~/...", without ".." and NUL, shorter than PATH_MAX. Returned without "."
// components, doubled and trailing slashes. Every other byte is allowed: a path may hold colons,
// newlines and what is not UTF-8.
Result<std::string> parse_path(std::string_view text);

// A glob relative to a mount: not absolute, without "..".
Result<std::string> parse_glob(std::string_view text);

// [A-Za-z_][A-Za-z0-9_]*
Result<std::string> parse_variable_name(std::string_view text);
// The same, or a prefix of at least one letter followed by '*'.
Result<std::string> parse_variable_pattern(std::string_view text);

// "PORT[:INSIDE]", "udp:PORT[:INSIDE]", "tcp:...": the host's side stands left.
Result<PortForward> parse_forward(std::string_view text);

// "8G": digits and one of K, M, G, T (powers of 1024).
Result<std::uint64_t> parse_memory(std::string_view text);
// "4h", "90s", "1h30m": digits and one of s, m, h, d, repeated.
Result<std::chrono::seconds> parse_duration(std::string_view text);
// 1 to 4194304, the kernel's PID_MAX_LIMIT.
Result<std::uint64_t> parse_processes(std::string_view text);

Result<HomeMode> parse_home_mode(std::string_view text);
Result<MountMode> parse_mount_mode(std::string_view text);
Result<NetworkMode> parse_network_mode(std::string_view text);

// As they are written; for `show` and messages.
std::string_view mode_name(HomeMode mode) noexcept;
std::string_view mode_name(MountMode mode) noexcept;
std::string_view mode_name(NetworkMode mode) noexcept;

// "10.0.0.0/8": an address range with no bit set behind its prefix, at least /8 (IPv4) or /7 (IPv6)
// narrow: no private range is wider, and /0 would be every address.
Result<std::string> parse_address_range(std::string_view text);

// [a-z0-9][a-z0-9._-]*, at most 64 bytes: one component of a path, whatever is appended to it.
Result<std::string> parse_profile_name(std::string_view text);

}  // namespace redoubtful::cli
