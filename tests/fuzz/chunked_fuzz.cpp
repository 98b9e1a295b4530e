#include <cstddef>
#include <cstdint>

#include "tests/fuzz/http1_targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::chunked({reinterpret_cast<const char*>(data), size});
  return 0;
}
