// B4: only AF_UNIX, AF_INET, AF_INET6 and NETLINK_ROUTE; no socket or FIFO of the host.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "tests/support/box.hpp"

namespace redoubtful::test {
namespace {

// A socket of the host that anybody may connect to; an abstract one for a name that starts with
// '@'.
UniqueFd listening(const std::string& name, int type) {
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  EXPECT_LT(name.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, name.data(), name.size());
  // As the probe names it: a path with its NUL, an abstract name without.
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
  if (name[0] == '@') {
    address.sun_path[0] = '\0';
    --size;
  }
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0) << name;
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(fd.get(), 8), 0);
  }
  return fd;
}

TEST(B4, OnlyTheFamiliesOfEverydayProgramsExist) {
  const World world;
  const ProbeReport inside = world.probe("probe_sockets");
  ASSERT_TRUE(inside.complete());
  for (int family = 0; family < 48; ++family) {
    const std::string name = fmt::format("family_{}", family);
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK) {
      EXPECT_TRUE(inside.worked(name));
    } else {
      EXPECT_TRUE(inside.refused(name, {"EAFNOSUPPORT"}));
    }
  }
  EXPECT_TRUE(inside.worked("netlink_0"));
  for (int protocol = 1; protocol < 24; ++protocol) {
    EXPECT_TRUE(inside.refused(fmt::format("netlink_{}", protocol), {"EPROTONOSUPPORT"}));
  }
  for (const char* name : {"inet_dccp", "inet_sctp", "inet_sctp_stream", "inet_udplite",
                           "inet_l2tp", "inet_smc", "inet_mptcp", "inet_packet", "garbage_alg",
                           "garbage_netlink_netfilter", "pair_inet", "pair_tipc"}) {
    EXPECT_TRUE(inside.refused(name, {"EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "EAFNOSUPPORT"}));
  }
  for (const char* name : {"inet_tcp", "inet_udp", "pair_unix", "pair_unix_datagram",
                           "private_path", "private_abstract", "loopback4", "loopback6"}) {
    EXPECT_TRUE(inside.worked(name));
  }
  const ProbeReport outside = world.probe_outside("probe_sockets");
  ASSERT_TRUE(outside.complete());
  EXPECT_TRUE(outside.worked("netlink_4")) << "positive control: NETLINK_SOCK_DIAG";
  EXPECT_TRUE(outside.worked("netlink_15")) << "positive control: uevents";
}

TEST(B4, NoSocketOrFifoOfTheHostCanBeUsed) {
  const World world;
  const std::filesystem::path shared = world.top() / "shared";
  std::filesystem::create_directories(shared / "deep");
  const std::string abstract = fmt::format("redoubtful-test-{}", ::getpid());
  std::vector<UniqueFd> sockets;
  sockets.push_back(listening("@" + abstract, SOCK_STREAM));
  std::vector<std::string> targets{"abstract:" + abstract};
  for (const auto& directory : {shared, shared / "deep", world.project()}) {
    sockets.push_back(listening(directory / "stream", SOCK_STREAM));
    sockets.push_back(listening(directory / "datagram", SOCK_DGRAM));
    targets.push_back("path:" + (directory / "stream").string());
    targets.push_back("path:" + (directory / "datagram").string());
    const std::string fifo = directory / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0666), 0);
    sockets.emplace_back(::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    targets.push_back("fifo:" + fifo);
  }
  const ProbeReport outside = world.probe_outside("probe_sockets", targets);
  ASSERT_TRUE(outside.complete());
  EXPECT_TRUE(outside.worked("connect_abstract:" + abstract)) << "positive control";
  for (const auto& directory : {shared, shared / "deep", world.project()}) {
    EXPECT_TRUE(outside.worked("connect_path:" + (directory / "stream").string()));
    EXPECT_TRUE(outside.worked("send_path:" + (directory / "datagram").string()));
    EXPECT_TRUE(outside.worked("fifo:" + (directory / "fifo").string()));
  }

  const ProbeReport inside = world.probe("probe_sockets", targets, {.options = {"-m", shared}});
  ASSERT_TRUE(inside.complete());
  std::size_t tried = 0;
  for (const std::string& attempt : inside.attempts()) {
    if (!attempt.starts_with("connect_") && !attempt.starts_with("send_") &&
        !attempt.starts_with("fifo:")) {
      continue;
    }
    ++tried;
    EXPECT_TRUE(inside.refused(attempt));
  }
  EXPECT_EQ(tried, 2u + 3u * (2 + 2 + 1));
}

TEST(B4, NoBusDisplayEngineOrAgentIsThere) {
  const World world;
  const std::string user = fmt::format("/run/user/{}", ::getuid());
  std::vector<std::string> targets{"path:/run/dbus/system_bus_socket",
                                   "path:/var/run/dbus/system_bus_socket",
                                   "path:" + user + "/bus",
                                   "path:" + user + "/keyring/control",
                                   "path:" + user + "/wayland-0",
                                   "path:" + user + "/gnupg/S.gpg-agent",
                                   "path:" + user + "/podman/podman.sock",
                                   "path:" + user + "/pulse/native",
                                   "path:/run/docker.sock",
                                   "path:/var/run/docker.sock",
                                   "path:/run/containerd/containerd.sock",
                                   "path:/run/systemd/private",
                                   "path:/run/systemd/journal/socket",
                                   "path:/dev/log",
                                   "path:/run/nscd/socket",
                                   "path:/run/pcscd/pcscd.comm",
                                   "path:/tmp/.X11-unix/X0",
                                   "abstract:/tmp/.X11-unix/X0",
                                   "abstract:/tmp/dbus-session"};
  const ProbeReport inside = world.probe("probe_sockets", targets);
  ASSERT_TRUE(inside.complete());
  std::size_t tried = 0;
  for (const std::string& attempt : inside.attempts()) {
    if (!attempt.starts_with("connect_") && !attempt.starts_with("send_")) continue;
    ++tried;
    EXPECT_TRUE(inside.refused(attempt, {"ENOENT", "ECONNREFUSED"}));
  }
  EXPECT_EQ(tried, 2 * targets.size());
}

}  // namespace
}  // namespace redoubtful::test
