#include "cli/demo_script.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "cli/demo_text.hpp"

namespace redoubtful::cli {
namespace {

DemoWorld whole_world() {
  DemoWorld world;
  world.project = "/tmp/x/home/project";
  world.home = "/tmp/x/home";
  world.real_home = "/home/ann";
  world.secret = "s3cr3t";
  world.greeting = "hullo";
  world.forwarded_host = 40001;
  world.forwarded_inside = 8080;
  world.other_port = 40002;
  world.filtered = true;
  world.git = world.compiler = world.bash = world.unshare = true;
  world.uid = world.gid = 1000;
  return world;
}

struct Played {
  DemoWorld world = whole_world();
  TrialOutcomes inside = {
      {"path", {0, "/tmp/x/home/project"}},
      {"ids", {0, "1000 1000"}},
      {"compiler", {0, "hello"}},
      {"forwarded", {0, "hullo"}},
      {"allowed", {0, "HTTP/1.1 200 OK\nContent-Length: 6\n\nhullo"}},
      {"denied",
       {0,
        "HTTP/1.1 403 Forbidden\nContent-Length: 9\n\nredoubtful: other.demo.example:80: no rule "
        "allows it. Allow it with: x"}},
      {"token", {0, "tok_r4nd0m"}},
      {"secret", {1, "cat: /tmp/x/home/.ssh/id_ed25519: No such file or directory"}},
      {"home", {0, "ls: cannot access '/home/ann': No such file or directory\n0"}},
      {"processes", {0, "6"}},
      {"variable", {1, ""}},
      {"environ", {1, "0"}},
      {"hook", {2, "sh: 1: cannot create .git/hooks/pre-commit: Read-only file system"}},
      {"system", {1, "touch: cannot touch '/usr/bin/x': Read-only file system"}},
      {"other", {1, "bash: line 1: /dev/tcp/127.0.0.1/40002: Connection refused"}},
      {"internet", {1, "bash: line 1: /dev/tcp/192.0.2.1/443: Network is unreachable"}},
      {"namespaces", {1, "unshare: unshare failed: Operation not permitted"}},
  };
  TrialOutcomes outside = {
      {"compiler", {0, "hello"}}, {"secret", {0, "s3cr3t"}},   {"home", {0, "12"}},
      {"processes", {0, "140"}},  {"variable", {0, "s3cr3t"}}, {"other", {0, "hullo"}},
      {"token", {0, "s3cr3t"}},
  };
  DemoRemains remains = {.file_kept = true,
                         .hook_unchanged = true,
                         .commit = "by the agent",
                         .unexpected = {},
                         .status = kDemoStatus};

