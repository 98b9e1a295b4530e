#pragma once

// Descriptors handed to another process over a Unix socket (SCM_RIGHTS; unix(7), cmsg(3)).

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

// One packet: `bytes`, not empty, and at most control::kMaxDescriptors descriptors, which stay open
// here. Errors: kSystemCall.
Result<void> pass_descriptors(int channel, std::string_view bytes,
                              const std::vector<int>& descriptors);

struct PassedDescriptors {
  std::string bytes;
  std::vector<UniqueFd> descriptors;  // close-on-exec
};

// One packet that is there already. Errors: kSystemCall where there is none; kPeerProtocol when it
// is not whole.
Result<PassedDescriptors> take_descriptors(int channel);

}  // namespace redoubtful::cli
