// Plain streams, the watchdog over them, and relay(), over loopback in one thread.

#include "proxy/stream.hpp"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio.hpp>
#include <optional>

#include "proxy/tasks.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Tcp = asio::ip::tcp;

class StreamTest : public testing::Test {
 protected:
  struct Pair {
    Tcp::socket near;
    Tcp::socket far;
  };
  Pair connected() {
    Tcp::acceptor acceptor(io_, {asio::ip::make_address("127.0.0.1"), 0});
    Tcp::socket near(io_);
    near.connect(acceptor.local_endpoint());
    return {std::move(near), acceptor.accept()};
  }

  // Until the coroutine has ended, at most 20 s.
  void run(Awaitable<void> task) {
    bool ended = false;
    auto handler = [&ended](const std::exception_ptr& error) {
      ended = true;
      if (error) std::rethrow_exception(error);
    };
    io_.restart();
    asio::co_spawn(io_, std::move(task), std::move(handler));
    while (!ended) {
      if (io_.run_one_for(20s) == 0) throw std::runtime_error("nothing happens");
    }
  }

  static void put(Tcp::socket& socket, std::string_view bytes) {
    asio::write(socket, asio::buffer(bytes));
  }

  static Awaitable<std::string> read_some(Stream& stream, std::size_t size) {
    std::string buffer(size, '\0');
    const IoResult got = co_await stream.read_some(asio::buffer(buffer));
    buffer.resize(got.bytes);
    co_return got.error ? got.error.message() : buffer;
  }
  static Awaitable<std::string> read_all(Tcp::socket& socket) {
    std::string out;
    for (;;) {
      std::array<char, 65536> buffer;
      auto [error, bytes] = co_await socket.async_read_some(asio::buffer(buffer),
                                                            asio::as_tuple(asio::use_awaitable));
      out.append(buffer.data(), bytes);
      if (error) co_return out + (error == asio::error::eof ? "" : "!" + error.message());
    }
  }
  static Awaitable<std::monostate> write_all(Tcp::socket& socket, std::string bytes) {
    co_await asio::async_write(socket, asio::buffer(bytes), asio::as_tuple(asio::use_awaitable));
    boost::system::error_code ignored;
    socket.shutdown(Tcp::socket::shutdown_send, ignored);
    co_return std::monostate{};
  }

  asio::io_context io_;
};

TEST_F(StreamTest, WhatWasReadEarlyComesFirst) {
  auto pair = connected();
  auto stream = plain_stream(std::move(pair.near), "early");
  put(pair.far, "late");
  std::vector<std::string> pieces;
  auto task = [](Stream& from, std::vector<std::string>& out) -> Awaitable<void> {
    out.push_back(co_await read_some(from, 3));
    EXPECT_TRUE(from.readable());
    out.push_back(co_await read_some(from, 10));
    out.push_back(co_await read_some(from, 10));
  };
  run(task(*stream, pieces));
  EXPECT_EQ(pieces, (std::vector<std::string>{"ear", "ly", "late"}));
  EXPECT_EQ(stream->protocol(), "");
  auto socket = take_socket(std::move(stream));
  EXPECT_TRUE(socket.is_open());
}

TEST_F(StreamTest, AnIdleConnectionIsReadableOnlyWhenThereIsSomethingOrNobody) {
  auto pair = connected();
  auto stream = plain_stream(std::move(pair.near));
  EXPECT_FALSE(stream->readable());
  put(pair.far, "x");
  pair.far.shutdown(Tcp::socket::shutdown_send);
  // The byte is on its way over loopback; a read waits for it.
  std::string got;
  auto task = [](Stream& from, std::string& out) -> Awaitable<void> {
    out = co_await read_some(from, 1);
    out += co_await read_some(from, 1);
  };
  run(task(*stream, got));
  EXPECT_EQ(got, "xEnd of file");
  EXPECT_TRUE(stream->readable()) << "the peer has hung up";
}

TEST_F(StreamTest, ClosingEndsAReadUnderWay) {
  auto pair = connected();
  auto stream = plain_stream(std::move(pair.near));
  IoResult result;
  auto task = [](Stream& from, IoResult& out) -> Awaitable<void> {
    std::array<char, 1> buffer;
    asio::post(from.executor(), [&from] { from.close(); });  // runs while the read waits
    out = co_await from.read_some(asio::buffer(buffer));
  };
  run(task(*stream, result));
  EXPECT_EQ(result.error, asio::error::operation_aborted);
}

TEST_F(StreamTest, TheWatchdogClosesWhatWaitsTooLong) {
  auto pair = connected();
  auto stream = plain_stream(std::move(pair.near));
  Watchdog watchdog(*stream);
  IoResult result;
  auto task = [](Stream& from, Watchdog& dog, IoResult& out) -> Awaitable<void> {
    std::array<char, 1> buffer;
    dog.expires_after(20ms);
    out = co_await from.read_some(asio::buffer(buffer));
  };
  const auto begun = std::chrono::steady_clock::now();
  run(task(*stream, watchdog, result));
  EXPECT_EQ(result.error, asio::error::operation_aborted);
  EXPECT_TRUE(watchdog.expired());
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 20ms);
}

