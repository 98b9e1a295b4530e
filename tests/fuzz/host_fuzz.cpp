// The grammar of hosts and of host rules.

#include <cstdint>

#include "tests/fuzz/host_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::host({reinterpret_cast<const char*>(data), size});
  return 0;
}
