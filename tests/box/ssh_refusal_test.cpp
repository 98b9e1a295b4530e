// git over ssh where no rule allows it: the client itself says why, and what to do. With OpenSSH
// and git, by the address that stands for the name and through the explicit proxy.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/filtered.hpp"

namespace redoubtful::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kSsh =
    "ssh() { command ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no "
    "-o ConnectTimeout=10 \"$@\" 2>&1; }\n";

Outcome ssh(const World& world, const std::string& script, std::vector<std::string> options) {
  return world.run({.options = std::move(options), .command = {"/bin/bash", "-c", kSsh + script}});
}

TEST(SshRefusal, TheClientPrintsWhyAndTheRemedy) {
  const World world;
  const Outcome inside = ssh(world, "ssh git@git.example; echo \"status $?\"", {});
  EXPECT_THAT(inside.out, AllOf(HasSubstr("redoubtful: git.example:22: no rule allows it. Allow it "
                                          "with: redoubtful allow ssh://git.example (outside"),
                                HasSubstr("\nstatus 255\n")));
  EXPECT_THAT(inside.err, HasSubstr("1 host refused: git.example:22; `redoubtful allow HOST`"));
  const Outcome audit = run(world.redoubtful({"audit"}));
  EXPECT_THAT(audit.out, ::testing::ContainsRegex("deny +git.example:22 +no_matching_rule"));
}

TEST(SshRefusal, GitPrintsIt) {
  const World world;
  const Outcome inside = world.run(
      {.command = {"/bin/bash", "-c", "git clone git@git.example:a/b.git b 2>&1; echo END"}});
  EXPECT_THAT(inside.out, AllOf(HasSubstr("redoubtful allow ssh://git.example"), HasSubstr("END")));
}

TEST(SshRefusal, NamesTheHttpsAddressWhereThatIsAllowed) {
  const World world;
  const Outcome inside = ssh(world, "ssh git@git.example", {"-a", "git.example"});
  EXPECT_THAT(inside.out, HasSubstr("https://git.example/ is allowed: use that address."));
}

TEST(SshRefusal, ADenyIsNamedAndOffersNothing) {
  const World world;
  const Outcome inside =
      ssh(world, "ssh git@git.example", {"-a", "ssh://git.example", "--deny", "ssh://git.example"});
  EXPECT_THAT(inside.out, AllOf(HasSubstr("a rule denies it (rule ssh://git.example"),
                                Not(HasSubstr("redoubtful allow"))));
}

TEST(SshRefusal, IsSaidThroughAProxyCommandAsWell) {
  const World world;
  const Outcome inside =
      ssh(world,
          "cat > /tmp/connect <<'END'\n"
          "import socket, sys, threading\n"
          "s = socket.create_connection(('127.0.0.1', 3128))\n"
          "s.sendall(f'CONNECT {sys.argv[1]}:22 HTTP/1.1\\r\\nHost: {sys.argv[1]}:22\\r\\n\\r\\n'"
          ".encode())\n"
          "head = b''\n"
          "while not head.endswith(b'\\r\\n\\r\\n'): head += s.recv(1)\n"
          "def up():\n"
          "    while data := sys.stdin.buffer.read1(): s.sendall(data)\n"
          "threading.Thread(target=up, daemon=True).start()\n"
          "while data := s.recv(4096): sys.stdout.buffer.write(data), sys.stdout.flush()\n"
          "END\n"
          "ssh -o ProxyCommand='python3 /tmp/connect %h' git@git.example",
          {});
  EXPECT_THAT(inside.out, HasSubstr("redoubtful allow ssh://git.example"));
}

TEST(SshRefusal, WhatKeepsAnAllowedHostFromBeingReachedIsSaid) {
  const World world;
  const std::string profile =
      world.write(world.top() / "p.yaml",
                  "network:\n  allow: [\"ssh://git.example\"]\n  origins: {git.example: {address: "
                  "\"127.0.0.1:" +
                      std::to_string(free_port()) + "\"}}\n");
  const Outcome inside = ssh(world, "ssh git@git.example", {"-u", profile});
  EXPECT_THAT(inside.out, HasSubstr("redoubtful: connection refused by 127.0.0.1:"));
}

TEST(SshRefusal, DiscoverLetsItThroughAndNamesTheRule) {
  const World world;
  const std::string port = std::to_string(free_port());
  Running server = Running::start({.arguments = {"/usr/bin/python3", "-uc",
                                                 "import socket, sys\n"
                                                 "server = socket.create_server(('127.0.0.1', "
                                                 "int(sys.argv[1])))\n"
                                                 "print('ready')\n"
                                                 "for _ in range(2):\n"
                                                 "    client, _ = server.accept()\n"
                                                 "    client.sendall(b'got ' + client.recv(99))\n"
                                                 "    client.close()\n",
                                                 port},
                                   .environment = {"PATH=/usr/bin:/bin"}});
  ASSERT_TRUE(server.wait_for("ready"));
  const std::string profile =
      world.write(world.top() / "p.yaml",
                  "network: {origins: {git.example: {address: \"127.0.0.1:" + port + "\"}}}\n");
  const std::string talk =
      "exec 3<>/dev/tcp/git.example/22 && printf 'SSH-2.0-test\\r\\n' >&3 && timeout 5 cat <&3";
  const Outcome found = ssh(world, talk, {"-u", profile, "--network", "discover"});
  EXPECT_THAT(found.out, StartsWith("got SSH-2.0-test"));
  EXPECT_THAT(found.err, HasSubstr("    - \"ssh://git.example\"\n"));
  // Fed back, the rule lets through the same.
  const std::string rules =
      world.write(world.top() / "found.yaml", found.err.substr(found.err.find("network:\n")));
  EXPECT_THAT(ssh(world, talk, {"-u", profile, "-u", rules}).out, StartsWith("got SSH-2.0-test"));
  EXPECT_THAT(ssh(world, talk, {"-u", profile}).out, StartsWith("SSH-2.0-redoubtful"));
  EXPECT_EQ(server.finish(std::chrono::seconds(10)).status, 0);
}

}  // namespace
}  // namespace redoubtful::test
