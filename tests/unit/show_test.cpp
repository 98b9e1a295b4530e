#include "cli/show.hpp"

#include <gtest/gtest.h>

#include <regex>

#include "cli/flags.hpp"
#include "cli/layers.hpp"
#include "cli/profile_loader.hpp"

namespace redoubtful::cli {
namespace {

Profile sample() {
  Profile profile;
  const auto layer = load_layer(R"(description: a sample
commands: [agent]
nested: true
filesystem:
  home: persistent
  cwd: ro
  mounts:
    - {path: /data, to: /models, mode: rw, optional: true}
  path: [~/bin]
  hide: [.env]
  protect: [.envrc]
environment:
  pass: [LANG]
  set: {EDITOR: vim}
network:
  mode: filtered
  allow: [{host: a.example, methods: [GET], paths: [/x], private: [10.0.0.0/8]}, "ssh://d.example"]
  deny: ["*.b.example"]
  ask: [c.example]
  forward: ["udp:53:5353"]
  publish: [3000]
  origins: {a.example: {address: "::1", ca: ~/lab.pem, via: "https://gw.example/v1"}}
  ca: [/etc/corp.pem]
  proxy: http://proxy.example:3128
credentials:
  key: {source: env:KEY, hosts: [a.example], expose: {env: [KEY, K2]}, optional: true}
audit: {syslog: true}
limits: {memory: 1G, processes: 10, time: 1m}
)",
                                "sample", "sample.yaml");
  apply_layer(profile, layer.value(), {"agent"}, {});
  FlagTexts flags;
  flags.mounts = {"/a\xff:rw"};
  flags.environment = {"A=\x1b[31m"};
  apply_layer(profile, flags_layer(flags, "/cwd").value(), {}, {});
  return profile;
}

TEST(Show, NamesEveryValueAndWhereItCameFrom) {
  const std::regex spaces(" +#");
  EXPECT_EQ(std::regex_replace(show_text(sample(), {"agent", "two words", "\x1b"}), spaces, " #"),
            R"(description: a sample
layers:
  - sample # sample.yaml
  - command line
command: [agent, two words, "\x1b"]
commands:
  - agent # sample.yaml:2:12
nested: true # sample.yaml:3:9
filesystem:
  home: persistent # sample.yaml:5:9
  cwd: ro # sample.yaml:6:8
  mounts:
    - /data to /models rw optional # sample.yaml:8:7
    - "/a\xff" rw # command line (-m "/a\xff:rw")
  path:
    - ~/bin # sample.yaml:9:10
  hide:
    - .env # sample.yaml:10:10
  protect:
    - .envrc # sample.yaml:11:13
environment:
  pass:
    - LANG # sample.yaml:13:10
  set:
    EDITOR: vim # sample.yaml:14:9
    A: "\x1b[31m" # command line (-e A)
network:
  mode: filtered # sample.yaml:16:9
  allow:
    - a.example methods [GET] paths [/x] private [10.0.0.0/8] # sample.yaml:17:11
    - ssh://d.example (unchecked) # sample.yaml:17:82
  deny:
    - *.b.example # sample.yaml:18:10
  ask:
    - c.example # sample.yaml:19:9
  forward:
    - udp:53:5353 # sample.yaml:20:13
  publish:
    - 3000:3000 # sample.yaml:21:13
  origins:
    - a.example: address [::1] ca ~/lab.pem via https://gw.example/v1 # sample.yaml:22:13
  ca:
    - /etc/corp.pem # sample.yaml:23:8
  proxy: http://proxy.example:3128 # sample.yaml:24:10
 # looks names up by itself, where nothing can be checked: addresses and names
 # that are not public ones are refused, unless NO_PROXY names them
credentials:
  key: env:KEY to [a.example] as [KEY, K2] optional # sample.yaml:26:3
audit:
  syslog: true # sample.yaml:27:17
limits:
  memory: 1073741824 bytes # sample.yaml:28:18
  processes: 10 # sample.yaml:28:33
  time: 60 s # sample.yaml:28:43
)");
}

TEST(Show, NamesTheProxyOfTheEnvironmentWithoutItsPassword) {
  struct Row {
    std::vector<std::string> environment;
    const char* shown;  // null: nothing
  };
  for (const Row& row : {
           Row{{"HTTPS_PROXY=http://user:p%40ss@proxy.corp:3128/"}, "http://proxy.corp:3128/"},
           Row{{"HTTPS_PROXY=u:p@q@proxy.corp"}, "proxy.corp"},
           Row{{"HTTPS_PROXY=http://a", "https_proxy=http://b"}, "http://b"},
           Row{{"ALL_PROXY=http://u:p@a:1"}, "http://a:1"},
           Row{{"ALL_PROXY=http://a", "all_proxy=http://b", "HTTPS_PROXY=http://c"}, "http://c"},
           Row{{"HTTPS_PROXY=", "HTTP_PROXY=http://a", "PATH=/", "ALL_PROXY"}, nullptr},
       }) {
    const auto proxy = with_outer_proxy({}, row.environment).network.proxy;
    ASSERT_EQ(proxy.has_value(), row.shown != nullptr) << row.environment[0];
    if (proxy) {
      EXPECT_EQ(proxy->value, row.shown);
    }
  }
  const std::vector<std::string> environment{"HTTPS_PROXY=http://user:word@proxy.corp:1"};
  const std::string text = show_text(with_outer_proxy({}, environment), {});
  EXPECT_NE(text.find("proxy: http://proxy.corp:1"), std::string::npos) << text;
  EXPECT_NE(text.find("# HTTPS_PROXY of this environment\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("word"), std::string::npos);
  EXPECT_EQ(with_outer_proxy(sample(), environment).network.proxy->value,
            "http://proxy.example:3128");
  Profile open;
  open.network.mode.value = NetworkMode::kDangerouslyOpen;
  EXPECT_FALSE(with_outer_proxy(open, environment).network.proxy);
}

TEST(Show, JsonHoldsTheSame) {
  const std::string json = show_json(sample(), {"agent", "\xff"});
  for (
      const auto* part :
      {R"({"version":1,"description":"a sample")", R"("command":["agent",{"hex":"ff"}])",
       R"("nested":{"value":true,"origin":{"file":"sample.yaml","line":3,"column":9}})",
       R"({"path":"/data","to":"/models","mode":"rw","create":false,"optional":true)",
       R"({"path":{"hex":"2f61ff"},"to":{"hex":"2f61ff"},"mode":"rw")",
       R"({"name":"A","value":"\u001b[31m")", R"("option":"-e A")",
       R"({"host":"a.example","scheme":"https","port":443,"methods":["GET"],"paths":["/x"],)"
       R"("private":["10.0.0.0/8"],"splice":false)",
       R"({"host":"*.b.example","scheme":null,"port":null)",
       R"("origins":[{"host":"a.example","address":"[::1]","ca":"~/lab.pem",)"
       R"("via":"https://gw.example/v1","origin":{"file":"sample.yaml","line":22,"column":13}}])",
       R"("ca":[{"value":"/etc/corp.pem","origin":)",
       R"("proxy":{"value":"http://proxy.example:3128")",
       R"("credentials":[{"name":"key","source":"env:KEY","command":[],"hosts":["a.example"],)"
       R"("expose":{"env":["KEY","K2"],"file":[]},"replace_in":[],"attach":null,"exclusive":false,)"
       R"("optional":true,"type":"value","services":[],"refresh":null,"origin":{"file":"sample.yaml","line":26,)",
       R"("audit":{"syslog":{"value":true,"origin":{"file":"sample.yaml","line":27,"column":17}}})",
       R"({"transport":"udp","host":53,"inside":5353)", R"("memory":{"value":1073741824)",
       R"("time":{"value":60)"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << "\nis not in\n" << json;
  }
  EXPECT_EQ(std::count(json.begin(), json.end(), '\n'), 1);
}

// What redoubtful-proxy --config reads, which has no home directory.
TEST(Show, CertificateFilesCanBeFoundWithoutAHome) {
  Profile profile = sample();
  expand_certificate_files(profile.network, "/home/user");
  const std::string json = show_json(profile, {});
  EXPECT_NE(json.find(R"("ca":"/home/user/lab.pem")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("ca":[{"value":"/etc/corp.pem",)"), std::string::npos) << json;
}

}  // namespace
}  // namespace redoubtful::cli
