// Profiles of somebody else.

#include <cstdint>

#include "tests/fuzz/box_targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::profile({reinterpret_cast<const char*>(data), size});
  return 0;
}
