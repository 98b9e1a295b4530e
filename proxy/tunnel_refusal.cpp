#include "proxy/tunnel_refusal.hpp"

#include <array>

#include "proxy/authority.hpp"
#include "proxy/denial.hpp"
#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

// RFC 4253 section 11.1 and 12.
constexpr char kDisconnect = 1;
constexpr std::uint32_t kNotAllowedToConnect = 1;
// RFC 4253 section 6: a whole number of blocks, at least four bytes of padding, and some sizes that
// every implementation takes.
constexpr std::size_t kBlock = 8;
constexpr std::size_t kLeastPadding = 4;
constexpr std::size_t kMaxTextBytes = 2000;

void add_number(std::string& out, std::size_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xFF);
}

void add_string(std::string& out, std::string_view text) {
  add_number(out, text.size());
  out += text;
}

}  // namespace

Awaitable<void> refuse_connect(Stream& client, Refusal refusal) {
  std::string head = "HTTP/1.1 " + std::to_string(refusal.status) + " Refused by redoubtful\r\n";
  for (const auto& field : refusal.fields) head += field.name + ": " + field.value + "\r\n";
  head +=
      "Content-Length: " + std::to_string(refusal.body.size()) + "\r\nConnection: close\r\n\r\n";
  head += refusal.body;
  std::vector<boost::asio::const_buffer> bytes = {boost::asio::buffer(head)};
  co_await client.write(std::move(bytes));
}

bool is_ssh_port(Port port) noexcept { return port.number() == 22; }

bool looks_like_ssh(std::string_view early) { return early.starts_with("SSH-"); }

std::string ssh_refusal_text(const Policy& policy, const Denial& denial, const Host& host) {
  std::string out = "redoubtful: " + denial_text(denial);
  if (!denial.remedy.empty()) out += " (outside of the sandbox, by its user).";
  const auto https = policy.admit(host, https_port(), Carried::kTls);
  if (std::holds_alternative<Admission>(https)) {
    out += " https://" + host.text() +
           "/ is allowed: use that address. (`git config --get-regexp insteadof` shows what turns "
           "it into ssh.)";
  }
  return out;
}

std::string ssh_disconnect(std::string_view text) {
  std::string payload(1, kDisconnect);
  add_number(payload, kNotAllowedToConnect);
  add_string(payload, text.substr(0, kMaxTextBytes));
  add_string(payload, "en");
  const std::size_t unpadded = 4 + 1 + payload.size();
  std::size_t padding = kBlock - unpadded % kBlock;
  if (padding < kLeastPadding) padding += kBlock;
  std::string out = "SSH-2.0-redoubtful\r\n";
  add_number(out, 1 + payload.size() + padding);
  out += static_cast<char>(padding);
  out += payload;
  out.append(padding, '\0');
  return out;
}

Awaitable<void> tell_ssh(boost::asio::ip::tcp::socket socket, std::string text) {
  const auto client = plain_stream(std::move(socket));
  Watchdog watchdog(*client);
  watchdog.expires_after(limits::kRefusalWrite);
  const std::string bytes = ssh_disconnect(text);
  std::vector<boost::asio::const_buffer> buffers = {boost::asio::buffer(bytes)};
  const IoResult written = co_await client->write(std::move(buffers));
  if (written.error) co_return;
  co_await client->shutdown_write();
  // A connection that is closed with bytes unread is reset, and the words are lost.
  std::array<char, 4096> rest;
  for (std::size_t read = 0; read < limits::kDrainBytes;) {
    const IoResult got = co_await client->read_some(boost::asio::buffer(rest));
    if (got.error) break;
    read += got.bytes;
  }
  client->close();
}

}  // namespace redoubtful::proxy
