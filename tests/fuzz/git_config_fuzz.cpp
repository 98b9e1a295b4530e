#include <cstddef>
#include <cstdint>

#include "tests/fuzz/guard_targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::git_config({reinterpret_cast<const char*>(data), size});
  return 0;
}
