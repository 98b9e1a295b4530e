// The JSON that the proxy is configured with: what is accepted is safe to judge by.

#include <cstdint>

#include "tests/fuzz/policy_targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::configuration({reinterpret_cast<const char*>(data), size});
  return 0;
}
