#pragma once

// WebSocket frames as either side writes them. RFC 6455, section 5.2.

#include <cstdint>
#include <string>
#include <string_view>

namespace redoubtful::proxy::test {

inline constexpr unsigned kFin = 0x80;
inline constexpr unsigned kText = 1;
inline constexpr unsigned kBinary = 2;
inline constexpr unsigned kMore = 0;
inline constexpr unsigned kClose = 8;
inline constexpr unsigned kPing = 9;

inline std::string frame_head(unsigned first, std::uint64_t size, unsigned mask_bit) {
  std::string out(1, static_cast<char>(first));
  unsigned bytes = 0;
  if (size < 126) {
    out += static_cast<char>(mask_bit | size);
  } else {
    out += static_cast<char>(mask_bit | (size < 65536 ? 126U : 127U));
    bytes = size < 65536 ? 2 : 8;
  }
  for (unsigned i = bytes; i-- > 0;) out += static_cast<char>((size >> (8 * i)) & 0xFFU);
  return out;
}

// As a server sends it.
inline std::string frame(unsigned first, std::string_view payload) {
  return frame_head(first, payload.size(), 0).append(payload);
}

// As a client sends it; `mask`: four bytes.
inline std::string masked_frame(unsigned first, std::string_view payload,
                                std::string_view mask = "\x1f\x80\xc3\x7e") {
  std::string out = frame_head(first, payload.size(), 0x80).append(mask);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out += static_cast<char>(payload[i] ^ mask[i % 4]);
  }
  return out;
}

}  // namespace redoubtful::proxy::test
