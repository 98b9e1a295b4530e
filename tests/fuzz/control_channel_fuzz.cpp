// The control channel's messages.

#include <cstdint>

#include "tests/fuzz/control_channel_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::control_channel({reinterpret_cast<const char*>(data), size});
  return 0;
}
