#include "cli/agent_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace redoubtful::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

EnvironmentFacts facts() {
  return {.user = "ada",
          .uid = 1000,
          .home = "/home/ada",
          .shell = "/bin/bash",
          .path = {"/home/ada/.opencode/bin", "/usr/bin"},
          .network = NetworkMode::kFiltered,
          .allowed_hosts = {"api.example.com", "*.example.org:8443"}};
}

Origin at(int line) { return {"x.yaml", line, 3, ""}; }

EnvironmentProfile passing(std::vector<std::string> names) {
  EnvironmentProfile profile;
  int line = 0;
  for (auto& name : names) profile.pass.push_back({std::move(name), at(++line)});
  return profile;
}

AgentEnvironment made(const EnvironmentProfile& profile, std::vector<std::string> host,
                      const EnvironmentFacts& given = facts()) {
  auto result = agent_environment(profile, host, given);
  EXPECT_TRUE(result) << (result ? "" : result.error().what());
  return result ? *result : AgentEnvironment{};
}

TEST(AgentEnvironment, HoldsNothingOfTheHostUnlessNamed) {
  const auto environment =
      made({}, {"AWS_SECRET_ACCESS_KEY=k", "SSH_AUTH_SOCK=/s", "PATH=/evil", "HOME=/evil",
                "USER=mallory", "TERM=xterm", "IS_SANDBOX=no", "REDOUBTFUL=0"});
  EXPECT_THAT(
      environment.variables,
      ElementsAre("HOME=/home/ada", "LOGNAME=ada", "PATH=/home/ada/.opencode/bin:/usr/bin",
                  "REDOUBTFUL=1", "REDOUBTFUL_ALLOWED_HOSTS=api.example.com,*.example.org:8443",
                  "REDOUBTFUL_NETWORK=filtered", "SHELL=/bin/bash", "USER=ada"));
  EXPECT_THAT(environment.warnings, IsEmpty());
}

TEST(AgentEnvironment, TellsRootsAgentsThatTheyAreInASandbox) {
  EnvironmentFacts root = facts();
  root.uid = 0;
  EXPECT_THAT(made({}, {}, root).variables, Contains("IS_SANDBOX=1"));
  EXPECT_THAT(made({}, {}).variables, Not(Contains(StartsWith("IS_SANDBOX"))));
}

TEST(AgentEnvironment, NamesTheNetworkMode) {
  EnvironmentFacts given = facts();
  given.network = NetworkMode::kNone;
  EXPECT_THAT(made({}, {}, given).variables, Contains("REDOUBTFUL_NETWORK=none"));
  given.network = NetworkMode::kDangerouslyOpen;
  EXPECT_THAT(made({}, {}, given).variables, Contains("REDOUBTFUL_NETWORK=dangerously-open"));
}

TEST(AgentEnvironment, PassesNamesAndPrefixes) {
  const auto environment =
      made(passing({"TERM", "LC_*", "ABSENT"}), {"TERM=xterm-256color", "LC_ALL=C.UTF-8", "LC_=odd",
                                                 "LCX=1", "lc_x=1", "COLORTERM=truecolor"});
  EXPECT_THAT(environment.variables, Contains("TERM=xterm-256color"));
  EXPECT_THAT(environment.variables, Contains("LC_ALL=C.UTF-8"));
  EXPECT_THAT(environment.variables, Contains("LC_=odd"));
  EXPECT_EQ(environment.variables.size(), 8u + 3u);
}

TEST(AgentEnvironment, KeepsValuesByteForByte) {
  const auto environment =
      made(passing({"A", "B", "C"}), {"A=x=y=z", "B=", std::string("C=\xff\n\x1b[0m")});
  EXPECT_THAT(environment.variables, Contains("A=x=y=z"));
  EXPECT_THAT(environment.variables, Contains("B="));
  EXPECT_THAT(environment.variables, Contains(std::string("C=\xff\n\x1b[0m")));
}

TEST(AgentEnvironment, SetWinsOverPassAndTheLaterOverTheEarlier) {
  EnvironmentProfile profile = passing({"EDITOR"});
  profile.set = {{"EDITOR", "vim", at(1)}, {"EDITOR", "ed", at(2)}, {"PATH", "/opt/only", at(3)}};
  const auto environment = made(profile, {"EDITOR=emacs"});
  EXPECT_THAT(environment.variables, Contains("EDITOR=ed"));
  EXPECT_THAT(environment.variables, Contains("PATH=/opt/only"));
}

