#pragma once

// A whole HTTP/1 connection in memory: whatever client and origin send, the origin receives
// requests that were judged and nothing else, and the client answers.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <cstring>
#include <memory>

#include "proxy/http1_body.hpp"
#include "tests/fuzz/http1_targets.hpp"

namespace redoubtful::fuzz {

// A stream of bytes that are all there, delivered in small pieces; then the end.
class MemoryStream final : public proxy::Stream {
 public:
  MemoryStream(boost::asio::any_io_executor executor, std::string_view bytes, std::size_t step)
      : executor_(std::move(executor)), bytes_(bytes), step_(step) {}

  proxy::Awaitable<proxy::IoResult> read_some(boost::asio::mutable_buffer buffer) override {
    if (closed_) co_return proxy::IoResult{boost::asio::error::operation_aborted, 0};
    if (bytes_.empty()) co_return proxy::IoResult{boost::asio::error::eof, 0};
    const std::size_t bytes = std::min({buffer.size(), bytes_.size(), step_});
    std::memcpy(buffer.data(), bytes_.data(), bytes);
    bytes_.remove_prefix(bytes);
    co_return proxy::IoResult{{}, bytes};
  }
  proxy::Awaitable<proxy::IoResult> write(std::vector<boost::asio::const_buffer> buffers) override {
    if (closed_) co_return proxy::IoResult{boost::asio::error::operation_aborted, 0};
    must(!ended_);
    std::size_t bytes = 0;
    for (const auto& buffer : buffers) {
      written_.append(static_cast<const char*>(buffer.data()), buffer.size());
      bytes += buffer.size();
    }
    co_return proxy::IoResult{{}, bytes};
  }
  proxy::Awaitable<void> shutdown_write() override {
    ended_ = true;
    co_return;
  }
  void close() noexcept override { closed_ = true; }
  boost::asio::any_io_executor executor() override { return executor_; }
  std::string_view protocol() const noexcept override { return {}; }
  bool readable() noexcept override { return true; }
  const std::string& written() const noexcept { return written_; }

 private:
  boost::asio::any_io_executor executor_;
  std::string_view bytes_;
  std::size_t step_;
  std::string written_;
  bool closed_ = false;
  bool ended_ = false;
};

class RelayGate final : public proxy::Gate {
 public:
  std::vector<proxy::RequestHead> judged;
  std::size_t finished = 0;

  std::variant<std::unique_ptr<proxy::Exchange>, proxy::Refusal> judge(
      proxy::RequestHead head) override {
    if (head.target.find("refuse") != std::string::npos) return proxy::Refusal{};
    judged.push_back(head);
    return std::make_unique<RelayExchange>(*this, std::move(head));
  }
  proxy::Refusal malformed(unsigned status, std::string_view) override {
    return {.status = status, .fields = {}, .body = "bad", .grpc_message = {}};
  }
  proxy::Refusal origin_failed(proxy::Exchange&, std::string_view) override {
    return {.status = 502, .fields = {}, .body = "broken", .grpc_message = {}};
  }

 private:
  class RelayExchange final : public proxy::Exchange {
   public:
    RelayExchange(RelayGate& gate, proxy::RequestHead head) : gate_(gate), head_(std::move(head)) {}
    const proxy::RequestHead& request() const override { return head_; }
    proxy::BodyFilter* request_body() override { return nullptr; }
    void interim(proxy::Fields&) override {}
    std::variant<std::monostate, proxy::Refusal> respond(proxy::ResponseHead&) override {
      return std::monostate{};
    }
    proxy::BodyFilter* response_body() override { return nullptr; }
    void request_trailers(proxy::Fields&) override {}
    void response_trailers(proxy::Fields&) override {}
    void finished(unsigned, std::uint64_t, std::uint64_t, std::string_view) override {
      ++gate_.finished;
    }

