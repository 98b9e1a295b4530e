// Bodies in chunks that AWS's clients sign.

#include <cstdint>

#include "tests/fuzz/sigv4_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::sigv4_chunks({reinterpret_cast<const char*>(data), size});
  return 0;
}