TEST(AgentEnvironment, WildcardsNeverMatchWhatIsDangerous) {
  const std::vector<std::string> kDangerous{
      "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH",
      "BASH_ENV", "ENV", "BASH_FUNC_ls%%", "BASHOPTS", "SHELLOPTS", "IFS", "PS4", "PROMPT_COMMAND",
      "ZDOTDIR", "NODE_OPTIONS", "NODE_PATH", "PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME",
      "PERL5LIB", "PERL5OPT", "PERL5DB", "RUBYOPT", "RUBYLIB", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS",
      "JDK_JAVA_OPTIONS", "CLASSPATH", "DOTNET_STARTUP_HOOKS", "LUA_INIT", "GIT_SSH_COMMAND",
      "GIT_DIR", "GIT_CONFIG_COUNT", "LESSOPEN", "VIMINIT", "MAKEFLAGS", "npm_config_script_shell",
      "RUSTC_WRAPPER", "CARGO_BUILD_RUSTC", "GOFLAGS", "OPENSSL_CONF", "SSLKEYLOGFILE",
      "SSH_AUTH_SOCK", "SSH_AGENT_PID", "GPG_AGENT_INFO", "DBUS_SESSION_BUS_ADDRESS",
      "XDG_RUNTIME_DIR", "TMUX", "TMUX_PANE", "STY", "VSCODE_IPC_HOOK_CLI", "DISPLAY",
      "WAYLAND_DISPLAY", "XAUTHORITY", "KITTY_LISTEN_ON", "DOCKER_HOST", "CONTAINER_HOST",
      "NOTIFY_SOCKET", "LISTEN_FDS", "KRB5CCNAME", "NVIM", "PULSE_SERVER", "SESSION_MANAGER",
      "GTK_MODULES", "QT_PLUGIN_PATH", "WSL_INTEROP",
      // ours and the computed ones
      "REDOUBTFUL", "REDOUBTFUL_PROXY", "HOME", "USER", "LOGNAME", "SHELL", "PATH"};
  for (const std::string& name : kDangerous) {
    for (std::size_t length = 0; length <= name.size(); ++length) {
      const auto environment =
          made(passing({name.substr(0, length) + "*"}), {name + "=attack", "ZZ_SAFE=1"});
      for (const std::string& variable : environment.variables) {
        EXPECT_NE(variable, name + "=attack") << "matched by " << name.substr(0, length) << "*";
      }
      if (name.starts_with("REDOUBTFUL") && length >= 10) break;  // refused, see below
    }
  }
  EXPECT_THAT(made(passing({"*"}), {"ZZ_SAFE=1"}).variables, Contains("ZZ_SAFE=1"))
      << "positive control";
  EXPECT_THAT(made(passing({"*"}), {"ZZ_SAFE=1"}).warnings, ElementsAre(HasSubstr("x.yaml:1:3")));
}

TEST(AgentEnvironment, ADangerousNameSpelledOutPasses) {
  const auto environment = made(passing({"LD_LIBRARY_PATH", "SSH_AUTH_SOCK", "GIT_AUTHOR_NAME"}),
                                {"LD_LIBRARY_PATH=/l", "SSH_AUTH_SOCK=/s", "GIT_AUTHOR_NAME=Ada"});
  EXPECT_THAT(environment.variables, Contains("LD_LIBRARY_PATH=/l"));
  EXPECT_THAT(environment.variables, Contains("SSH_AUTH_SOCK=/s"));
  EXPECT_THAT(environment.variables, Contains("GIT_AUTHOR_NAME=Ada"));
  EXPECT_THAT(environment.warnings, Contains(HasSubstr("LD_LIBRARY_PATH")));
  EXPECT_THAT(environment.warnings, Not(Contains(HasSubstr("SSH_AUTH_SOCK"))));
}

TEST(AgentEnvironment, WarnsOnlyAboutWhatIsThere) {
  EXPECT_THAT(made(passing({"LD_PRELOAD"}), {}).warnings, IsEmpty());
}

TEST(AgentEnvironment, DropsHostEntriesThatProgramsReadDifferently) {
  const auto environment = made(
      passing({"A", "B", "*"}),
      {"", "=", "=x", "NOEQUALS", "A=first", "A=second", "B\n=x", "B x=1", std::string("\x01=1")});
  EXPECT_THAT(environment.variables, Contains("A=first"));
  EXPECT_EQ(environment.variables.size(), 8u + 1u);
}

TEST(AgentEnvironment, RefusesNamesThatAreNone) {
  for (const std::string bad : {"", "A=B", "A B", "A\n", "*A", "A*B", "A**", "REDOUBTFUL",
                                "REDOUBTFUL_NETWORK", "REDOUBTFUL_*"}) {
    const auto result = agent_environment(passing({bad}), {}, facts());
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code(), Errc::kInvalidProfile);
    EXPECT_THAT(result.error().what(), StartsWith("x.yaml:1:3: "));
  }
  for (const std::string bad : {"", "A=B", "A B", "\x7f", "REDOUBTFUL", "REDOUBTFUL_X"}) {
    EnvironmentProfile profile;
    profile.set = {{bad, "x", at(4)}};
    const auto result = agent_environment(profile, {}, facts());
    ASSERT_FALSE(result) << bad;
    EXPECT_THAT(result.error().what(), StartsWith("x.yaml:4:3: "));
  }
}

