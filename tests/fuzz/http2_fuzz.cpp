#include <cstddef>
#include <cstdint>

#include "tests/fuzz/http2_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::http2({reinterpret_cast<const char*>(data), size});
  return 0;
}
