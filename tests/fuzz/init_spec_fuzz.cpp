// The specification that init is given.

#include <cstdint>

#include "tests/fuzz/box_targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::init_spec({reinterpret_cast<const char*>(data), size});
  return 0;
}
