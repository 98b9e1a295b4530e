#include "cli/pasta_command.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>

#include "common/unique_fd.hpp"
#include "tests/support/scratch_tree.hpp"

namespace redoubtful::cli {
namespace {

using test::ScratchTree;
using ::testing::Contains;
using ::testing::HasSubstr;

PortForward port(std::uint16_t host, std::uint16_t inside, Transport transport = Transport::kTcp) {
  return {.transport = transport,
          .host = host,
          .inside = inside,
          .origin = {.file = "command line", .line = 0, .column = 0, .option = "-f x"}};
}

std::string joined(const NetworkProfile& network) {
  std::string out;
  for (const auto& word : pasta_command(
           {.program = "/usr/bin/pasta", .box = 42, .network = &network, .as_root = false})) {
    out += word + " ";
  }
  return out;
}

TEST(Ports, OfTheWayOutCannotBeForwardedTo) {
  NetworkProfile network;
  for (const auto inside : std::initializer_list<std::uint16_t>{53, 80, 443, 3128}) {
    network.forward = {port(9000, inside)};
    EXPECT_FALSE(check_ports(network)) << inside;
    network.mode.value = NetworkMode::kNone;
    EXPECT_TRUE(check_ports(network)) << "there is none";
    network.mode.value = NetworkMode::kFiltered;
  }
  network.forward = {port(443, 8443), port(80, 8080), port(3128, 3129),
                     port(443, 443, Transport::kUdp)};
  EXPECT_TRUE(check_ports(network));
}

TEST(Ports, WherePagesAreAskedForCannotBeForwardedToEither) {
  NetworkProfile network;
  for (const auto mode : {NetworkMode::kFiltered, NetworkMode::kNone}) {
    network.mode.value = mode;
    network.forward = {port(9000, 3129, Transport::kUdp)};
    EXPECT_THAT(check_ports(network).error().what(), HasSubstr("where programs ask for pages"));
    network.forward = {port(9000, 3129)};
    EXPECT_TRUE(check_ports(network)) << "control: another transport";
  }
}

TEST(PastaCommand, OpensNothingThatWasNotAskedFor) {
  NetworkProfile network;
  network.forward = {port(8080, 8080)};
  const std::string command = joined(network);
  EXPECT_THAT(command, HasSubstr("--no-map-gw "));
  EXPECT_THAT(command, HasSubstr("-T 8080:8080 -U none -t none -u none "));
  EXPECT_THAT(command, HasSubstr("--ipv4-only --no-dhcp --no-dhcpv6 --no-ndp --no-ra "));
  EXPECT_THAT(command, ::testing::Not(HasSubstr("--config-net")));
  EXPECT_THAT(command, HasSubstr("--userns /proc/42/ns/user --netns /proc/42/ns/net "));
}

TEST(PastaCommand, KeepsTheHostsSideLeftInBothDirections) {
  NetworkProfile network;
  network.forward = {port(5432, 15432), port(53, 5353, Transport::kUdp), port(80, 8000)};
  network.publish = {port(3001, 3000)};
  const std::string command = joined(network);
  EXPECT_THAT(command, HasSubstr("-T 15432:5432,8000:80 ")) << "pasta wants inside:host";
  EXPECT_THAT(command, HasSubstr("-U 5353:53 "));
  EXPECT_THAT(command, HasSubstr("-t 127.0.0.1/3001:3000 ")) << "pasta wants host:inside";
}

// A script that takes the switch, one that does not, and none: nobody asks a program without need.
TEST(PastaCommand, PublishesToTheLoopbackInsideWhateverTheVersion) {
  NetworkProfile network;
  network.publish = {port(3001, 3000)};
  ScratchTree tree;
  const auto script = [&tree](const std::string& name, const std::string& does) {
    tree.write(name, "#!/bin/sh\n" + does + "\n");
    std::filesystem::permissions(tree.path() + "/" + name, std::filesystem::perms::owner_all);
    return tree.path() + "/" + name;
  };
  const std::string newer = script("newer", "test \"$*\" = '--host-lo-to-ns-lo --version'");
  EXPECT_TRUE(has_loopback_switch(newer, network));
  EXPECT_FALSE(
      has_loopback_switch(script("older", "echo 'unrecognized option' >&2; exit 1"), network));
  EXPECT_FALSE(has_loopback_switch(tree.path() + "/absent", network));
  EXPECT_FALSE(has_loopback_switch(newer, {}));

  PastaRequest request{.program = "/usr/bin/pasta", .box = 42, .network = &network};
  EXPECT_THAT(pasta_command(request), ::testing::Not(Contains("--host-lo-to-ns-lo")));
  request.has_loopback_switch = true;
  EXPECT_THAT(pasta_command(request), Contains("--host-lo-to-ns-lo"));
}

TEST(PastaCommand, IsNotNeededWithoutPorts) {
  NetworkProfile network;
  EXPECT_FALSE(needs_pasta(network));
  network.publish = {port(1, 2)};
  EXPECT_TRUE(needs_pasta(network));
}

TEST(CheckPorts, RefusesTwoForwardsToOnePort) {
  NetworkProfile network;
  network.forward = {port(8080, 8000), port(8080, 8000)};
  EXPECT_TRUE(check_ports(network)) << "the same twice is one";
  network.forward = {port(8080, 8000), port(8081, 8000)};
  EXPECT_THAT(check_ports(network).error().what(), HasSubstr("forwarded to inside twice"));
  network.forward = {port(8080, 8000), port(8081, 8000, Transport::kUdp)};
  EXPECT_TRUE(check_ports(network)) << "control: another transport";
  network.publish = {port(3000, 1), port(3000, 2)};
  EXPECT_THAT(check_ports(network).error().what(), HasSubstr("published twice"));
}

TEST(CheckPorts, SaysThatAPublishedPortIsTaken) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  socklen_t length = sizeof address;
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  NetworkProfile network;
  network.publish = {port(ntohs(address.sin_port), 3000)};
  const auto taken = check_ports_free(network);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), Errc::kInvalidProfile);
  EXPECT_THAT(taken.error().what(), HasSubstr("Address already in use"));
}

}  // namespace
}  // namespace redoubtful::cli
