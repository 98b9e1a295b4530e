#include "proxy/synthetic_names.hpp"

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

namespace ip = boost::asio::ip;

constexpr std::uint32_t kFirst4 = 0xc6120000;  // 198.18.0.0
constexpr ip::address_v6::bytes_type kFirst6{0xfd, 0x72, 0x65, 0x64, 0x6f, 0x75, 0x62, 0x74};

// An octet's values without 0 and 255: some programs take those for a network or a broadcast.
constexpr std::uint32_t kPerBlock = 254;
static_assert(limits::kSyntheticNames + 1 <= 512 * kPerBlock, "the names fit into the /15");

constexpr std::uint32_t offset_of(std::uint32_t index) {
  return index / kPerBlock * 256 + index % kPerBlock + 1;
}

// The reverse; may be an index that was never given out.
std::optional<std::uint32_t> index_of(std::uint32_t offset) {
  const std::uint32_t last = offset % 256;
  if (last == 0 || last == 255) return std::nullopt;
  return offset / 256 * kPerBlock + last - 1;
}

// The interface identifier is the IPv4 offset, so that the two are easily told to belong together.
SyntheticAddresses addresses_of(std::uint32_t index) {
  const std::uint32_t offset = offset_of(index);
  ip::address_v6::bytes_type bytes = kFirst6;
  for (unsigned i = 0; i < 4; ++i) {
    bytes[15 - i] = static_cast<unsigned char>(offset >> (8 * i) & 0xff);
  }
  return {.v4 = ip::address_v4(kFirst4 + offset), .v6 = ip::address_v6(bytes)};
}

std::optional<std::uint32_t> offset_of(const ip::address& address) {
  if (address.is_v6() && !address.to_v6().is_v4_mapped()) {
    const auto bytes = address.to_v6().to_bytes();
    for (std::size_t i = 0; i < 12; ++i) {
      if (bytes[i] != kFirst6[i]) return std::nullopt;
    }
    std::uint32_t offset = 0;
    for (std::size_t i = 12; i < 16; ++i) offset = offset << 8 | bytes[i];
    return offset;
  }
  const std::uint32_t number = address.is_v4()
                                   ? address.to_v4().to_uint()
                                   : ip::make_address_v4(ip::v4_mapped, address.to_v6()).to_uint();
  if (number < kFirst4) return std::nullopt;
  return number - kFirst4;
}

}  // namespace

SyntheticNames::SyntheticNames(Clock now) : now_(std::move(now)), window_(now_()) {
  add(Host::parse(kOwnName).value());
}

std::optional<SyntheticAddresses> SyntheticNames::addresses(const Host& name) {
  if (name.is_address()) return std::nullopt;
  if (const auto known = indices_.find(name.text()); known != indices_.end()) {
    return addresses_of(known->second);
  }
  const auto now = now_();
  if (now - window_ >= std::chrono::minutes(1)) {
    window_ = now;
    in_window_ = 0;
  }
  if (names_.size() > limits::kSyntheticNames || in_window_ >= limits::kNamesPerMinute) {
    ++refused_;
    return std::nullopt;
  }
  ++in_window_;
  SyntheticAddresses given = addresses_of(add(name));
  given.fresh = true;
  return given;
}

std::optional<Host> SyntheticNames::name(const ip::address& address) const {
  const auto offset = offset_of(address);
  if (!offset) return std::nullopt;
  const auto index = index_of(*offset);
  if (!index || *index >= names_.size()) return std::nullopt;
  return names_[*index];
}

std::uint32_t SyntheticNames::add(const Host& name) {
  const auto index = static_cast<std::uint32_t>(names_.size());
  indices_.emplace(name.text(), index);
  names_.push_back(name);
  return index;
}

}  // namespace redoubtful::proxy
