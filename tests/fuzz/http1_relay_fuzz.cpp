#include <cstddef>
#include <cstdint>

#include "tests/fuzz/http1_relay_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::http1_relay({reinterpret_cast<const char*>(data), size});
  return 0;
}
