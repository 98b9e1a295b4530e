#include "proxy/client_hello.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::size_t kMaxRecordBytes = 16384;  // RFC 8446, section 5.1
constexpr std::size_t kHandshakeHeaderBytes = 4;
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kClientHelloMessage = 1;
constexpr std::size_t kMaxNameBytes = 255;

constexpr std::uint16_t kServerName = 0;
constexpr std::uint16_t kAlpn = 16;
constexpr std::uint16_t kEncryptedClientHello = 0xfe0d;

Error bad(std::string_view why) {
  return Error(Errc::kPeerProtocol, "not a TLS ClientHello: " + std::string(why));
}

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

// Reads from the front; nothing where the bytes end too early.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }

  std::optional<std::string_view> take(std::size_t count) {
    if (count > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  // A big-endian number of `Bytes` bytes.
  template <std::size_t Bytes>
  std::optional<std::uint32_t> number() {
    const auto bytes = take(Bytes);
    if (!bytes) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < Bytes; ++i) value = value << 8 | byte_at(*bytes, i);
    return value;
  }
  // A vector with a length of `Bytes` bytes in front.
  template <std::size_t Bytes>
  std::optional<std::string_view> vector() {
    const auto length = number<Bytes>();
    if (!length) return std::nullopt;
    return take(*length);
  }

 private:
  std::string_view rest_;
};

// Why the extension is refused, or nothing.
std::optional<Error> read_server_name(std::string_view data, ClientHello& hello) {
  Reader reader(data);
  const auto list = reader.vector<2>();
  if (!list || !reader.empty()) return bad("its server_name has a wrong length");
  Reader names(*list);
  const auto type = names.number<1>();
  if (!type) return bad("its server_name is an empty list");
  if (*type != 0) return bad("its server_name is not of the type host_name");
  const auto name = names.vector<2>();
  if (!name) return bad("its server_name has a wrong length");
  if (!names.empty()) return bad("it has more than one server name");
  if (name->empty()) return bad("its server name is empty");
  if (name->size() > kMaxNameBytes) return bad("its server name is too long");
  hello.server_name = *name;
  return std::nullopt;
}

std::optional<Error> read_alpn(std::string_view data, ClientHello& hello) {
  Reader reader(data);
  const auto list = reader.vector<2>();
  if (!list || !reader.empty() || list->empty()) return bad("its ALPN list has a wrong length");
  Reader protocols(*list);
  while (!protocols.empty()) {
    const auto protocol = protocols.vector<1>();
    if (!protocol || protocol->empty()) return bad("its ALPN list has an empty or cut entry");
    hello.protocols.emplace_back(*protocol);
  }
  return std::nullopt;
}

std::optional<Error> read_encrypted(std::string_view data, ClientHello& hello) {
  // RFC 9849, section 5: 0 is outer, 1 is inner, which never stands on the wire in the open.
  if (data.empty() || byte_at(data, 0) != 0) return bad("its encrypted_client_hello is not outer");
  hello.encrypted = true;
  return std::nullopt;
}

std::variant<ClientHello, NeedMoreBytes, Error> parse_body(std::string_view body) {
  Reader reader(body);
  const auto version = reader.number<2>();
  const auto random = reader.take(32);
  const auto session = reader.vector<1>();
  const auto ciphers = reader.vector<2>();
  const auto compressions = reader.vector<1>();
  if (!version || !random || !session || !ciphers || !compressions) return bad("it is cut short");
  if (*version >> 8 != 3) return bad("its version is unknown");
  if (session->size() > 32) return bad("its session id is too long");
  if (ciphers->empty() || ciphers->size() % 2 != 0)
    return bad("its cipher list has a wrong length");
  if (compressions->empty()) return bad("it names no compression method");

  ClientHello hello;
  if (reader.empty()) return hello;  // TLS 1.2 without any extension
  const auto extensions = reader.vector<2>();
  if (!extensions || !reader.empty()) return bad("its extensions have a wrong length");
  Reader rest(*extensions);
  std::vector<std::uint32_t> seen;
  while (!rest.empty()) {
    const auto type = rest.number<2>();
    const auto data = rest.vector<2>();
    if (!type || !data) return bad("an extension is cut short");
    seen.push_back(*type);
    std::optional<Error> error;
    if (*type == kServerName) error = read_server_name(*data, hello);
    if (*type == kAlpn) error = read_alpn(*data, hello);
    if (*type == kEncryptedClientHello) error = read_encrypted(*data, hello);
    if (error) return *std::move(error);
  }
  // RFC 8446, section 4.2: not more than one of each type.
  std::sort(seen.begin(), seen.end());
  if (std::adjacent_find(seen.begin(), seen.end()) != seen.end()) {
    return bad("it has an extension twice");
  }
  return hello;
}

// The size of the handshake message that begins here, once its header is there.
std::optional<std::size_t> message_bytes(std::string_view message) {
  if (message.size() < kHandshakeHeaderBytes) return std::nullopt;
  return kHandshakeHeaderBytes + *Reader(message.substr(1)).number<3>();
}

}  // namespace

std::variant<ClientHello, NeedMoreBytes, Error> parse_client_hello(std::string_view bytes) {
  // Counted as it came, so that a hello in thousands of tiny records costs no more than another.
  const bool too_long = bytes.size() > limits::kClientHelloBytes;
  std::string message;  // the handshake message, out of its records
  // Every field is judged as soon as it is there: what cannot become a hello does not wait.
  while (!bytes.empty()) {
    if (byte_at(bytes, 0) != kHandshakeRecord) return bad("it is not in a handshake record");
    if (bytes.size() > 1 && byte_at(bytes, 1) != 3) return bad("its record version is unknown");
    if (bytes.size() < kRecordHeaderBytes) break;
    const std::size_t length = *Reader(bytes.substr(3)).number<2>();
    if (length == 0 || length > kMaxRecordBytes) return bad("a record has a wrong length");
    const std::string_view part = bytes.substr(kRecordHeaderBytes, length);
    message += part;
    bytes.remove_prefix(kRecordHeaderBytes + part.size());
    if (!message.empty() && byte_at(message, 0) != kClientHelloMessage) {
      return bad("its first message is not a ClientHello");
    }
    const auto whole = message_bytes(message);
    if (whole && *whole > limits::kClientHelloBytes) return bad("it is longer than 16 KiB");
    if (whole && message.size() >= *whole) {
      return parse_body(
          std::string_view(message).substr(kHandshakeHeaderBytes, *whole - kHandshakeHeaderBytes));
    }
  }
  if (too_long) return bad("it is longer than 16 KiB");
  return NeedMoreBytes{};
}

}  // namespace redoubtful::proxy
