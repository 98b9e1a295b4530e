// Surrogates replaced in JSON, forms and multipart.

#include <cstdint>

#include "tests/fuzz/body_swap_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::body_swap({reinterpret_cast<const char*>(data), size});
  return 0;
}
