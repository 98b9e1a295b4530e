#include "proxy/chunked.hpp"

#include <algorithm>
#include <charconv>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::array kNeverTrailers = {
    std::string_view("transfer-encoding"),
    std::string_view("content-length"),
    std::string_view("host"),
    std::string_view("connection"),
    std::string_view("keep-alive"),
    std::string_view("proxy-connection"),
    std::string_view("te"),
    std::string_view("trailer"),
    std::string_view("upgrade"),
    std::string_view("expect"),
    std::string_view("authorization"),
    std::string_view("proxy-authorization"),
    std::string_view("www-authenticate"),
    std::string_view("proxy-authenticate"),
    std::string_view("cookie"),
    std::string_view("set-cookie"),
    std::string_view("content-encoding"),
    std::string_view("content-type"),
    std::string_view("content-range"),
    std::string_view("x-http-method-override"),
    std::string_view("x-http-method"),
    std::string_view("x-method-override"),
    std::string_view("max-forwards"),
    std::string_view("range"),
};

bool may_be_trailer(std::string_view name) {
  return std::none_of(kNeverTrailers.begin(), kNeverTrailers.end(),
                      [&](std::string_view never) { return equals_ignoring_case(never, name); });
}

}  // namespace

// False: the byte does not belong here.
bool ChunkedDecoder::size_byte(char c) {
  const int digit = hex_value(c);
  if (digit >= 0) {
    // 63 bits: sizes are also kept in signed numbers elsewhere.
    if (digits_ == 16 || left_ > (static_cast<std::uint64_t>(INT64_MAX) >> 4)) return false;
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    ++digits_;
    return true;
  }
  if (digits_ == 0) return false;
  if (c == ';') {
    state_ = State::kExtension;
    return true;
  }
  if (c != '\r') return false;
  state_ = State::kSizeLf;
  return true;
}

void ChunkedDecoder::extension_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\r') {
    state_ = State::kSizeLf;
  } else if (++extension_ > kExtensionBytes || (byte < 0x20 && c != '\t') || byte == 0x7f) {
    refuse("a chunk's extension is too long or has a control byte");
  }
}

void ChunkedDecoder::end_size_line() {
  state_ = left_ == 0 ? State::kTrailers : State::kData;
  digits_ = 0;
  extension_ = 0;
}

std::size_t ChunkedDecoder::take_trailers(std::string_view in) {
  const std::size_t before = trailer_bytes_.size();
  // No more than a head may have is ever kept.
  trailer_bytes_.append(in.substr(0, limits::kHeadBytes - before));
  const auto found = scanner_.scan(trailer_bytes_);
  if (const auto* fault = std::get_if<HeadFault>(&found)) {
    refuse(fault->reason);
    return 0;
  }
  if (!std::holds_alternative<std::size_t>(found)) return in.size();
  const std::size_t end = std::get<std::size_t>(found);
  std::string_view rest = std::string_view(trailer_bytes_).substr(0, end);
  for (std::size_t count = 0; rest != "\r\n"; ++count) {
    const std::size_t line = rest.find("\r\n");
    const auto parsed = parse_field_line(rest.substr(0, line));
    const auto* fault = std::get_if<HeadFault>(&parsed);
    if (fault != nullptr || count == limits::kFields) {
      refuse(fault != nullptr ? fault->reason : "over 256 trailer fields");
      return 0;
    }
    const auto& field = std::get<FieldView>(parsed);
    if (may_be_trailer(field.name)) {
      trailers_.push_back({std::string(field.name), std::string(field.value)});
    }
    rest.remove_prefix(line + 2);
  }
  state_ = State::kDone;
  return end - before;
}

ChunkedDecoder::Step ChunkedDecoder::take(std::string_view in) {
  Step step;
  std::size_t& at = step.taken;
  while (at < in.size() && state_ != State::kDone && !fault_) {
    const char c = in[at];
    switch (state_) {
      case State::kSize:
        if (!size_byte(c)) refuse("a chunk's size is not a hexadecimal number");
        ++at;
        break;
      case State::kExtension:
        extension_byte(c);
        ++at;
        break;
      case State::kSizeLf:
        if (c != '\n') refuse("a chunk's line does not end in CRLF");
        end_size_line();
        ++at;
        break;
      case State::kData: {
        if (!step.data.empty()) return step;
        const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size() - at));
        step.data = in.substr(at, bytes);
        at += bytes;
        left_ -= bytes;
        if (left_ == 0) state_ = State::kDataCr;
        break;
      }
      case State::kDataCr:
        if (c != '\r') refuse("a chunk is longer than it said");
        state_ = State::kDataLf;
        ++at;
        break;
      case State::kDataLf:
        if (c != '\n') refuse("a chunk's data does not end in CRLF");
        state_ = State::kSize;
        ++at;
        break;
      case State::kTrailers:
        at += take_trailers(in.substr(at));
        break;
      case State::kDone:
        break;
    }
  }
  return step;
}

ChunkHeader::ChunkHeader(std::uint64_t size) noexcept {
  const auto end = std::to_chars(bytes_.data(), bytes_.data() + 16, size, 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  length_ = static_cast<std::size_t>(end - bytes_.data()) + 2;
}

std::string last_chunk(const Fields& trailers) {
  std::string bytes = "0\r\n";
  for (const Field& field : trailers) {
    bytes.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  bytes.append("\r\n");
  return bytes;
}

}  // namespace redoubtful::proxy
