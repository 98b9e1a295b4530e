#include <cstddef>
#include <cstdint>

#include "tests/fuzz/scrubber_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::scrubber({reinterpret_cast<const char*>(data), size});
  return 0;
}