// Deadlines may move to and fro; the last one holds. Another watchdog, which expires between the
// two, is the clock.
TEST_F(StreamTest, TheLastDeadlineHolds) {
  auto patient_pair = connected();
  auto hasty_pair = connected();
  auto clock_pair = connected();
  auto disarmed_pair = connected();
  auto patient = plain_stream(std::move(patient_pair.near));
  auto hasty = plain_stream(std::move(hasty_pair.near));
  auto clock = plain_stream(std::move(clock_pair.near));
  auto disarmed = plain_stream(std::move(disarmed_pair.near));
  Watchdog patience(*patient);
  Watchdog haste(*hasty);
  Watchdog time(*clock);
  Watchdog none(*disarmed);
  patience.expires_after(10ms);
  patience.expires_after(60s);
  haste.expires_after(60s);
  haste.expires_after(10ms);
  none.expires_after(10ms);
  none.disarm();
  auto task = [](Stream& from, Watchdog& dog) -> Awaitable<void> {
    std::array<char, 1> buffer;
    dog.expires_after(60ms);
    co_await from.read_some(asio::buffer(buffer));
  };
  run(task(*clock, time));
  EXPECT_TRUE(time.expired());
  EXPECT_TRUE(haste.expired());
  EXPECT_FALSE(patience.expired());
  EXPECT_FALSE(none.expired());
  // What was disarmed can be set again, and what was far away can come near.
  none.expires_after(5ms);
  patience.expires_after(5ms);
  run(task(*disarmed, none));
  run(task(*patient, patience));
  EXPECT_TRUE(none.expired());
  EXPECT_TRUE(patience.expired());
}

TEST_F(StreamTest, AWatchdogThatIsGoneBitesNobody) {
  auto pair = connected();
  auto stream = plain_stream(std::move(pair.near));
  {
    Watchdog watchdog(*stream);
    watchdog.expires_after(1ms);
  }
  auto clock_pair = connected();
  auto clock = plain_stream(std::move(clock_pair.near));
  Watchdog time(*clock);
  auto task = [](Stream& from, Watchdog& dog) -> Awaitable<void> {
    std::array<char, 1> buffer;
    dog.expires_after(20ms);
    co_await from.read_some(asio::buffer(buffer));
  };
  run(task(*clock, time));
  EXPECT_FALSE(stream->readable()) << "it is open, and nothing was said";
}

class RelayTest : public StreamTest {
 protected:
  RelayTest()
      : client_(connected()),
        origin_(connected()),
        client_stream_(plain_stream(std::move(client_.near))),
        origin_stream_(plain_stream(std::move(origin_.near))) {}

  Awaitable<std::monostate> relay_both() {
    relayed_ = co_await relay(*client_stream_, *origin_stream_);
    co_return std::monostate{};
  }

  Pair client_;  // far: what the test plays
  Pair origin_;
  std::unique_ptr<Stream> client_stream_;
  std::unique_ptr<Stream> origin_stream_;
  Relayed relayed_;
};

TEST_F(RelayTest, AnAnswerComesAfterTheClientHasEndedItsSide) {
  std::string heard;
  std::string answer;
  auto ends = [&]() -> Awaitable<std::monostate> {
    put(client_.far, "question");
    client_.far.shutdown(Tcp::socket::shutdown_send);
    heard = co_await read_all(origin_.far);
    put(origin_.far, "and the answer");
    origin_.far.shutdown(Tcp::socket::shutdown_send);
    answer = co_await read_all(client_.far);
    co_return std::monostate{};
  };
  auto all = [&]() -> Awaitable<void> {
    auto relaying = relay_both();
    auto talking = ends();
    co_await both(std::move(relaying), std::move(talking));
  };
  run(all());
  EXPECT_EQ(heard, "question");
  EXPECT_EQ(answer, "and the answer");
  EXPECT_EQ(relayed_.up, 8u);
  EXPECT_EQ(relayed_.down, 14u);
  EXPECT_EQ(relayed_.failure, "");
}

TEST_F(RelayTest, MegabytesPassBothWaysAtOnce) {
  std::string up(6'000'001, '\0');
  std::string down(5'000'003, '\0');
  for (std::size_t i = 0; i < up.size(); ++i) up[i] = static_cast<char>(i * 31 + i / 256);
  for (std::size_t i = 0; i < down.size(); ++i) down[i] = static_cast<char>(i * 17 + i / 1024);
  std::string got_up;
  std::string got_down;
  auto keep = [](Tcp::socket& socket, std::string& out) -> Awaitable<std::monostate> {
    out = co_await read_all(socket);
    co_return std::monostate{};
  };
  auto all = [&]() -> Awaitable<void> {
    auto relaying = relay_both();
    auto sending = both(write_all(client_.far, up), write_all(origin_.far, down));
    auto receiving = both(keep(origin_.far, got_up), keep(client_.far, got_down));
    auto talking = both(std::move(sending), std::move(receiving));
    co_await both(std::move(relaying), std::move(talking));
  };
  run(all());
  EXPECT_TRUE(got_up == up);
  EXPECT_TRUE(got_down == down);
  EXPECT_EQ(relayed_.up, up.size());
  EXPECT_EQ(relayed_.down, down.size());
  EXPECT_EQ(relayed_.failure, "");
}

// A side that is cut must not look complete to the other one.
TEST_F(RelayTest, ACutOnOneSideIsACutOnTheOther) {
  std::string heard;
  auto ends = [&]() -> Awaitable<std::monostate> {
    put(origin_.far, "half of");
    std::array<char, 7> half;
    co_await asio::async_read(client_.far, asio::buffer(half), asio::as_tuple(asio::use_awaitable));
    origin_.far.set_option(asio::socket_base::linger(true, 0));
    origin_.far.close();
    heard = co_await read_all(client_.far);
    co_return std::monostate{};
  };
  auto all = [&]() -> Awaitable<void> {
    auto relaying = relay_both();
    auto talking = ends();
    co_await both(std::move(relaying), std::move(talking));
  };
  run(all());
  EXPECT_EQ(relayed_.down, 7u);
  EXPECT_NE(relayed_.failure, "");
}

}  // namespace
}  // namespace redoubtful::proxy
