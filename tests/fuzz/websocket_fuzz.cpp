// Frames of a WebSocket, either side's: rewritten the same however they are cut.

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/websocket_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  redoubtful::fuzz::websocket({reinterpret_cast<const char*>(data), size});
  return 0;
}
