// `audit`, `allow` and `why` as somebody outside uses them, and as an agent might try to.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <sstream>

#include "tests/support/filtered.hpp"

namespace redoubtful::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

Outcome call(const World& world, std::vector<std::string> arguments) {
  return run(world.redoubtful(std::move(arguments)));
}

fs::path audit_directory(const World& world) {
  return world.home() / ".local/state/redoubtful/audit";
}

std::ptrdiff_t logs_in(const World& world) {
  std::error_code none;
  return std::distance(fs::directory_iterator(audit_directory(world), none), {});
}

mode_t mode_of(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777U;
}

TEST(Audit, SaysWhatARunDid) {
  const World world;
  const WebOrigin origin("the origin's words");
  const Outcome before = call(world, {"audit"});
  EXPECT_EQ(before.status, 78);
  EXPECT_THAT(before.err, HasSubstr("there is no audit log yet"));
  const std::string profile = web_profile(world, origin);
  ASSERT_EQ(world.run(bash("fetch web.example 80; fetch evil.example 80", {"-u", profile})).status,
            0);
  const Outcome table = call(world, {"audit"});
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_THAT(table.out,
              AllOf(ContainsRegex("request +GET web.example:80/x +200, .* by http://web.example "
                                  "\\(/var/tmp/[^ ]*web.yaml:2\\)\n"),
                    ContainsRegex("deny +GET evil.example:80/x +no_matching_rule\n"),
                    HasSubstr("the session is over"), Not(HasSubstr("\033"))));

  const Outcome json = call(world, {"audit", "--json"});
  std::istringstream lines(json.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_TRUE(boost::json::parse(line).as_object().contains("event")) << line;
  }
  EXPECT_GE(count, 4);
}

TEST(Audit, TheLogIsPrivateAndOutsideEveryBox) {
  const World world;
  ASSERT_EQ(world.run(bash("fetch evil.example 80")).status, 0);
  ASSERT_EQ(logs_in(world), 1);
  const fs::path log = fs::directory_iterator(audit_directory(world))->path();
  EXPECT_EQ(mode_of(audit_directory(world)), 0700U);
  EXPECT_EQ(mode_of(log), 0600U);
  const Outcome inside = world.run({.command = {"/bin/cat", log}});
  EXPECT_NE(inside.status, 0) << inside.out;
  const Outcome mounted =
      world.run({.options = {"-m", audit_directory(world)}, .command = {"/bin/cat", log}});
  EXPECT_EQ(mounted.status, 78) << mounted.err;
}

TEST(Audit, ARunThatIsRefusedLeavesNoLog) {
  const World world;
  for (const std::vector<std::string>& options : {std::vector<std::string>{"-m", "/is/not/there"},
                                                  {"-u", "is-not-there"},
                                                  {"-f", "0"},
                                                  {"-m", "/"},
                                                  {"--dry-run"},
                                                  {"--network", "none"}}) {
    const Outcome outcome = world.run({.options = options, .command = {"/bin/true"}});
    EXPECT_EQ(outcome.status == 0, options[0] == "--dry-run" || options[0] == "--network");
    EXPECT_EQ(logs_in(world), 0) << options[0];
  }
  Program without_bwrap = world.program({.command = {"/bin/true"}});
  without_bwrap.arguments.insert(without_bwrap.arguments.begin(),
                                 {"/usr/bin/unshare", "-Urm", "/bin/sh", "-c",
                                  "mount --bind /dev/null /usr/bin/bwrap && exec \"$@\"", "sh"});
  EXPECT_EQ(run(without_bwrap).status, 125);
  EXPECT_EQ(logs_in(world), 0) << "without bwrap";
  ASSERT_EQ(world.run({.command = {"/bin/true"}}).status, 0);
  EXPECT_EQ(logs_in(world), 1) << "positive control";
}

TEST(Audit, FollowsASessionToItsEndHoweverItEnds) {
  for (const bool killed : {false, true}) {
    const World world;
    Running session = Running::start(world.program(
        bash("fetch one.example 80; echo first; until test -e go; do sleep 0.05; done; "
             "fetch two.example 80; echo second; until test -e end; do sleep 0.05; done")));
    ASSERT_TRUE(session.wait_for("first"));
    Running follower = Running::start(world.redoubtful({"audit", "-f"}));
    ASSERT_TRUE(follower.wait_for("GET one.example:80/x"));
    world.write(world.project() / "go", "");
    ASSERT_TRUE(follower.wait_for("GET two.example:80/x"));
    if (killed) {
      session.signal(SIGKILL);
    } else {
      world.write(world.project() / "end", "");
    }
    session.finish(seconds(10));
    const Outcome followed = follower.finish(seconds(10));
    EXPECT_FALSE(followed.timed_out);
    EXPECT_EQ(followed.status, 0);
    EXPECT_THAT(followed.out, HasSubstr("which is running"));
    if (!killed) {
      EXPECT_THAT(followed.out, HasSubstr("the session is over"));
    }
    EXPECT_THAT(call(world, {"audit"}).out, Not(HasSubstr("which is running")));
  }
}

