// Request targets: one canonical form, which every kind of server reads in one way.

#include <cstdint>

#include "tests/fuzz/policy_targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::target({reinterpret_cast<const char*>(data), size});
  return 0;
}
