#include "cli/control_socket.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace redoubtful::cli {
namespace {

using protocol::Message;
using protocol::Report;

struct Pair {
  UniqueFd ours;
  UniqueFd theirs;
  Pair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }

  void send(const void* bytes, std::size_t size, std::vector<int> descriptors = {}) const {
    iovec part{const_cast<void*>(bytes), size};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char ancillary[CMSG_SPACE(16 * sizeof(int))] = {};
    if (!descriptors.empty()) {
      header.msg_control = ancillary;
      header.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
      cmsghdr* const rights = CMSG_FIRSTHDR(&header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
      std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size() * sizeof(int));
    }
    EXPECT_EQ(::sendmsg(theirs.get(), &header, 0), static_cast<ssize_t>(size));
  }

  Result<InitReport> receive() const {
    bool empty = false;
    auto report = receive_report(ours.get(), empty);
    EXPECT_FALSE(empty);
    return report;
  }

  Result<InitReport> pass(Report type, int value, std::vector<int> descriptors = {}) const {
    Message message;
    message.type = static_cast<std::uint16_t>(type);
    message.value = value;
    send(&message, sizeof message, std::move(descriptors));
    return receive();
  }
};

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 1024; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

TEST(ControlSocket, TakesWhatInitMaySay) {
  const Pair pair;
  EXPECT_TRUE(pair.pass(Report::kReady, 0));
  EXPECT_TRUE(pair.pass(Report::kStarted, 0));
  EXPECT_TRUE(pair.pass(Report::kStopped, SIGTSTP));
  EXPECT_TRUE(pair.pass(Report::kWantsTerminal, SIGTTIN));
  EXPECT_TRUE(pair.pass(Report::kFrozen, 0));
  EXPECT_TRUE(pair.pass(Report::kExecFailed, ENOENT));
  EXPECT_EQ(pair.pass(Report::kExited, 7 << 8)->value, 7 << 8);
}

TEST(ControlSocket, RefusesEverythingElse) {
  const Pair pair;
  const auto refused = [](const Result<InitReport>& result) {
    return !result && result.error().code() == Errc::kPeerProtocol;
  };
  EXPECT_TRUE(refused(pair.pass(static_cast<Report>(0), 0)));
  EXPECT_TRUE(refused(pair.pass(static_cast<Report>(99), 0)));
  EXPECT_TRUE(refused(pair.pass(Report::kStopped, SIGKILL)));
  EXPECT_TRUE(refused(pair.pass(Report::kStopped, -1)));
  EXPECT_TRUE(refused(pair.pass(Report::kExited, 0x137f)));  // "stopped" is no end
  EXPECT_TRUE(refused(pair.pass(Report::kExecFailed, -1)));
  Message message;
  message.type = static_cast<std::uint16_t>(Report::kStarted);
  pair.send(&message, sizeof message - 1);
  EXPECT_TRUE(refused(pair.receive()));
  const char longer[sizeof message + 1] = {};
  pair.send(longer, sizeof longer);
  EXPECT_TRUE(refused(pair.receive()));
  message.version = 99;
  pair.send(&message, sizeof message);
  EXPECT_TRUE(refused(pair.receive()));
}

TEST(ControlSocket, TakesATerminalAndNothingElseForATerminal) {
  const Pair pair;
  const UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(master.valid());
  const auto ready = pair.pass(Report::kReady, 0, {master.get()});
  ASSERT_TRUE(ready);
  EXPECT_TRUE(ready->descriptor.valid());
  EXPECT_NE(::fcntl(ready->descriptor.get(), F_GETFL) & O_NONBLOCK, 0);
  const UniqueFd file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_FALSE(pair.pass(Report::kReady, 0, {file.get()}));
  EXPECT_FALSE(pair.pass(Report::kStarted, 0, {file.get()})->descriptor.valid());
}

TEST(ControlSocket, TakesADatagramSocketAndNothingElseForPages) {
  const Pair pair;
  const UniqueFd datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(datagrams.valid());
  const auto taken = pair.pass(Report::kPageSocket, 0, {datagrams.get()});
  ASSERT_TRUE(taken);
  EXPECT_TRUE(taken->descriptor.valid());
  const UniqueFd stream(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_FALSE(pair.pass(Report::kPageSocket, 0, {stream.get()}));
  EXPECT_FALSE(pair.pass(Report::kPageSocket, 0, {file.get()}));
  EXPECT_FALSE(pair.pass(Report::kPageSocket, 0));
}

TEST(ControlSocket, DescriptorsThatNobodyAskedForAreClosed) {
  const Pair pair;
  const UniqueFd file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const std::size_t before = open_descriptors();
  for (int round = 0; round < 10; ++round) {
    const std::vector<int> many(12, file.get());
    EXPECT_TRUE(pair.pass(Report::kStarted, 0, many));
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(ControlSocket, AnInitThatDoesNotReadBlocksNothing) {
  EventLoop loop;
  Pair pair;
  bool closed = false;
  ControlSocket socket(
      loop, std::move(pair.ours), [](const InitReport&) {},
      [&](const Error& error) { closed = error.code() == Errc::kNone; });
  for (int i = 0; i < 100'000; ++i) socket.send(protocol::Order::kSignal, SIGTERM);
  pair.theirs.reset();
  for (int i = 0; i < 10 && !closed; ++i) {
    ASSERT_TRUE(loop.run_once(std::chrono::milliseconds(100)));
  }
  EXPECT_TRUE(closed);
}

}  // namespace
}  // namespace redoubtful::cli