TEST(Allow, TheLineThatARefusalPrintsIsTheRemedy) {
  const World world;
  const WebOrigin origin("the origin's words");
  const std::string profile =
      world.write(world.top() / "p.yaml",
                  "network: {origins: {web.example: {address: \"" + origin.address() + "\"}}}\n");
  const BoxRun fetching = bash("fetch web.example 80", {"-u", profile});
  const Outcome refused = world.run(fetching);
  const std::string kRemedy = "redoubtful allow http://web.example";
  EXPECT_THAT(refused.out, HasSubstr(kRemedy + " (outside"));
  EXPECT_THAT(refused.err, HasSubstr("refused: "));
  const Outcome allowed = call(world, {"allow", "http://web.example"});
  EXPECT_EQ(allowed.status, 0) << allowed.err;
  EXPECT_THAT(allowed.out, HasSubstr("~/.config/redoubtful/projects/project-"));
  EXPECT_THAT(world.run(fetching).out, HasSubstr("the origin's words"));
  const fs::path elsewhere = world.home() / "other/project";
  fs::create_directories(elsewhere);
  BoxRun other = fetching;
  other.directory = elsewhere;
  EXPECT_THAT(world.run(other).out, HasSubstr("403")) << "another project is none of its business";
}

TEST(Allow, AnAgentCannotAllowAnything) {
  const World world;
  const std::string prefix = redoubtful_program().parent_path().parent_path();
  const auto config = [&] { return fs::exists(world.home() / ".config"); };
  for (const std::string script :
       {"redoubtful allow evil.example", "redoubtful why evil.example",
        "redoubtful allow evil.example -C /",
        "env -u REDOUBTFUL redoubtful allow evil.example -C . || true; false"}) {
    const Outcome inside = world.run(
        {.options = {"-m", prefix, "-p", prefix + "/bin"}, .command = {"/bin/sh", "-c", script}});
    EXPECT_NE(inside.status, 0) << script << inside.out;
    if (script.find("env -u") == std::string::npos) {
      EXPECT_EQ(inside.status, 125) << inside.err;
      EXPECT_THAT(inside.err, AllOf(HasSubstr("already inside a redoubtful box"),
                                    HasSubstr("http://redoubtful.internal/")));
    }
    EXPECT_FALSE(config()) << "nothing of it reached the real home";
  }
  EXPECT_EQ(call(world, {"allow", "good.example"}).status, 0);
  EXPECT_TRUE(config()) << "positive control";
}

TEST(Why, SaysWhichRuleDecidesAndWhetherItAnswers) {
  const World world;
  const WebOrigin origin("the origin's words");
  const Listener no_tls = listen_on("127.0.0.1", SOCK_STREAM);
  const ChildProcess greeter = serve_hello(no_tls);
  const std::uint16_t nobody = free_port();
  const std::string profile = world.write(
      world.top() / "p.yaml",
      "network:\n  allow:\n    - \"http://web.example\"\n    - {host: \"http://part.example\", "
      "paths: [/only/**]}\n    - \"http://gone.example\"\n    - tls.example\n"
      "  deny: [no.example]\n  origins:\n    web.example: {address: \"" +
          origin.address() + "\"}\n    part.example: {address: \"" + origin.address() +
          "\"}\n    tls.example: {address: \"127.0.0.1:" + std::to_string(no_tls.port) +
          "\"}\n    gone.example: {address: \"127.0.0.1:" + std::to_string(nobody) + "\"}\n");
  struct Case {
    std::string target;
    int status;
    std::vector<std::string> words;
  };
  const Case cases[] = {
      {"http://web.example/x",
       0,
       {"allowed by http://web.example (" + profile + ":3)",
        "dialled at " + origin.address() + " (" + profile + ":9)", "\nconnected\n"}},
      {"http://part.example/only/this", 0, {"allowed by http://part.example", "connected"}},
      {"http://part.example/other",
       1,
       {"refused: GET http://part.example/other: this method or path is not allowed", ":4"}},
      {"http://gone.example/", 1, {"allowed by", "not reached: ", "refused"}},
      {"https://tls.example/", 1, {"allowed by tls.example", "not reached: ", "TLS"}},
      {"https://web.example/",
       1,
       {"refused: web.example: this protocol is not allowed for it", "redoubtful allow"}},
      {"other.example",
       1,
       {"refused: other.example: no rule allows it. Allow it with: "
        "redoubtful allow other.example\n"}},
      {"no.example",
       1,
       {"refused: no.example: a rule denies it (rule no.example, " + profile + ":7)"}},
      {"127.0.0.1", 1, {"refused: 127.0.0.1: no rule names this address"}},
      {"http://web.example:x/", 1, {}},
      {"a b\x1b[2J", 1, {}},
  };
  for (const auto& test : cases) {
    const Outcome outcome = call(world, {"why", test.target, "-u", profile});
    EXPECT_EQ(outcome.status, test.status) << test.target << outcome.out << outcome.err;
    for (const auto& words : test.words) EXPECT_THAT(outcome.out, HasSubstr(words)) << test.target;
    EXPECT_THAT(outcome.out + outcome.err, Not(HasSubstr("\x1b"))) << test.target;
  }
  EXPECT_FALSE(fs::exists(audit_directory(world))) << "asking is no session";
}

