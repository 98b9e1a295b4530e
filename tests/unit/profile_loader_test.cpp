#include "cli/profile_loader.hpp"

#include <gtest/gtest.h>

namespace redoubtful::cli {
namespace {

Layer load(std::string_view yaml) { return load_layer(yaml, "p", "p.yaml").value(); }

std::string why(std::string_view yaml, DocumentKind kind = DocumentKind::kProfile) {
  const auto layer = load_layer(yaml, "p", "p.yaml", kind);
  return layer ? "accepted" : layer.error().what();
}

TEST(ProfileLoader, ReadsEveryKeyOfThisVersion) {
  const auto layer = load(R"(
description: all of it
extends: [git, builtin/node]
commands: [claude]
arguments: [--fast, ""]
nested: true
filesystem:
  home: persistent
  cwd: ro
  mounts:
    - ~/.gitconfig
    - {path: ~/notes, mode: rw, create: true}
    - {path: /data/models, to: /models, optional: true}
  path: [~/.local/bin]
  hide: ["**/.env", "secrets/"]
  protect: [.envrc, "!.husky"]
environment:
  pass: [LANG, "LC_*"]
  set: {EDITOR: vim, EMPTY: "", DEBUG: true}
network:
  mode: none
  allow: [api.example, {host: "tcp://db.example:5432", private: [10.0.0.0/8]}]
  deny: ["*.telemetry.example", {host: api.example, methods: [DELETE], paths: ["/x/**"]}]
  ask: [raw.example]
  forward: [8080, "5432:15432", "udp:53"]
  publish: [3000]
audit: {syslog: true}
limits: {memory: 8G, processes: 2048, time: 4h}
)");
  EXPECT_EQ(layer.description, "all of it");
  ASSERT_EQ(layer.extends.size(), 2U);
  EXPECT_EQ(layer.extends[1].origin.text(), "p.yaml:3:16");
  EXPECT_EQ(layer.commands.at(0).value, "claude");
  EXPECT_EQ(layer.arguments.at(1).value, "");
  EXPECT_TRUE(layer.nested->value);
  EXPECT_EQ(layer.home->value, HomeMode::kPersistent);
  EXPECT_EQ(layer.cwd->value, MountMode::kReadOnly);
  ASSERT_EQ(layer.mounts.size(), 3U);
  EXPECT_EQ(layer.mounts[0].path, "~/.gitconfig");
  EXPECT_EQ(layer.mounts[0].mode, MountMode::kReadOnly);
  EXPECT_TRUE(layer.mounts[1].create);
  EXPECT_EQ(layer.mounts[1].mode, MountMode::kReadWrite);
  EXPECT_EQ(layer.mounts[2].to, "/models");
  EXPECT_TRUE(layer.mounts[2].optional);
  EXPECT_EQ(layer.mounts[2].origin.text(), "p.yaml:13:7");
  EXPECT_EQ(layer.hide.size(), 2U);
  EXPECT_EQ(layer.protect.at(1).value, "!.husky");
  EXPECT_EQ(layer.pass.at(1).value, "LC_*");
  ASSERT_EQ(layer.set.size(), 3U);
  EXPECT_EQ(layer.set[1].value, "");
  EXPECT_EQ(layer.set[2].value, "true");
  EXPECT_EQ(layer.mode->value, NetworkMode::kNone);
  EXPECT_EQ(layer.allow.at(1).value.private_ranges.at(0), "10.0.0.0/8");
  EXPECT_TRUE(layer.deny.at(0).value.any_port);
  EXPECT_EQ(layer.deny.at(1).value.methods.at(0), "DELETE");
  EXPECT_EQ(layer.ask.size(), 1U);
  EXPECT_EQ(layer.forward.at(2).transport, Transport::kUdp);
  EXPECT_EQ(layer.publish.at(0).host, 3000);
  EXPECT_TRUE(layer.syslog->value);
  EXPECT_EQ(layer.syslog->origin.text(), "p.yaml:27:17");
  EXPECT_EQ(layer.limits.memory_bytes->value, 8ULL << 30U);
  EXPECT_EQ(layer.limits.time->value.count(), 14400);
}

TEST(ProfileLoader, ReadsAnEmptyDocumentAndEmptyListsAsNothing) {
  EXPECT_TRUE(load("").allow.empty());
  EXPECT_TRUE(load("network: {allow: [], deny: []}\n").allow.empty());
}

TEST(ProfileLoader, NamesPlaceKeyAndNearest) {
  struct Row {
    const char* yaml;
    const char* expected;
  };
  for (const auto& row : {
           Row{"filesytem: {}\n",
               "p.yaml:1:1: unknown key \"filesytem\" (did you mean filesystem?)"},
           Row{"network:\n  alow: []\n", "p.yaml:2:3: unknown key \"alow\" (did you mean allow?)"},
           Row{"filesystem:\n  mounts:\n    - {pth: /a}\n", "p.yaml:3:8: unknown key \"pth\""},
           Row{"network: {allow: [{hots: a.example}]}\n",
               "unknown key \"hots\" (did you mean host?)"},
           Row{"<<: {}\n", "p.yaml:1:1: unknown key"},
           Row{"\"net\\nwork\": {}\n", "unknown key \"net\\nwork\""},
           Row{"network:\n", "p.yaml:1:"},
           Row{"network:\n  allow:\n", "expected a list, found nothing (null)"},
           Row{"network:\n  allow:\n    -\n", "p.yaml:3:5: an item of the list is empty (null)"},
           Row{"network:\n  allow:\n    - a.example\n    - # later\n\n# - not this -\n  deny: []\n",
               "p.yaml:4:5: an item of the list is empty"},
           Row{"network:\n  allow:\n  - a.example\n  -\n  - b.example\n", "p.yaml:4:3: an item"},
           Row{"network:\n  allow:\n  - null\n", "p.yaml:3:3: an item of the list is empty"},
           Row{"network: {allow: [a.example, ~]}\n", "p.yaml:1:30: an item of the list is empty"},
           Row{"network: {allow: a.example}\n",
               "p.yaml:1:18: expected a list, found a single value"},
           Row{"network: [a]\n", "expected a mapping, found a list"},
           Row{"nested: yes\n", "p.yaml:1:9: \"yes\" is neither true nor false"},
           Row{"nested: [true]\n", "expected a single value, found a list"},
           Row{"audit: {sysloge: true}\n", "p.yaml:1:9: unknown key \"sysloge\" (did you mean"},
           Row{"audit: {syslog: on}\n", "p.yaml:1:17: \"on\" is neither true nor false"},
           Row{"audit: {syslog: }\n", "found nothing (null)"},
           Row{"audit: true\n", "expected a mapping, found a single value"},
           Row{"[a, b]\n", "p.yaml:1:1: expected a mapping, found a list"},
           Row{"just text\n", "p.yaml:1:1: expected a mapping"},
           Row{"limits: {memory: 8}\n", "p.yaml:1:18: \"8\" is not an amount of memory"},
           Row{"filesystem: {home: tmpf}\n", "(did you mean tmpfs?)"},
           Row{"filesystem: {mounts: [relative]}\n", "neither absolute nor begins with ~/"},
           Row{"filesystem: {mounts: [/a/../b]}\n", "contains \"..\""},
           Row{"filesystem: {mounts: [\"/a\\0b\"]}\n", "contains a NUL byte"},
           Row{"filesystem: {mounts: [{mode: rw}]}\n", "a mount needs the key path"},
           Row{"filesystem: {mounts: [{path: /a, create: true, optional: true}]}\n", "exclude"},
           Row{"filesystem: {hide: [/etc/*]}\n", "must be relative to the mount"},
           Row{"environment: {pass: [\"*\"]}\n", "would pass the whole environment"},
           Row{"environment: {set: {A B: x}}\n",
               "p.yaml:1:21: \"A B\" is not the name of a variable"},
           Row{"environment: {set: {A: [x]}}\n", "expected a single value"},
           Row{"environment: {set: {A: }}\n", "found nothing (null)"},
           Row{"network: {forward: [0]}\n", "p.yaml:1:21: \"0\" is not a port"},
           Row{"network: {forward: [65536]}\n", "is not a port"},
           Row{"network: {forward: [http]}\n", "is not PORT[:INSIDE]"},
           Row{"network: {allow: [\"*.com\"]}\n", "top-level domain is too wide"},
           Row{"commands: [/bin/sh]\n", "is not a bare command"},
       }) {
    EXPECT_NE(why(row.yaml).find(row.expected), std::string::npos) << row.yaml << why(row.yaml);
  }
}

TEST(ProfileLoader, RefusesRestrictionsThatWouldMeanTheirOpposite) {
  for (const auto* rule :
       {"{host: a.example, methods: []}", "{host: a.example, paths: []}",
        "{host: \"tcp://a.example:1\", methods: [GET]}", "{host: \"ssh://a.example\", paths: [/x]}",
        "{host: a.example, splice: true, paths: [/x]}",
        "{host: \"http://a.example\", splice: true}", "{host: a.example, methods: [get]}",
        "{host: a.example, paths: [x]}", "{host: a.example, paths: [\"/x?y\"]}",
        "{host: a.example, private: [0.0.0.0/0]}", "{methods: [GET]}", "{host: }", "{}"}) {
    EXPECT_NE(why(std::string("network: {allow: [") + rule + "]}"), "accepted") << rule;
  }
  EXPECT_NE(why("network: {deny: [{host: a.example, splice: true}]}"), "accepted");
  EXPECT_NE(why("network: {deny: [{host: a.example, private: [10.0.0.0/8]}]}"), "accepted");
}

TEST(ProfileLoader, RefusesARuleThatCanNeverMatter) {
  for (const auto* list :
       {"[\"*.a.example\", b.a.example]", "[b.a.example, \"*.a.example\"]",
        "[a.example, a.example]", "[a.example, A.example.]",
        "[a.example, \"https://a.example:443\"]", "[a.example, {host: a.example, methods: [GET]}]",
        "[{host: a.example, methods: [GET, PUT]}, {host: a.example, methods: [GET]}]"}) {
    EXPECT_NE(why(std::string("network: {allow: ") + list + "}").find("can never matter"),
              std::string::npos)
        << list;
  }
  for (const auto* list :
       {"[\"*.a.example\", a.example]", "[a.example, \"a.example:8443\"]",
        "[a.example, \"http://a.example\"]", "[a.example, {host: a.example, splice: true}]",
        "[\"*.corp.example\", {host: ci.corp.example, private: [10.0.0.0/8]}]",
        "[{host: a.example, methods: [GET]}, {host: a.example, methods: [PUT]}]",
        "[{host: a.example, paths: [/x]}, {host: a.example, methods: [GET]}]"}) {
    EXPECT_EQ(why(std::string("network: {allow: ") + list + "}"), "accepted") << list;
  }
  EXPECT_NE(why("network: {deny: [a.example, \"tcp://a.example:25\"]}").find("can never matter"),
            std::string::npos)
      << "a bare deny is every port and scheme";
}

TEST(ProfileLoader, SaysWhatComesLater) {
  for (const auto* yaml :
       {"filesystem: {cwd: cow}\n", "filesystem: {mounts: [{path: /a, mode: cow}]}\n"}) {
    const auto layer = load_layer(yaml, "p", "p.yaml");
    ASSERT_FALSE(layer) << yaml;
    EXPECT_EQ(layer.error().code(), Errc::kNotYet) << yaml;
    EXPECT_NE(layer.error().what().find("not yet in this version"), std::string::npos) << yaml;
    EXPECT_TRUE(layer.error().what().starts_with("p.yaml:1:")) << layer.error().what();
  }
}

TEST(ProfileLoader, ConfigurationClaimsNoCommands) {
  EXPECT_NE(why("commands: [x]\n", DocumentKind::kConfig), "accepted");
  EXPECT_NE(why("arguments: [x]\n", DocumentKind::kConfig), "accepted");
  EXPECT_EQ(why("network: {deny: [x.example]}\n", DocumentKind::kConfig), "accepted");
}

}  // namespace
}  // namespace redoubtful::cli
