// N1 and N8: from inside nothing of the network answers but the forwarded port; on the host nothing
// of ours listens but what is published, on 127.0.0.1 alone.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/box.hpp"
#include "tests/support/loopback.hpp"

namespace redoubtful::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// bash's own way to connect: no program inside needed. Prints what comes, or "refused".
std::string connect_script(const std::string& host, std::uint16_t port) {
  return "(exec 3<>/dev/tcp/" + host + "/" + std::to_string(port) +
         " && head -n 1 <&3) 2>/dev/null || echo refused";
}

std::vector<std::string> addresses_of_the_host() {
  std::set<std::string> out{"127.0.0.1", "127.0.0.2", "10.0.2.2", "169.254.169.254", "192.0.2.1"};
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(one->ifa_addr)->sin_addr, text,
                sizeof text);
    out.insert(text);
  }
  ::freeifaddrs(list);
  return {out.begin(), out.end()};
}

std::string reach_all(const std::vector<std::string>& addresses, std::uint16_t port) {
  std::string script;
  for (const auto& address : addresses) script += connect_script(address, port) + "; ";
  return script + "echo END";
}

TEST(N1, NoAddressOfTheHostAnswersFromInside) {
  const World world;
  const Listener everywhere = listen_on("0.0.0.0", SOCK_STREAM);
  const ChildProcess server = serve_hello(everywhere);
  const std::string script = reach_all(addresses_of_the_host(), everywhere.port);
  const Outcome outside =
      world.run({.options = {"--network", "none", "-f", std::to_string(everywhere.port)},
                 .command = {"/bin/bash", "-c", script}});
  EXPECT_THAT(outside.out, HasSubstr("hello")) << "positive control: the forwarded port answers";
  const Outcome inside = world.run({.command = {"/bin/bash", "-c", script}});
  EXPECT_THAT(inside.out, HasSubstr("END")) << inside.err;
  EXPECT_THAT(inside.out, ::testing::Not(HasSubstr("hello")));
}

TEST(N1, ForwardingOnePortShowsThatPortAlone) {
  const World world;
  const Listener shown = listen_on("127.0.0.1", SOCK_STREAM);
  const Listener hidden = listen_on("0.0.0.0", SOCK_STREAM);
  const ChildProcess one = serve_hello(shown);
  const ChildProcess two = serve_hello(hidden);
  const std::string script = connect_script("127.0.0.1", shown.port) + "; echo ---; " +
                             reach_all(addresses_of_the_host(), hidden.port);
  const Outcome inside = world.run(
      {.options = {"-f", std::to_string(shown.port)}, .command = {"/bin/bash", "-c", script}});
  EXPECT_THAT(inside.out, HasSubstr("hello\n---")) << "positive control";
  EXPECT_THAT(inside.out, HasSubstr("END"));
  EXPECT_EQ(inside.out.find("hello", inside.out.find("---")), std::string::npos) << inside.out;
}

TEST(N1, UnequalPortsKeepTheHostsSideLeft) {
  const World world;
  const Listener host = listen_on("127.0.0.1", SOCK_STREAM);
  const ChildProcess server = serve_hello(host);
  const std::string both = std::to_string(host.port) + ":47123";
  const Outcome inside = world.run({.options = {"-f", both},
                                    .command = {"/bin/bash", "-c",
                                                connect_script("localhost", 47123) + "; " +
                                                    connect_script("localhost", host.port)}});
  EXPECT_EQ(inside.out, "hello\nrefused\n") << inside.err;
}

TEST(N1, NothingButLoopbackExistsAndNothingCanBeAdded) {
  const World world;
  const Outcome inside = world.run(
      {.command = {"/bin/bash", "-c",
                   "cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '; cat /proc/net/route | tail "
                   "-n +2; (echo > /dev/udp/192.0.2.1/53) 2>&1 | grep -q unreachable && echo "
                   "unreachable; echo END"}});
  EXPECT_EQ(inside.out, "lo\nunreachable\nEND\n") << inside.err;
}