TEST(Why, DoesTheHandshakeAndSendsNothing) {
  const World world;
  const std::string certificate = world.top() / "certificate.pem";
  const std::string key = world.top() / "key.pem";
  const auto here = [&](std::vector<std::string> arguments) {
    return Program{.arguments = std::move(arguments), .environment = {"PATH=/usr/bin:/bin"}};
  };
  ASSERT_EQ(run(here({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate,
                      "-subj", "/CN=x", "-addext", "subjectAltName=DNS:tls.example"}))
                .status,
            0);
  const std::string port = std::to_string(free_port());
  Running server = Running::start(
      here({"/usr/bin/python3", "-u", "-c",
            "import socket, ssl, sys\n"
            "context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
            "context.load_cert_chain(sys.argv[1], sys.argv[2])\n"
            "context.set_alpn_protocols(['http/1.1'])\n"
            "listener = socket.create_server(('127.0.0.1', int(sys.argv[3])))\n"
            "print('ready')\n"
            "for _ in range(2):\n"
            "    client, _ = listener.accept()\n"
            "    try:\n"
            "        print('came', context.wrap_socket(client, server_side=True).recv(99))\n"
            "    except OSError as error:\n"
            "        print('failed')\n",
            certificate, key, port}));
  ASSERT_TRUE(server.wait_for("ready"));
  const std::string origin = "{address: \"127.0.0.1:" + port + "\", ca: " + certificate + "}";
  const std::string profile =
      world.write(world.top() / "p.yaml",
                  "network:\n  allow: [tls.example, other.example]\n  origins:\n"
                  "    tls.example: " +
                      origin + "\n    other.example: " + origin + "\n");
  const Outcome good = call(world, {"why", "https://tls.example/x", "-u", profile});
  EXPECT_EQ(good.status, 0) << good.out << good.err;
  EXPECT_THAT(good.out, HasSubstr("the certificate is good; it speaks http/1.1"));
  const Outcome other = call(world, {"why", "https://other.example/x", "-u", profile});
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.out, HasSubstr("not reached: the certificate that other.example showed is for "
                                   "tls.example"));
  EXPECT_THAT(server.finish().out, HasSubstr("came b''")) << "no request";
}

TEST(Why, AsksWithTheOptionsOfARun) {
  const World world;
  EXPECT_THAT(call(world, {"why", "a.example", "--deny", "a.example"}).out,
              HasSubstr("a rule denies it (rule a.example, command line (--deny a.example))"));
  EXPECT_THAT(call(world, {"why", "--network", "none", "a.example"}).out,
              HasSubstr("this box has no network"));
  const Outcome open = call(world, {"why", "--network", "dangerously-open", "a.example"});
  EXPECT_EQ(open.status, 0);
  EXPECT_THAT(open.out, HasSubstr("dangerously-open (command line (--network dangerously-open))"));
  // The credential opens its host; that its source is absent does not matter to the question.
  const std::string nowhere =
      world.write(world.top() / "p.yaml", "network: {origins: {a.example: {address: \"127.0.0.1:" +
                                              std::to_string(free_port()) + "\"}}}\n");
  EXPECT_THAT(call(world, {"why", "a.example", "-u", nowhere, "-s", "K=env:ABSENT@a.example"}).out,
              HasSubstr("allowed by a.example (command line (-s "));
}

}  // namespace
}  // namespace redoubtful::test
