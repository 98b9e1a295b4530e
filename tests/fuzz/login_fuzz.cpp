// Login files, and what token endpoints answer.

#include <cstdint>

#include "tests/fuzz/login_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::login({reinterpret_cast<const char*>(data), size});
  return 0;
}