  std::vector<DemoLine> lines() const { return judge(world, inside, outside, remains); }
  std::string first_that_fails() const {
    const auto all = lines();
    const auto found =
        std::find_if(all.begin(), all.end(), [](const auto& line) { return !line.holds; });
    return found == all.end() ? "" : found->what;
  }
};

TEST(Demo, EveryLineHoldsWhenTheBoxDoesWhatItShould) {
  const Played played;
  EXPECT_EQ(played.first_that_fails(), "");
  EXPECT_EQ(played.lines().size(), 20U);
}

TEST(Demo, EachHoleMakesItsLineACross) {
  const std::pair<const char*, std::function<void(Played&)>> holes[] = {
      {"the project, at its own path", [](Played& p) { p.inside["path"].output = "/work"; }},
      {"you, not somebody else", [](Played& p) { p.inside["ids"].output = "0 0"; }},
      {"your tools",
       [](Played& p) {
         p.inside["compiler"] = {127, "cc: not found"};
       }},
      {"your tools", [](Played& p) { p.inside["compiler"].output = "hallo"; }},
      {"the port you name (-f 40001:8080)",
       [](Played& p) {
         p.inside["forwarded"] = {1, "Connection refused"};
       }},
      {"~/.ssh/id_ed25519",
       [](Played& p) {
         p.inside["secret"] = {0, "s3cr3t"};
       }},
      {"~/.ssh/id_ed25519",
       [](Played& p) {
         p.inside["secret"] = {1, "s3cr3t, then an error"};
       }},
      {"~/.ssh/id_ed25519", [](Played& p) { p.inside.erase("secret"); }},
      // Not there outside either: the box hides nothing.
      {"~/.ssh/id_ed25519",
       [](Played& p) {
         p.outside["secret"] = {1, "No such file"};
       }},
      {"your real home", [](Played& p) { p.inside["home"].output = "12"; }},
      {"your real home", [](Played& p) { p.inside.erase("home"); }},
      {"other processes", [](Played& p) { p.inside["processes"].output = "140"; }},
      {"other processes", [](Played& p) { p.inside["processes"].output = "0"; }},
      {"DEMO_API_KEY, which nobody passed",
       [](Played& p) {
         p.inside["variable"] = {0, "s3cr3t"};
       }},
      {"DEMO_API_KEY, which nobody passed",
       [](Played& p) {
         p.inside["environ"] = {0, "1"};
       }},
      {"a host that a rule allows",
       [](Played& p) {
         p.inside["allowed"] = {1, "bash: allowed.demo.example: Name or service not known"};
       }},
      {"a host that a rule allows",
       [](Played& p) { p.inside["allowed"].output = "HTTP/1.1 502 Bad Gateway\n\nhullo"; }},
      {"DEMO_TOKEN, a credential",
       [](Played& p) {
         p.inside["token"] = {0, "s3cr3t"};
       }},
      {"DEMO_TOKEN, a credential",
       [](Played& p) {
         p.inside["token"] = {1, ""};
       }},
      {"reach a host that no rule allows",
       [](Played& p) { p.inside["denied"].output = "HTTP/1.1 200 OK\n\n"; }},
      // Refused without a reason: nobody would know why.
      {"reach a host that no rule allows",
       [](Played& p) {
         p.inside["denied"] = {1, "Connection refused"};
       }},
      {"plant a git hook",
       [](Played& p) {
         p.inside["hook"] = {0, ""};
       }},
      {"plant a git hook", [](Played& p) { p.remains.hook_unchanged = false; }},
      {"change the system",
       [](Played& p) {
         p.inside["system"] = {0, ""};
       }},
      {"reach localhost:40002",
       [](Played& p) {
         p.inside["other"] = {0, "hullo"};
       }},
      {"reach localhost:40002",
       [](Played& p) {
         p.outside["other"] = {1, "refused"};
       }},
      {"reach the internet",
       [](Played& p) {
         p.inside["internet"] = {0, ""};
       }},
      {"reach the internet", [](Played& p) { p.inside.erase("internet"); }},
      {"become root in a namespace",
       [](Played& p) {
         p.inside["namespaces"] = {0, ""};
       }},
      {"what it wrote in the project", [](Played& p) { p.remains.file_kept = false; }},
      {"its commit", [](Played& p) { p.remains.commit.reset(); }},
      {"its exit status", [](Played& p) { p.remains.status = 0; }},
      {"and nothing else", [](Played& p) { p.remains.unexpected = {"/tmp/x/home/.bashrc"}; }},
  };
  for (const auto& [line, dig] : holes) {
    Played played;
    dig(played);
    EXPECT_EQ(played.first_that_fails(), line);
  }
}

TEST(Demo, WhatTheMachineLacksIsNotShown) {
  Played played;
  played.world.git = played.world.compiler = played.world.bash = played.world.unshare = false;
  const auto lines = played.lines();
  EXPECT_EQ(lines.size(), 12U);
  const std::string script = demo_script(played.world, Side::kInside);
  for (const char* program : {"git ", "cc ", "bash ", "unshare "}) {
    EXPECT_EQ(script.find(program), std::string::npos) << program;
  }
}

TEST(Demo, NothingHarmfulIsTriedOutside) {
  const std::string outside = demo_script(whole_world(), Side::kOutside);
  const std::string inside = demo_script(whole_world(), Side::kInside);
  for (const char* harm : {"touch /usr", ".git/hooks", "192.0.2.1", "git add", "answer.txt"}) {
    EXPECT_EQ(outside.find(harm), std::string::npos) << harm;
    EXPECT_NE(inside.find(harm), std::string::npos) << harm;
  }
}

TEST(Demo, RecordsAreReadWhateverStandsAroundThem) {
  const auto outcomes = parse_outcomes(
      "noise\036a\0370\037one\ntwo\036broken\036b\03714\037\036c\037x\037out\036d\037");
  EXPECT_EQ(outcomes.size(), 3U);
  EXPECT_EQ(outcomes.at("a").status, 0);
  EXPECT_EQ(outcomes.at("a").output, "one\ntwo");
  EXPECT_EQ(outcomes.at("b").status, 14);
  EXPECT_EQ(outcomes.at("b").output, "");
  EXPECT_EQ(outcomes.at("c").status, -1);
  EXPECT_TRUE(parse_outcomes("").empty());
}

TEST(Demo, TheTextFitsAScreenAndObeysNoByteOfTheBox) {
  Played played;
  played.inside["secret"].output = "cat: \033[2Jx: No\007pe";
  const std::string text = demo_text(played.lines(), std::chrono::milliseconds(80), {});
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 30);
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_EQ(text.find('\007'), std::string::npos);
  EXPECT_NE(text.find("20 of 20 hold, in 80 ms."), std::string::npos);
  EXPECT_NE(text.find("redoubtful run"), std::string::npos);
}

}  // namespace
}  // namespace redoubtful::cli
