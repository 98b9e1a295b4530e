// host:port as it stands in Host, :authority and CONNECT: what is accepted has one spelling.

#include <cstdint>

#include "tests/fuzz/policy_targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::authority({reinterpret_cast<const char*>(data), size});
  return 0;
}
