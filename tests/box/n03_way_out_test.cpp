// N2, N4, N8, N9: the sockets of a filtered run, seen from inside. Only the address that stands for
// a name leads anywhere, only where a rule allows it, and what is refused is told why.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>

#include "tests/support/filtered.hpp"

namespace redoubtful::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST(WayOut, AnAllowedHostAnswersByNameAndByTheAddressThatStandsForIt) {
  const World world;
  const WebOrigin origin("the origin's words");
  const Outcome inside =
      world.run(bash("fetch web.example 80\n"
                     "for family in ahostsv4 ahostsv6; do\n"
                     "  address=$(getent $family web.example | head -n 1 | cut -d' ' -f1)\n"
                     "  fetch $address 80 web.example; done\n"
                     "fetch 127.0.0.1 3128 web.example\n",
                     {"-u", web_profile(world, origin)}));
  const auto lines = lines_of(inside.out);
  ASSERT_EQ(lines.size(), 4U) << inside.out << inside.err;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_THAT(lines[i], AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("the origin's words")));
  }
  // To the explicit port a path alone says nothing about where to go.
  EXPECT_THAT(lines[3], Not(HasSubstr("the origin's words")));
  EXPECT_EQ(origin.connections(), 3);
}

TEST(WayOut, ARefusedHostIsToldWhy) {
  const World world;
  const WebOrigin origin("the origin's words");
  const Outcome inside =
      world.run(bash("fetch other.example 80; fetch web.example 8080; fetch web.example 80 "
                     "other.example; echo END",
                     {"-u", web_profile(world, origin), "--deny", "no.example"}));
  const auto lines = lines_of(inside.out);
  ASSERT_EQ(lines.size(), 4U) << inside.out << inside.err;
  EXPECT_THAT(lines[0], AllOf(StartsWith("HTTP/1.1 403"), HasSubstr("no rule allows it"),
                              HasSubstr("redoubtful allow http://other.example")));
  EXPECT_EQ(lines[1], "") << "nobody listens on a port that no rule speaks of";
  EXPECT_THAT(lines[2], StartsWith("HTTP/1.1 421")) << "the name in the request is another one";
  EXPECT_EQ(origin.connections(), 0);
  EXPECT_THAT(inside.err, HasSubstr("refused: "));
}

TEST(WayOut, NoOtherAddressLeadsAnywhere) {
  const World world;
  const WebOrigin origin("the origin's words");
  // 198.18.0.0/15 and the ULA are local to the box, but only assigned addresses stand for a name.
  const Outcome inside = world.run(bash(
      "fetch web.example 80\n"
      "for host in 127.0.0.1 127.0.0.2 0.0.0.0 localhost 198.18.99.99 198.19.255.254 "
      "fd72:6564:6f75:6274::ffff ::1 192.0.2.1 169.254.169.254; do\n"
      "  for port in 22 80 443; do echo \"$host:$port [$(fetch $host $port web.example)]\"; done\n"
      "done\n"
      "echo END",
      {"-u", web_profile(world, origin)}));
  const auto lines = lines_of(inside.out);
  ASSERT_EQ(lines.size(), 32U) << inside.out << inside.err;
  EXPECT_THAT(lines.front(), HasSubstr("the origin's words")) << "positive control";
  EXPECT_EQ(lines.back(), "END");
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) EXPECT_THAT(lines[i], HasSubstr(" []"));
  EXPECT_EQ(origin.connections(), 1);
}

TEST(WayOut, AServerInsideKeepsItsLoopback) {
  const World world;
  const WebOrigin origin("the origin's words");
  const Outcome inside =
      world.run({.options = {"-u", web_profile(world, origin), "-a", "tcp://db.example:5432"},
                 .command = {"/usr/bin/python3", "-c",
                             "import errno, socket\n"
                             "server = socket.create_server(('127.0.0.1', 5432))\n"
                             "client = socket.create_connection(('127.0.0.1', 5432))\n"
                             "server.accept()[0].sendall(b'my own database')\n"
                             "print(client.recv(99).decode())\n"
                             "for port in (80, 443):\n"
                             "    try:\n"
                             "        socket.create_server(('198.18.0.1', port), reuse_port=True)\n"
                             "        print('joined', port)\n"
                             "    except OSError as error:\n"
                             "        print(error.errno == errno.EADDRINUSE)\n"}});
  EXPECT_EQ(inside.out, "my own database\nTrue\nTrue\n") << inside.err;
}

