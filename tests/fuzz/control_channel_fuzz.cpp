// The control channel's messages. Invariant: what decodes is encoded to the same bytes again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/control_channel.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubtful::control;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto header = decode_header(bytes);
  if (!header || header->descriptors != 0) return 0;
  const auto message = decode(*header, bytes.substr(kHeaderBytes), {});
  if (!message) return 0;
  const auto again = encode(*message);
  if (!again || again->bytes != bytes) std::abort();
  return 0;
}