   private:
    RelayGate& gate_;
    proxy::RequestHead head_;
  };
};

// Each connection to the origin gets the same answers.
class RelayOrigins final : public proxy::OriginSource {
 public:
  RelayOrigins(boost::asio::any_io_executor executor, std::string_view answers, std::size_t step)
      : executor_(std::move(executor)), answers_(answers), step_(step) {}
  proxy::Awaitable<std::variant<proxy::Stream*, proxy::Refusal>> stream_for(
      proxy::Exchange&) override {
    if (!stream_) stream_ = std::make_unique<MemoryStream>(executor_, answers_, step_);
    co_return stream_.get();
  }
  void discard() noexcept override {
    if (stream_) received.push_back(stream_->written());
    stream_.reset();
  }

  std::vector<std::string> received;

 private:
  boost::asio::any_io_executor executor_;
  std::string_view answers_;
  std::size_t step_;
  std::unique_ptr<MemoryStream> stream_;
};

// Reads what an origin received; returns how many heads there were. Bytes behind an upgrade are not
// requests.
inline std::size_t read_requests(std::string_view bytes,
                                 const std::vector<proxy::RequestHead>& judged, std::size_t at) {
  using namespace proxy;
  std::size_t heads = 0;
  while (!bytes.empty()) {
    HeadScanner scanner;
    const auto end = scanner.scan(bytes);
    must(std::holds_alternative<std::size_t>(end));
    const auto parsed =
        parse_request_head(bytes.substr(0, std::get<std::size_t>(end)), Http1Entry::kDirect);
    bytes.remove_prefix(std::get<std::size_t>(end));
    if (const auto* fault = std::get_if<HeadFault>(&parsed)) {
      must(fault->status == 431);
      return heads + 1;
    }
    const auto& request = std::get<ParsedRequest>(parsed);
    must(at + heads < judged.size());
    must(request.head.method == judged[at + heads].method);
    must(request.head.target == judged[at + heads].target);
    must(request.head.has_body == judged[at + heads].has_body);
    ++heads;
    if (request.head.upgrade_websocket) return heads;
    if (request.framing.kind == Framing::Kind::kLength) {
      bytes.remove_prefix(std::min<std::uint64_t>(bytes.size(), request.framing.length));
    } else if (request.framing.kind == Framing::Kind::kChunked) {
      ChunkedDecoder decoder;
      while (!bytes.empty() && !decoder.done()) {
        bytes.remove_prefix(decoder.take(bytes).taken);
        must(!decoder.fault());
      }
    }
  }
  return heads;
}

// A byte for the pieces; then what the client sends, 0xff, and what the origin sends.
inline void http1_relay(std::string_view input) {
  using namespace proxy;
  if (input.empty()) return;
  const std::size_t step = 1 + static_cast<unsigned char>(input.front());
  input.remove_prefix(1);
  const std::size_t split = std::min(input.find('\xff'), input.size());
  boost::asio::io_context io;
  MemoryStream client(io.get_executor(), input.substr(0, split), step);
  RelayGate gate;
  RelayOrigins origins(io.get_executor(), input.substr(std::min(split + 1, input.size())), step);
  bool ended = false;
  auto served = serve_http1(client, Http1Entry::kDirect, gate, origins);
  boost::asio::co_spawn(io, std::move(served), [&](const std::exception_ptr& failure, const auto&) {
    must(!failure);
    ended = true;
  });
  io.run();
  must(ended);
  origins.discard();
  must(gate.finished == gate.judged.size());
  must(client.written().empty() || client.written().starts_with("HTTP/1.1 "));
  // A request that is tried again was judged once, so each connection begins no later than here.
  std::size_t at = 0;
  for (const std::string& bytes : origins.received) {
    if (bytes.empty()) continue;
    std::size_t first = at;
    const std::string line = bytes.substr(0, bytes.find(" HTTP/1.1"));
    if (first > 0 && first <= gate.judged.size() &&
        (first == gate.judged.size() ||
         line != gate.judged[first].method + " " + gate.judged[first].target)) {
      --first;
    }
    at = first + read_requests(bytes, gate.judged, first);
  }
}

}  // namespace redoubtful::fuzz
