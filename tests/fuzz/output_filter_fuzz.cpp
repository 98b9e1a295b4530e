// What a program prints on the terminal.

#include <cstdint>

#include "tests/fuzz/box_targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::output_filter({reinterpret_cast<const char*>(data), size});
  return 0;
}