TEST(AgentEnvironment, RefusesValuesThatExecveWouldRefuse) {
  EnvironmentProfile profile;
  profile.set = {{"A", std::string(131'072 - 3, 'x'), at(1)}};
  EXPECT_TRUE(agent_environment(profile, {}, facts()));
  profile.set = {{"A", std::string(131'072 - 2, 'x'), at(1)}};
  EXPECT_FALSE(agent_environment(profile, {}, facts()));
  profile.set = {{"A", std::string("a\0b", 3), at(1)}};
  EXPECT_FALSE(agent_environment(profile, {}, facts()));
}

TEST(AgentEnvironment, KeepsTheCurrentDirectoryOutOfPath) {
  EnvironmentFacts given = facts();
  given.path = {"", ".", "bin", "/a:b", "/usr/bin"};
  const auto environment = made({}, {}, given);
  EXPECT_THAT(environment.variables, Contains("PATH=/usr/bin"));
  EXPECT_EQ(environment.warnings.size(), 4u);
  given.path = {};
  EXPECT_THAT(made({}, {}, given).variables, Contains("PATH=/usr/local/bin:/usr/bin:/bin"));
}

TEST(AgentEnvironment, CutsALongListOfHostsBeforeTheKernelRefusesIt) {
  EnvironmentFacts given = facts();
  given.allowed_hosts.assign(10'000, "a-host-with-a-long-name.example.com");
  for (const std::string& variable : made({}, {}, given).variables) {
    EXPECT_LT(variable.size(), 33'000u);
  }
  EXPECT_THAT(made({}, {}, given).variables, Contains(::testing::EndsWith(".com,...")));
}

TEST(AgentEnvironment, UsersWordBeatsADefaultAndNothingBeatsASurrogate) {
  EnvironmentFacts given = facts();
  given.defaults = {"SSL_CERT_FILE=/ours", "HTTP_PROXY=http://ours"};
  given.surrogates = {"TOKEN=surrogate"};
  EnvironmentProfile profile = passing({"HTTP_PROXY", "TOKEN"});
  profile.set = {{"SSL_CERT_FILE", "/mine", at(9)}, {"TOKEN", "mine", at(10)}};
  const auto environment = made(profile, {"HTTP_PROXY=http://mine", "TOKEN=real"}, given);
  EXPECT_THAT(environment.variables, Contains("SSL_CERT_FILE=/mine"));
  EXPECT_THAT(environment.variables, Contains("HTTP_PROXY=http://mine"));
  EXPECT_THAT(environment.variables, Contains("TOKEN=surrogate"));
  EXPECT_THAT(made({}, {}, given).variables, Contains("SSL_CERT_FILE=/ours"));
}

TEST(AgentEnvironment, WhatHoldsARealSecretIsNeverPassed) {
  EnvironmentFacts given = facts();
  given.withheld = {"APP_KEY"};
  const auto exactly = made(passing({"APP_KEY"}), {"APP_KEY=real", "APP_URL=u"}, given);
  EXPECT_THAT(exactly.variables, Not(Contains(HasSubstr("real"))));
  EXPECT_THAT(exactly.warnings, Contains(HasSubstr("APP_KEY holds the value of a credential")));
  const auto wildcard = made(passing({"APP_*"}), {"APP_KEY=real", "APP_URL=u"}, given);
  EXPECT_THAT(wildcard.variables, Not(Contains(HasSubstr("real"))));
  EXPECT_THAT(wildcard.variables, Contains("APP_URL=u")) << "positive control";
}

TEST(AgentEnvironment, JavasOptionsAreAddedToAndNotReplaced) {
  EnvironmentFacts given = facts();
  given.java_options = "-Djavax.net.ssl.trustStore=/s";
  EXPECT_THAT(made({}, {}, given).variables,
              Contains("JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore=/s"));
  EXPECT_THAT(made(passing({"JAVA_TOOL_OPTIONS"}), {"JAVA_TOOL_OPTIONS=-Xmx1g"}, given).variables,
              Contains("JAVA_TOOL_OPTIONS=-Xmx1g -Djavax.net.ssl.trustStore=/s"));
  EnvironmentProfile own;
  own.set = {{"JAVA_TOOL_OPTIONS", "-Djavax.net.ssl.trustStore=/mine", at(1)}};
  EXPECT_THAT(made(own, {}, given).variables,
              Contains("JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore=/mine"));
}

}  // namespace
}  // namespace redoubtful::cli
