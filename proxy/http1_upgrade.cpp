// After 101: bytes both ways, with what either side sent early.

#include <cstring>

#include "proxy/http1_format.hpp"
#include "proxy/http1_transfer.hpp"

namespace redoubtful::proxy {
namespace {

// The client as a stream that begins with what was already read from it.
class BufferedClient final : public Stream {
 public:
  explicit BufferedClient(Http1Client& client) : client_(client) {}

  Awaitable<IoResult> read_some(boost::asio::mutable_buffer buffer) override {
    ReadBuffer& held = client_.buffer();
    if (held.empty() && client_.looking()) {
      const auto error = co_await client_.fill();
      if (error) co_return IoResult{error, 0};
    }
    if (held.empty() && held.end_of_stream()) co_return IoResult{held.end_of_stream(), 0};
    if (held.empty()) co_return co_await client_.stream().read_some(buffer);
    const std::size_t bytes = std::min(buffer.size(), held.bytes().size());
    std::memcpy(buffer.data(), held.bytes().data(), bytes);
    held.consume(bytes);
    co_return IoResult{{}, bytes};
  }
  Awaitable<IoResult> write(std::vector<boost::asio::const_buffer> buffers) override {
    return client_.stream().write(std::move(buffers));
  }
  Awaitable<void> shutdown_write() override { return client_.stream().shutdown_write(); }
  void close() noexcept override { client_.stream().close(); }
  boost::asio::any_io_executor executor() override { return client_.stream().executor(); }
  std::string_view protocol() const noexcept override { return client_.stream().protocol(); }
  bool readable() noexcept override {
    return !client_.buffer().empty() || client_.stream().readable();
  }

 private:
  Http1Client& client_;
};

}  // namespace

Awaitable<Http1Transfer::Outcome> Http1Transfer::upgrade(ParsedResponse response) {
  client_.answering();
  client_.unwatch();
  const auto judged = exchange_.respond(response.head);
  if (const auto* refusal = std::get_if<Refusal>(&judged))
    co_return co_await pass_refusal(*refusal);
  status_ = response.head.status;
  head_.clear();
  format_upgraded(response.head, head_);
  Buffers out = {boost::asio::buffer(head_)};
  if (!origin_.empty()) out.push_back(boost::asio::buffer(origin_.bytes()));
  const std::size_t early = origin_.bytes().size();
  if (co_await client_.write(std::move(out))) co_return gone();
  origin_.clear();
  BufferedClient client(client_);
  Relayed relayed = co_await relay(client, origin_.stream());
  up_ += relayed.up;
  down_ += early + relayed.down;
  failure_ = std::move(relayed.failure);
  co_return Outcome::kUpgraded;
}

}  // namespace redoubtful::proxy
