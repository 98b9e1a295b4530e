#pragma once

// Descriptors in the ancillary data of a Unix socket's message (SCM_RIGHTS; unix(7), cmsg(3)).

#include <sys/socket.h>

#include <span>
#include <vector>

#include "common/unique_fd.hpp"

namespace redoubtful {

// What msg_control needs for so many.
constexpr std::size_t rights_bytes(std::size_t count) { return CMSG_SPACE(count * sizeof(int)); }

// Puts them where `header` has room: msg_control and msg_controllen are set, to rights_bytes() of
// their number, and the bytes are zero.
void put_rights(msghdr& header, std::span<const int> descriptors);

// All that came with a message, now owned by the caller.
std::vector<UniqueFd> take_rights(const msghdr& header);

}  // namespace redoubtful
