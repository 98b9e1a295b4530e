#pragma once

// What the fuzz target of the control channel demands: what decodes is encoded to the same bytes
// again.

#include <cstdlib>
#include <string_view>

#include "common/control_channel.hpp"

namespace redoubtful::fuzz {

inline void control_channel(std::string_view bytes) {
  using namespace redoubtful::control;
  const auto header = decode_header(bytes);
  if (!header || header->descriptors != 0) return;
  const auto message = decode(*header, bytes.substr(kHeaderBytes), {});
  if (!message) return;
  const auto again = encode(*message);
  if (!again || again->bytes != bytes) std::abort();
}

}  // namespace redoubtful::fuzz
