// Streams: each event at once, a gigabyte in constant memory, and a reader that stalls stops the
// sender.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/proxy/http1_rig.hpp"

namespace redoubtful::proxy::test {
namespace {

// From now on peak_kib() begins with what is resident. Source: proc(5), clear_refs.
void reset_peak() {
  std::ofstream file("/proc/self/clear_refs");
  file << 5 << std::flush;
  ASSERT_TRUE(file.good());
}

// The most that was resident at a time.
std::size_t peak_kib() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmHWM:")) return std::strtoul(line.c_str() + 6, nullptr, 10);
  }
  ADD_FAILURE() << "no VmHWM";
  return 0;
}

std::uint64_t stream_bytes() {
  const char* gigabytes = std::getenv("REDOUBTFUL_STREAM_GB");
  return (gigabytes == nullptr ? 1 : std::strtoull(gigabytes, nullptr, 10)) << 30;
}

TEST(Http1Streaming, EachEventArrivesBeforeTheNextIsSent) {
  Rig rig;
  Peer client = rig.client();
  client.send(get("/events", "Accept: text/event-stream\r\n"));
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  origin.send(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  client.read_until("\r\n\r\n");
  constexpr int kEvents = 500;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kEvents; ++i) {
    origin.send("e\r\ndata: tick 01\n\r\n");
    ASSERT_EQ(client.read(19), "e\r\ndata: tick 01\n\r\n");
  }
  const auto each = (std::chrono::steady_clock::now() - begin) / kEvents;
  RecordProperty("nanoseconds_per_event", std::to_string(each.count()));
  EXPECT_LT(each, std::chrono::milliseconds(5)) << "a busy machine, but no timer";
  origin.send("0\r\n\r\n");
  EXPECT_EQ(client.read(5), "0\r\n\r\n");
}

// Sends `total` bytes on one thread while the test reads them on its own.
void pump(Peer& from, Peer& to, std::uint64_t total) {
  std::thread sender([&] {
    const std::string piece(1 << 20, 'x');
    for (std::uint64_t sent = 0; sent < total; sent += piece.size()) from.send(piece);
  });
  const std::string expected(1 << 20, 'x');
  bool same = true;
  for (std::uint64_t got = 0; got < total; got += expected.size()) {
    same = same && to.read(expected.size()) == expected;
  }
  sender.join();
  EXPECT_TRUE(same);
}

TEST(Http1Streaming, AGigabyteEachWayTakesNoMemory) {
  const std::uint64_t total = stream_bytes();
  const std::string length = "Content-Length: " + std::to_string(total) + "\r\n\r\n";
  Rig rig;
  Peer client = rig.client();
  client.send("PUT / HTTP/1.1\r\nHost: a.example\r\n" + length);
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  reset_peak();
  const std::size_t before = peak_kib();
  pump(client, origin, total);
  origin.send("HTTP/1.1 200 OK\r\n" + length);
  client.read_until("\r\n\r\n");
  pump(origin, client, total);
  // The test's own pieces of 1 MiB are a part of it.
  EXPECT_LT(peak_kib(), before + 16 * 1024);
  const auto seen = rig.finished(1);
  EXPECT_EQ(seen[0].up, total);
  EXPECT_EQ(seen[0].down, total);
}

// What the proxy and the kernel's buffers on the way take, when nobody reads at the far end.
std::size_t taken_while_stalled(Peer& from) {
  const std::string piece(1 << 20, 'x');
  std::size_t taken = 0;
  while (taken < (std::size_t{64} << 20)) {
    const std::size_t sent = from.send_some(piece);
    if (sent == 0) break;
    taken += sent;
  }
  return taken;
}

TEST(Http1Streaming, AReaderThatStallsStopsTheSender) {
  const std::string length = "Content-Length: 9000000000\r\n\r\n";
  reset_peak();
  const std::size_t before = peak_kib();
  {
    Rig rig;
    Peer client = rig.client();
    client.send(get());
    Peer origin = rig.origin();
    origin.read_until("\r\n\r\n");
    origin.send("HTTP/1.1 200 OK\r\n" + length);
    client.read_until("\r\n\r\n");
    const std::size_t down = taken_while_stalled(origin);
    EXPECT_LT(down, std::size_t{32} << 20);  // two sockets' buffers, as the kernel likes them
  }
  Rig rig;
  Peer client = rig.client();
  client.send("PUT / HTTP/1.1\r\nHost: a.example\r\n" + length);
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  const std::size_t up = taken_while_stalled(client);
  EXPECT_LT(up, std::size_t{32} << 20);
  EXPECT_LT(peak_kib(), before + 8 * 1024);
  RecordProperty("bytes_taken", std::to_string(up));
}

TEST(Http1Streaming, ManySmallChunksAreJoinedAndNothingIsLost) {
  Rig rig;
  Peer client = rig.client();
  client.send(get());
  Peer origin = rig.origin();
  origin.read_until("\r\n\r\n");
  std::string body = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::string piece(static_cast<std::size_t>(1 + i % 50), static_cast<char>('a' + i % 26));
    char size[8];
    std::snprintf(size, sizeof size, "%zx", piece.size());
    body += std::string(size) + "\r\n" + piece + "\r\n";
    expected += piece;
  }
  body += "0\r\n\r\n";
  std::thread sender([&] { origin.send(body); });
  client.read_until("\r\n\r\n");
  std::string got;
  for (;;) {
    const std::size_t size = std::strtoul(client.read_until("\r\n").c_str(), nullptr, 16);
    got += client.read(size);
    EXPECT_EQ(client.read(2), "\r\n");
    if (size == 0) break;
  }
  sender.join();
  EXPECT_TRUE(got == expected);
}

}  // namespace
}  // namespace redoubtful::proxy::test
