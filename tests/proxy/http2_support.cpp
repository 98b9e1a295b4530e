#include "tests/proxy/http2_support.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <stdexcept>

namespace redoubtful::proxy::http2_test {
namespace {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

class TestExchange final : public Exchange {
 public:
  TestExchange(TestGate& gate, std::shared_ptr<Record> record)
      : gate_(gate), record_(std::move(record)) {
    if (gate_.request_filter) request_filter_ = gate_.request_filter();
    if (gate_.response_filter) response_filter_ = gate_.response_filter();
  }

  const RequestHead& request() const override { return record_->head; }
  BodyFilter* request_body() override { return request_filter_.get(); }
  BodyFilter* response_body() override { return response_filter_.get(); }
  void interim(Fields& fields) override { remove_fields(fields, "x-secret"); }
  std::variant<std::monostate, Refusal> respond(ResponseHead& head) override {
    if (gate_.respond) {
      if (auto refusal = gate_.respond(head)) return *std::move(refusal);
    }
    return {};
  }
  void request_trailers(Fields& trailers) override { remove_fields(trailers, "x-secret"); }
  void response_trailers(Fields& trailers) override { remove_fields(trailers, "x-secret"); }
  void finished(unsigned status, std::uint64_t up, std::uint64_t down,
                std::string_view failure) override {
    record_->status = status;
    record_->up = up;
    record_->down = down;
    record_->failure = failure;
    ++record_->finished;
  }

 private:
  TestGate& gate_;
  std::shared_ptr<Record> record_;
  std::unique_ptr<BodyFilter> request_filter_;
  std::unique_ptr<BodyFilter> response_filter_;
};

Refusal refusal(unsigned status, std::string_view text) {
  Refusal out;
  out.status = status;
  out.fields = {{"content-type", "text/plain"}, {"proxy-status", "redoubtful"}};
  out.body = std::string(text) + "\n";
  out.grpc_message = text;
  return out;
}

}  // namespace

MemoryStream::MemoryStream(asio::any_io_executor executor, std::size_t capacity)
    : executor_(executor), readable_(executor), writable_(executor), capacity_(capacity) {}

Awaitable<IoResult> MemoryStream::read_some(asio::mutable_buffer buffer) {
  while (in_.empty() && !ended_ && !closed_) {
    readable_.expires_at(asio::steady_timer::time_point::max());
    co_await readable_.async_wait(kTuple);
  }
  if (closed_) co_return IoResult{asio::error::operation_aborted, 0};
  if (in_.empty()) co_return IoResult{asio::error::eof, 0};
  const std::size_t bytes = std::min(buffer.size(), in_.size());
  std::memcpy(buffer.data(), in_.data(), bytes);
  in_.erase(0, bytes);
  co_return IoResult{{}, bytes};
}

Awaitable<IoResult> MemoryStream::write(std::vector<asio::const_buffer> buffers) {
  std::size_t written = 0;
  for (const auto& buffer : buffers) {
    std::string_view rest(static_cast<const char*>(buffer.data()), buffer.size());
    while (!rest.empty()) {
      while (out_.size() >= capacity_ && !closed_) {
        writable_.expires_at(asio::steady_timer::time_point::max());
        co_await writable_.async_wait(kTuple);
      }
      if (closed_) co_return IoResult{asio::error::operation_aborted, written};
      const std::size_t bytes = std::min(rest.size(), capacity_ - out_.size());
      out_.append(rest.substr(0, bytes));
      rest.remove_prefix(bytes);
      written += bytes;
    }
  }
  co_return IoResult{{}, written};
}

Awaitable<void> MemoryStream::shutdown_write() {
  shut_ = true;
  co_return;
}

void MemoryStream::close() noexcept {
  closed_ = true;
  wake();
}

void MemoryStream::wake() {
  readable_.cancel();
  writable_.cancel();
}

void MemoryStream::give(std::string_view bytes) {
  in_.append(bytes);
  wake();
}

std::string MemoryStream::take() {
  if (!out_.empty()) writable_.cancel();
  return std::exchange(out_, {});
}

void MemoryStream::hang_up() {
  if (ended_) return;
  ended_ = true;
  wake();
}

std::variant<std::unique_ptr<Exchange>, Refusal> TestGate::judge(RequestHead head) {
  if (throws) throw std::runtime_error("the gate is broken");
  if (head.authority != "api.example") {
    refused.push_back(head);
    return refusal(421, "another host");
  }
  auto record = std::make_shared<Record>();
  record->head = std::move(head);
  records.push_back(record);
  return std::make_unique<TestExchange>(*this, record);
}

Refusal TestGate::malformed(unsigned status, std::string_view reason) {
  complaints.emplace_back(reason);
  return refusal(status, reason);
}

Refusal TestGate::origin_failed(Exchange&, std::string_view reason) {
  failures.emplace_back(reason);
  return refusal(502, reason);
}

World::World(Options options)
    : client_stream(context.get_executor(), options.socket_bytes),
      origin_stream(context.get_executor(), options.socket_bytes),
      client(Peer::Role::kClient, client_stream, options.client),
      origin(Peer::Role::kOrigin, origin_stream, options.origin),
      bridge(client_stream, options.with_origin ? &origin_stream : nullptr, gate, options.idle) {
  asio::co_spawn(context, bridge.run(), [this](std::exception_ptr failure) {
    done = true;
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      thrown = error.what();
    }
  });
}

// Nothing may be left that still refers to the bridge.
World::~World() {
  client_stream.close();
  origin_stream.close();
  for (int i = 0; i < 100 && !done; ++i) {
    context.restart();
    context.poll();
  }
}

void World::settle() {
  for (int quiet = 0; quiet < 3;) {
    context.restart();
    const bool ran = context.poll() > 0;
    const bool client_moved = client.pump();
    const bool moved = origin.pump() || client_moved;
    quiet = ran || moved ? 0 : quiet + 1;
  }
}

std::int32_t World::get(Fields more) {
  return client.request(request_fields("GET", "api.example", "/", std::move(more)),
                        EndStream::kYes);
}

std::int32_t World::post(Fields more) {
  return client.request(request_fields("POST", "api.example", "/", std::move(more)),
                        EndStream::kNo);
}

Fields request_fields(std::string method, std::string authority, std::string path, Fields more) {
  Fields fields{{":method", std::move(method)},
                {":scheme", "https"},
                {":authority", std::move(authority)},
                {":path", std::move(path)}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

}  // namespace redoubtful::proxy::http2_test
