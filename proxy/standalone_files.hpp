#pragma once

// What a standalone proxy reads and writes before it confines itself: its configuration, its token,
// what its clients need, and its own environment.
//
// Errors name the option and the file. What the caller could have written differently is
// kInvalidProfile or kInvalidSecret; they never hold a byte of a file.

#include <string>
#include <string_view>
#include <vector>

#include "common/control_channel.hpp"
#include "common/error.hpp"
#include "proxy/access_token.hpp"

namespace redoubtful::proxy {

// A file's content, of any kind that can be read to its end (pipes too); "-" is standard input.
Result<std::string> read_config(const std::string& path);

// From the file, or, where there is none, made and written there with mode 0600. Refused: a file
// that others may read or change, and one that belongs to somebody else, who may.
Result<AccessToken> read_or_make_token(const std::string& path);

// Replaces the file as a whole.
Result<void> write_for_clients(std::string_view option, const std::string& path,
                               std::string_view bytes, mode_t mode);

// Opens or makes the log, 0600; "-" is standard output.
Result<UniqueFd> open_audit(const std::string& path);

// All variables of this process. They are erased where the kernel put them, and so from
// /proc/PID/environ; the process has none after that.
std::vector<control::NamedValue> take_environment();

}  // namespace redoubtful::proxy
