#include "common/control_channel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <thread>

#include "common/pipe.hpp"

namespace redoubtful::control {
namespace {

struct Ends {
  UniqueFd a;
  UniqueFd b;
};

Ends socket_pair() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

template <class T>
T sent_and_received(const Message& message) {
  const Ends ends = socket_pair();
  EXPECT_TRUE(send(ends.a.get(), message));
  Receiver receiver(ends.b.get());
  auto received = receiver.receive();
  EXPECT_TRUE(received) << received.error().what();
  EXPECT_TRUE(std::holds_alternative<T>(*received));
  return std::get<T>(std::move(*received));
}

ino_t inode(int fd) {
  struct stat facts {};
  EXPECT_EQ(::fstat(fd, &facts), 0);
  return facts.st_ino;
}

TEST(ControlChannel, EveryFieldOfAMessageArrives) {
  const auto pipe = make_pipe();
  Configure configure;
  configure.session = "20260101T000000Z-1";
  configure.profile = std::string("{\"x\":\0}", 7);
  configure.environment = {{"TOKEN", "ghp_secret"}, {"EMPTY", ""}};
  configure.commands = {"PATH=/usr/bin", "HOME=/home/u"};
  configure.audit = UniqueFd(::fcntl(pipe->write.get(), F_DUPFD_CLOEXEC, 0));
  const auto got = sent_and_received<Configure>(std::move(configure));
  EXPECT_EQ(got.session, "20260101T000000Z-1");
  EXPECT_EQ(got.profile, std::string("{\"x\":\0}", 7));
  ASSERT_EQ(got.environment.size(), 2U);
  EXPECT_EQ(got.environment[0].value, "ghp_secret");
  EXPECT_EQ(got.commands, (std::vector<std::string>{"PATH=/usr/bin", "HOME=/home/u"}));
  EXPECT_EQ(inode(got.audit.get()), inode(pipe->write.get()));
  EXPECT_NE(::fcntl(got.audit.get(), F_GETFD) & FD_CLOEXEC, 0);

  const auto ready =
      sent_and_received<Ready>(Ready{"PEM",
                                     {{"github", {"GH_TOKEN", "GITHUB_TOKEN"}, "ghp_surrogate"}},
                                     {{"/h/.npmrc", "x"}},
                                     {"a line"}});
  EXPECT_EQ(ready.files.at(0).path, "/h/.npmrc");
  EXPECT_EQ(ready.files.at(0).text, "x");
  EXPECT_EQ(ready.surrogates.at(0).variables,
            (std::vector<std::string>{"GH_TOKEN", "GITHUB_TOKEN"}));
  EXPECT_EQ(ready.notes, std::vector<std::string>{"a line"});

  const auto failed = sent_and_received<Failed>(Failed{Errc::kInvalidProfile, "what", "hint"});
  EXPECT_EQ(failed.code, Errc::kInvalidProfile);
  EXPECT_EQ(failed.hint, "hint");

  const auto summary = sent_and_received<Summary>(
      Summary{{{"evil.example", 7, "evil.example"}}, {"api.example.com"}, {"an alarm"}});
  EXPECT_EQ(summary.refused.at(0).count, 7U);
  EXPECT_EQ(summary.alarms.size(), 1U);

  const auto probe = sent_and_received<Probe>(Probe{"https://api.example.com/x", "GET"});
  EXPECT_EQ(probe.target, "https://api.example.com/x");
  EXPECT_EQ(probe.method, "GET");
  EXPECT_EQ(sent_and_received<ProbeResult>(ProbeResult{1, {"x"}}).reachable, 1);
  sent_and_received<Serving>(Serving{});
  sent_and_received<Finish>(Finish{});
}

TEST(ControlChannel, ListenersKeepTheirOrderAndPurpose) {
  Listeners listeners;
  std::vector<ino_t> inodes;
  for (int i = 0; i < 200; ++i) {
    const auto pipe = make_pipe();
    inodes.push_back(inode(pipe->read.get()));
    listeners.sockets.push_back({i % 2 == 0 ? SocketPurpose::kTls : SocketPurpose::kSsh,
                                 UniqueFd(::fcntl(pipe->read.get(), F_DUPFD_CLOEXEC, 0))});
  }
  const auto got = sent_and_received<Listeners>(std::move(listeners));
  ASSERT_EQ(got.sockets.size(), 200U);
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(inode(got.sockets[i].fd.get()), inodes[i]);
    EXPECT_EQ(got.sockets[i].purpose, i % 2 == 0 ? SocketPurpose::kTls : SocketPurpose::kSsh);
  }
}

TEST(ControlChannel, ALargeMessageArrivesInPieces) {
  const Ends ends = socket_pair();
  Configure configure;
  configure.profile = std::string(4'000'000, 'x');
  const Message message(std::move(configure));
  std::thread sender([&] { EXPECT_TRUE(send(ends.a.get(), message)); });
  Receiver receiver(ends.b.get());
  const auto got = receiver.receive();
  sender.join();
  ASSERT_TRUE(got);
  EXPECT_EQ(std::get<Configure>(*got).profile.size(), 4'000'000U);
}

TEST(ControlChannel, PollingNeverWaits) {
  const Ends ends = socket_pair();
  Receiver receiver(ends.b.get());
  auto nothing = receiver.poll();
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  const auto encoded = encode(Message(Failed{Errc::kTls, "what", ""}));
  for (const char byte : encoded->bytes) {
    auto before = receiver.poll();
    ASSERT_TRUE(before);
    EXPECT_FALSE(*before);
    ASSERT_EQ(::write(ends.a.get(), &byte, 1), 1);
  }
  auto whole = receiver.poll();
  ASSERT_TRUE(whole);
  ASSERT_TRUE(*whole);
  EXPECT_EQ(std::get<Failed>(**whole).what, "what");
}

TEST(ControlChannel, WhatIsNotAMessageEndsTheConversation) {
  const std::string good = encode(Message(Probe{"a.example", "GET"}))->bytes;
  const auto changed = [&](std::size_t at, char byte) {
    std::string out = good;
    out[at] = byte;
    return out;
  };
  const std::vector<std::pair<const char*, std::string>> bad = {
      {"wrong magic", changed(0, 'X')},
      {"no such type", changed(4, 99)},
      {"type zero", changed(4, 0)},
      {"a descriptor that did not come", changed(5, 1)},
      {"another version", changed(6, 2)},
      {"longer than any frame", changed(11, 0x7F)},
      {"a text longer than the message", changed(12, 0x7F)},
      {"bytes left over", changed(8, static_cast<char>(good[8] + 1)) + "x"},
      {"cut short", good.substr(0, good.size() - 1)},
  };
  for (const auto& [name, bytes] : bad) {
    const Ends ends = socket_pair();
    ASSERT_EQ(::write(ends.a.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
    ::shutdown(ends.a.get(), SHUT_WR);
    Receiver receiver(ends.b.get());
    const auto got = receiver.receive();
    EXPECT_FALSE(got) << name;
    if (!got) {
      EXPECT_EQ(got.error().code(), Errc::kPeerProtocol) << name;
    }
  }
}

TEST(ControlChannel, AListThatClaimsMillionsOfItemsCostsNothing) {
  std::string frame = encode(Message(ProbeResult{1, {}}))->bytes;
  frame.replace(frame.size() - 4, 4, std::string("\xff\xff\xff\x7f", 4));
  const auto header = decode_header(frame);
  ASSERT_TRUE(header);
  EXPECT_FALSE(decode(*header, std::string_view(frame).substr(kHeaderBytes), {}));
}

}  // namespace
}  // namespace redoubtful::control
