// After 101: bytes both ways, with what either side sent early.

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cstring>
#include <optional>

#include "proxy/http1_format.hpp"
#include "proxy/http1_transfer.hpp"
#include "proxy/limits.hpp"

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

// The origin as a stream that gives what a filter makes of what it sends.
class FilteredOrigin final : public Stream {
 public:
  FilteredOrigin(Stream& origin, BodyFilter& filter) : origin_(origin), filter_(filter) {}

  // For bytes that are there already.
  void feed(std::string_view bytes) { filter_.feed(bytes, out_); }

  Awaitable<IoResult> read_some(boost::asio::mutable_buffer buffer) override {
    while (given_ == out_.size() && !ended_ && filter_.fault().empty()) {
      out_.clear();
      given_ = 0;
      in_.resize(limits::kRelayBytes);
      const IoResult got = co_await origin_.read_some(boost::asio::buffer(in_));
      if (got.bytes > 0) filter_.feed({in_.data(), got.bytes}, out_);
      if (!got.error) continue;
      ended_ = got.error;
      if (ended_ == boost::asio::error::eof) filter_.finish(out_);
    }
    // What a broken filter gave before is not waited for: nothing behind it can be trusted.
    if (!filter_.fault().empty()) {
      co_return IoResult{make_error_code(boost::system::errc::bad_message), 0};
    }
    if (given_ == out_.size()) co_return IoResult{ended_, 0};
    const std::size_t bytes = std::min(buffer.size(), out_.size() - given_);
    std::memcpy(buffer.data(), out_.data() + given_, bytes);
    given_ += bytes;
    co_return IoResult{{}, bytes};
  }
  Awaitable<IoResult> write(std::vector<boost::asio::const_buffer> buffers) override {
    return origin_.write(std::move(buffers));
  }
  Awaitable<void> shutdown_write() override { return origin_.shutdown_write(); }
  void close() noexcept override { origin_.close(); }
  boost::asio::any_io_executor executor() override { return origin_.executor(); }
  std::string_view protocol() const noexcept override { return origin_.protocol(); }
  bool readable() noexcept override { return given_ < out_.size() || origin_.readable(); }

 private:
  Stream& origin_;
  BodyFilter& filter_;
  std::string in_;
  std::string out_;
  std::size_t given_ = 0;  // of out_
  boost::system::error_code ended_;
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
  BodyFilter* filter = exchange_.response_body();
  Buffers out = {boost::asio::buffer(head_)};
  std::optional<FilteredOrigin> filtered;
  if (filter != nullptr) {
    filtered.emplace(origin_.stream(), *filter).feed(origin_.bytes());
  } else if (!origin_.empty()) {
    out.push_back(boost::asio::buffer(origin_.bytes()));
  }
  const std::size_t early = filter == nullptr ? origin_.bytes().size() : 0;
  if (co_await client_.write(std::move(out))) co_return gone();
  origin_.clear();
  BufferedClient client(client_);
  Stream& origin = filtered ? static_cast<Stream&>(*filtered) : origin_.stream();
  Relayed relayed = co_await relay(client, origin);
  up_ += relayed.up;
  down_ += early + relayed.down;
  failure_ = std::move(relayed.failure);
  if (filter != nullptr && !filter->fault().empty()) failure_ = filter->fault();
  co_return Outcome::kUpgraded;
}

}  // namespace redoubtful::proxy