// In a network of its own whose one name server counts: root alone can make one in which bwrap
// still belongs to root. Names that may be looked up are the positive control.
TEST(N2, ADeniedNameIsNeverLookedUpOutside) {
  if (::getuid() != 0) return;  // tests/proxy counts the lookups of any user's proxy
  const World world;
  const std::string script = world.write(world.top() / "counting.py", R"(
import os, socket, subprocess, sys, threading
asked = []
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def serve():
    while True:
        query, client = server.recvfrom(512)
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        asked.append('.'.join(labels).lower())
        server.sendto(query[:2] + b'\x81\x83' + query[4:6] + bytes(6) + query[12:at + 5], client)
subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
with open(sys.argv[1], 'w') as file:
    file.write('nameserver 127.0.0.1\n')
subprocess.run(['mount', '--bind', sys.argv[1], os.path.realpath('/etc/resolv.conf')], check=True)
server.bind(('127.0.0.1', 53))
threading.Thread(target=serve, daemon=True).start()
subprocess.run(sys.argv[2:], check=False)
print('asked', sorted(set(asked)))
)");
  Program program = world.program(
      bash("for name in ok.example evil.example x.data.evil.example no.example part.example; do\n"
           "  getent hosts $name >/dev/null; fetch $name 80; fetch $name 443; done\n"
           "fetch 127.0.0.1 3128 evil.example",
           {"-q", "-a", "http://ok.example", "--deny", "no.example", "--ask", "part.example"}));
  program.arguments.insert(
      program.arguments.begin(),
      {"/usr/bin/unshare", "-nm", "/usr/bin/python3", script, world.top() / "resolv.conf"});
  const Outcome outcome = run(program);
  EXPECT_THAT(outcome.out, HasSubstr("asked ['ok.example']\n")) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("HTTP/1.1 403"));
}

TEST(N8, AFilteredRunListensOnNothingOutside) {
  const World world;
  const WebOrigin origin("the origin's words");
  Running running = Running::start(
      world.program(bash("fetch web.example 80; echo ready; until test -e go; do sleep 0.05; done",
                         {"-u", web_profile(world, origin)})));
  ASSERT_TRUE(running.wait_for("ready"));
  // What the proxy has in its hands, by the kernel's own list: no listener of the host's network.
  const auto proxies = descendants_named(running.pid(), kProxyName);
  ASSERT_EQ(proxies.size(), 1U);
  const Outcome sockets =
      run({.arguments = {"/usr/bin/ss", "-Hlntup"}, .environment = {"PATH=/usr/bin:/bin"}});
  EXPECT_EQ(sockets.status, 0) << sockets.err;
  EXPECT_THAT(sockets.out, Not(HasSubstr("redoubtful")));
  for (const char* port : {"80", "443", "3128", "53"}) {
    const Outcome outside = test::run(world.bare(
        bash("fetch 127.0.0.1 " + std::string(port) + " web.example; fetch 198.18.0.1 " + port)));
    EXPECT_THAT(outside.out, Not(HasSubstr("the origin's words"))) << port;
  }
  world.write(world.project() / "go", "");
  EXPECT_EQ(running.finish().status, 0);
  EXPECT_EQ(origin.connections(), 1) << "positive control";
}

TEST(N9, AnEmptyListAnAbsentOneAndAnEmptyProfileAllowNothing) {
  const World world;
  const WebOrigin origin("the origin's words");
  const std::string origins = "  origins: {web.example: {address: \"" + origin.address() + "\"}}\n";
  const auto fetched = [&](const std::string& yaml) {
    return world.run(
        bash("fetch web.example 80", {"-u", world.write(world.top() / "p.yaml", yaml)}));
  };
  EXPECT_THAT(fetched("network:\n  allow: [\"http://web.example\"]\n" + origins).out,
              HasSubstr("the origin's words"))
      << "positive control";
  for (const std::string& yaml :
       {"network:\n  allow: []\n" + origins, "network:\n" + origins, std::string(),
        std::string("# nothing\n"), "network:\n  allow: [web.example]\n" + origins,
        "network:\n  allow: [\"http://web.example\"]\n  deny: [web.example]\n" + origins,
        "network:\n  allow: [\"http://web.example\"]\n  ask: [web.example]\n" + origins}) {
    const Outcome outcome = fetched(yaml);
    EXPECT_THAT(outcome.out, StartsWith("HTTP/1.1 403")) << yaml << outcome.err;
  }
  for (const std::string& yaml :
       {std::string("network: {allow:}\n"), std::string("network:\n"),
        std::string("network: {alow: [web.example]}\n"), std::string("network: {allow: [null]}\n"),
        std::string("network: {allow: [\"*\"]}\n"), std::string("network: {allow: web.example}\n"),
        std::string("netwrok: {allow: [web.example]}\n"), std::string("network: {mode: open}\n")}) {
    const Outcome outcome = fetched(yaml);
    EXPECT_EQ(outcome.status, 78) << yaml << outcome.out;
    EXPECT_EQ(outcome.out, "") << yaml;
  }
  EXPECT_EQ(origin.connections(), 1);
}

TEST(WayOut, WithNetworkNoneThereIsNoProxyAndNothingToReach) {
  const World world;
  const WebOrigin origin("the origin's words");
  const std::string script =
      "fetch web.example 80; env | grep -ic proxy; ls /etc/redoubtful; echo ready; "
      "until test -e go; do sleep 0.05; done";
  for (const std::string mode : {"filtered", "none"}) {
    Running running = Running::start(
        world.program(bash(script, {"-u", web_profile(world, origin), "--network", mode})));
    ASSERT_TRUE(running.wait_for("ready")) << mode;
    EXPECT_EQ(descendants_named(running.pid(), kProxyName).size(), mode == "none" ? 0U : 1U);
    world.write(world.project() / "go", "");
    const Outcome outcome = running.finish();
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out.find("the origin's words") != std::string::npos, mode == "filtered");
    EXPECT_EQ(outcome.out.find("\n0\npolicy\n") != std::string::npos, mode == "none")
        << outcome.out;
    std::filesystem::remove(world.project() / "go");
  }
}

}  // namespace
}  // namespace redoubtful::test
