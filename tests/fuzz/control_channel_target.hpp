#pragma once

// What the fuzz target of the control channel demands: what decodes is encoded to the same bytes
// again.

#include <fcntl.h>

#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "common/control_channel.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::fuzz {

inline void control_channel(std::string_view bytes) {
  using namespace redoubtful::control;
  const auto header = decode_header(bytes);
  if (!header) return;
  // What they are of is looked at by who receives them; here only which message takes how many.
  std::vector<UniqueFd> descriptors;
  for (unsigned i = 0; i < header->descriptors; ++i) {
    descriptors.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  const auto message = decode(*header, bytes.substr(kHeaderBytes), std::move(descriptors));
  if (!message) return;
  const auto again = encode(*message);
  if (!again || again->bytes != bytes) std::abort();
  if (again->descriptors.size() != header->descriptors) std::abort();
}

}  // namespace redoubtful::fuzz