TEST(N1, AServerThatStartsLaterIsReachedThen) {
  const World world;
  const std::uint16_t port = free_port();
  auto running = Running::start(
      world.program({.options = {"-f", std::to_string(port)},
                     .command = {"/bin/bash", "-c",
                                 connect_script("localhost", port) +
                                     "; echo waiting; until test -e go; do sleep 0.05; done; " +
                                     connect_script("localhost", port)}}));
  ASSERT_TRUE(running.wait_for("waiting"));
  const Listener late = listen_on("127.0.0.1", SOCK_STREAM, port);
  const ChildProcess server = serve_hello(late);
  world.write(world.project() / "go", "");
  EXPECT_THAT(running.finish().out, HasSubstr("waiting\nhello\n"));
}

TEST(N1, ADatagramPortIsForwarded) {
  const World world;
  const Listener host = listen_on("127.0.0.1", SOCK_DGRAM);
  const Outcome inside = world.run(
      {.options = {"-f", "udp:" + std::to_string(host.port)},
       .command = {
           "/bin/bash", "-c",
           "echo ping > /dev/udp/127.0.0.1/" + std::to_string(host.port) +
               "; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; test -e got && break; done; true"}});
  EXPECT_EQ(inside.status, 0) << inside.err;
  pollfd wait{.fd = host.fd.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&wait, 1, 2000), 1) << "no datagram came";
  char buffer[16] = {};
  EXPECT_EQ(::recv(host.fd.get(), buffer, sizeof buffer, 0), 5);
  EXPECT_STREQ(buffer, "ping\n");
}

std::set<std::string> listening_sockets() {
  std::set<std::string> out;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string number, local, remote, state;
      fields >> number >> local >> remote >> state;
      const bool udp = std::string_view(table).find("udp") != std::string_view::npos;
      if (state == "0A" || udp) out.insert(std::string(table) + " " + local);
    }
  }
  return out;
}

TEST(N8, NothingListensOnTheHostButWhatIsPublished) {
  const World world;
  const std::uint16_t port = free_port();
  const auto before = listening_sockets();
  auto running = Running::start(world.program(
      {.options = {"--publish", std::to_string(port) + ":3000", "-f", "9"},
       .command = {"/bin/bash", "-c", "echo ready; until test -e go; do sleep 0.05; done"}}));
  ASSERT_TRUE(running.wait_for("ready"));
  char expected[64];
  std::snprintf(expected, sizeof expected, "/proc/net/tcp 0100007F:%04X", port);
  // Tests that run beside this one listen, too, for a moment; what is ours stays as long as the
  // run.
  std::vector<std::string> fresh;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  do {
    fresh.clear();
    for (const auto& one : listening_sockets()) {
      if (!before.contains(one)) fresh.push_back(one);
    }
  } while (fresh != std::vector<std::string>{expected} &&
           std::chrono::steady_clock::now() < deadline);
  world.write(world.project() / "go", "");
  EXPECT_EQ(running.finish().status, 0);
  EXPECT_THAT(fresh, ::testing::ElementsAre(std::string(expected)));
}

TEST(N8, APublishedServerAnswersOnLoopback) {
  const World world;
  const std::uint16_t port = free_port();
  auto running =
      Running::start(world.program({.options = {"--publish", std::to_string(port) + ":3000"},
                                    .command = {"/usr/bin/python3", "-u", "-c",
                                                "import socket\n"
                                                "s = socket.create_server(('127.0.0.1', 3000))\n"
                                                "print('ready')\n"
                                                "c, _ = s.accept()\n"
                                                "c.sendall(b'from inside')\n"
                                                "c.close()\n"}}));
  ASSERT_TRUE(running.wait_for("ready"));
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  char buffer[32] = {};
  std::string got;
  for (ssize_t n = 0; (n = ::read(client.get(), buffer, sizeof buffer)) > 0;) {
    got.append(buffer, static_cast<std::size_t>(n));
  }
  EXPECT_EQ(got, "from inside");
  EXPECT_EQ(running.finish().status, 0);
}

TEST(N8, ATakenPortIsSaidBeforeAnythingStarts) {
  const World world;
  const Listener taken = listen_on("127.0.0.1", SOCK_STREAM);
  const Outcome outcome = world.run({.options = {"--publish", std::to_string(taken.port) + ":3000"},
                                     .command = {"/bin/touch", "started"}});
  EXPECT_EQ(outcome.status, 78);
  EXPECT_THAT(outcome.err, HasSubstr("Address already in use"));
  EXPECT_FALSE(std::filesystem::exists(world.project() / "started"));
}

}  // namespace
}  // namespace redoubtful::test
