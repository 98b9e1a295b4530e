// What the proxy makes of a profile's JSON: all that `show --json` says, and nothing that it could
// be widened by.

#include "proxy/configuration.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "proxy/json_reader.hpp"
#include "tests/proxy/policy_support.hpp"

namespace redoubtful::proxy {
namespace {

using test::Words;

std::string with_list(const std::string& list, const std::string& rules) {
  return R"({"version":1,"network":{")" + list + R"(":[)" + rules + "]}}";
}
std::string with_allow(const std::string& rule) { return with_list("allow", rule); }

std::string sample(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(std::string(REDOUBTFUL_SOURCE_DIR) + "/tests/proxy/configurations/" + name,
                        std::ios::binary)
              .rdbuf();
  return text.str();
}

TEST(Configuration, ReadsARuleFromItsFields) {
  const auto read = parse_configuration(with_allow(
      R"({"host":"*.a.example","scheme":"https","port":443,"methods":["GET"],"paths":["/x/**"],
          "private":["10.0.0.0/8"],"splice":false,"text":"*.a.example",
          "origin":{"file":{"hex":"2fff"},"line":3,"column":5}})"));
  ASSERT_TRUE(read) << read.error().what();
  ASSERT_EQ(read->network.allow.size(), 1u);
  const auto& rule = read->network.allow[0];
  EXPECT_EQ(rule.value.pattern.text(), "*.a.example");
  EXPECT_EQ(rule.value.methods, Words{"GET"});
  EXPECT_EQ(rule.origin.file, "/\xff");
  EXPECT_EQ(rule.origin.line, 3);
}

// A text that says another thing than the fields is only shown, and cannot hurt a terminal.
TEST(Configuration, BelievesTheFieldsAndNotTheText) {
  const auto read = parse_configuration(with_allow(
      R"({"host":"a.example","scheme":"https","port":443,"methods":[],"paths":[],
          "text":"*.evil.test\u001b[2J"})"));
  ASSERT_TRUE(read) << read.error().what();
  const auto& rule = read->network.allow[0].value;
  EXPECT_EQ(rule.pattern.text(), "a.example");
  EXPECT_EQ(rule.text.find('\x1b'), std::string::npos);
  const Policy policy(read->network, {});
  EXPECT_EQ(test::denied(policy, "x.evil.test").reason, DenyReason::kNoMatchingRule);
}

TEST(Configuration, AbsentAndNullListsAllowNothing) {
  for (const char* text :
       {R"({"version":1})", R"({"version":1,"network":null,"credentials":null})",
        R"({"version":1,"network":{"allow":null},"else":[1]})", R"({"version":1,"network":{}})",
        R"({"version":1,"network":{"deny":[]}})",
        R"({"version":1,"netwrok":{"mode":{"value":"discover"}}})"}) {
    const auto read = parse_configuration(text);
    ASSERT_TRUE(read) << text;
    EXPECT_TRUE(read->network.allow.empty());
    EXPECT_EQ(read->network.mode.value, NetworkMode::kFiltered);
    EXPECT_TRUE(read->credentials.empty());
  }
}

TEST(Configuration, ReadsWhatShowPrintsForANothingOfAProfile) {
  const auto read = parse_configuration(sample("nothing.json"));
  ASSERT_TRUE(read) << read.error().what();
  EXPECT_TRUE(read->network.allow.empty());
  EXPECT_TRUE(read->credentials.empty());
  EXPECT_EQ(test::denied(Policy(read->network, {}), "a.example").reason,
            DenyReason::kNoMatchingRule);
}

TEST(Configuration, ReadsWhatShowPrintsForEveryShippedProfileTogether) {
  const auto read = parse_configuration(sample("shipped.json"));
  ASSERT_TRUE(read) << read.error().what();
  const Policy policy(read->network, {});
  const auto on = test::admitted(policy, "github.com");
  EXPECT_EQ(on.rule(), "github.com");
  EXPECT_TRUE(on.place().starts_with("/usr/share/redoubtful/profiles/git.yaml:")) << on.place();
  EXPECT_EQ(test::denied(policy, "evil.test").reason, DenyReason::kNoMatchingRule);
}

TEST(Configuration, ReadsWhatShowPrintsForFlags) {
  const auto read = parse_configuration(sample("flags.json"));
  ASSERT_TRUE(read) << read.error().what();
  const Policy policy(read->network, {});
  EXPECT_EQ(test::admitted(policy, "api.example").place(), "command line (-a api.example)");
  EXPECT_EQ(test::denied(policy, "x.ads.example").place, "command line (--deny *.ads.example)");
  EXPECT_EQ(test::denied(policy, "raw.example").reason, DenyReason::kAskedNobody);
  EXPECT_EQ(test::denied(policy, "api.example", 80, Carried::kHttp).reason,
            DenyReason::kExplicitDeny);
  EXPECT_EQ(test::admitted(policy, "db.example", 5432, Carried::kOpaque).handling(),
            Handling::kTunnel);
  ASSERT_EQ(read->credentials.size(), 1u);
  EXPECT_EQ(read->credentials[0].source, "env:KEY");
  EXPECT_EQ(read->credentials[0].expose_env, Words{"KEY"});
  // Its second host was mentioned by no rule, and is opened by the credential itself.
  EXPECT_EQ(test::admitted(policy, "upload.example").handling(), Handling::kIntercept);
}

TEST(Configuration, ReadsEveryFormThatShowPrints) {
  const auto read = parse_configuration(sample("everything.json"));
  ASSERT_TRUE(read) << read.error().what();
  const auto& network = read->network;
  EXPECT_EQ(network.mode.value, NetworkMode::kDiscover);
  EXPECT_GT(network.mode.origin.line, 0);

  struct Row {
    const char *host, *scheme;
    int port;
    Words methods, paths, ranges;
    bool splice;
  };
  const Row allows[] = {
      {"a.example", "https", 443, {}, {}, {}, false},
      {"*.w.example", "https", 8443, {}, {}, {}, false},
      {"xn--bcher-kva.example", "https", 443, {}, {}, {}, false},
      {"2001:db8::7", "https", 8443, {}, {}, {}, false},
      {"192.0.2.7", "https", 443, {}, {}, {}, false},
      {"h.example", "http", 80, {}, {}, {}, false},
      {"db.example", "tcp", 5432, {}, {}, {}, false},
      {"git.example", "ssh", 22, {}, {}, {}, false},
      {"pinned.example", "https", 443, {}, {}, {}, true},
      {"api.example",
       "https",
       443,
       {"GET", "M-SEARCH"},
       {"/repos/acme/**", "/caf%C3%A9/*"},
       {},
       false},
      {"db.corp", "tcp", 5432, {}, {}, {"10.0.0.0/8", "fd00::/8", "127.0.0.1/32"}, false},
  };
  ASSERT_GE(network.allow.size(), std::size(allows));
  for (std::size_t i = 0; i < std::size(allows); ++i) {
    const auto& rule = network.allow[i].value;
    const auto& row = allows[i];
    EXPECT_EQ(rule.pattern.text(), row.host);
    EXPECT_EQ(scheme_name(rule.scheme), row.scheme) << row.host;
    EXPECT_EQ(rule.port, row.port) << row.host;
    EXPECT_EQ(rule.methods, row.methods) << row.host;
    EXPECT_EQ(rule.paths, row.paths) << row.host;
    EXPECT_EQ(rule.private_ranges, row.ranges) << row.host;
    EXPECT_EQ(rule.splice, row.splice) << row.host;
    EXPECT_FALSE(rule.any_scheme || rule.any_port) << row.host;
  }
  ASSERT_EQ(network.deny.size(), 5u);
  EXPECT_TRUE(network.deny[0].value.any_scheme && network.deny[0].value.any_port);
  EXPECT_FALSE(network.deny[1].value.any_scheme || network.deny[1].value.any_port);
  EXPECT_TRUE(network.deny[2].value.any_scheme);
  EXPECT_EQ(network.deny[2].value.port, 8443);
  EXPECT_FALSE(network.deny[2].value.any_port);
  EXPECT_EQ(network.deny[3].value.methods, Words{"DELETE"});
  EXPECT_EQ(network.deny[4].value.paths, Words{"/admin/**"});
  ASSERT_EQ(network.ask.size(), 2u);
  EXPECT_EQ(network.ask[1].value.methods, Words{"POST"});

  ASSERT_EQ(network.forward.size(), 2u);
  EXPECT_EQ(network.forward[1].transport, Transport::kUdp);
  EXPECT_EQ(network.forward[1].host, 53);
  EXPECT_EQ(network.forward[1].inside, 5353);
  ASSERT_EQ(network.origins.size(), 3u);
  EXPECT_EQ(network.origins[0].address, "127.0.0.1:8443");
  EXPECT_EQ(network.origins[0].ca, "/etc/lab.pem");
  EXPECT_EQ(network.origins[1].address, "[::1]");
  EXPECT_EQ(network.origins[2].via, "https://gateway.corp:8443/v1/api");
  ASSERT_EQ(network.ca.size(), 1u);
  EXPECT_EQ(network.ca[0].value, "/etc/corp/root.pem");
  ASSERT_TRUE(network.proxy);
  EXPECT_EQ(network.proxy->value, "http://proxy.corp:3128");

  ASSERT_EQ(read->credentials.size(), 4u);
  const auto& login = read->credentials[2];
  EXPECT_EQ(login.command, (Words{"pass", "show", "login"}));
  EXPECT_EQ(login.expose_file, (Words{"~/.npmrc", "~/.netrc"}));
  ASSERT_EQ(login.replace_in.size(), 5u);
  EXPECT_EQ(login.replace_in[1].text(), "header:X-Deploy");
  EXPECT_EQ(login.replace_in[4].text(), "body:token POST /login/*");
  EXPECT_EQ(login.attach->value, "Bearer {}");
  EXPECT_TRUE(login.exclusive);
  EXPECT_EQ(read->credentials[0].name, "key");
  EXPECT_EQ(read->credentials[0].hosts.size(), 2u);
  EXPECT_EQ(read->credentials[0].expose_env, (Words{"KEY", "KEY_2"}));
  EXPECT_TRUE(read->credentials[0].optional);
  EXPECT_FALSE(read->credentials[1].optional);
  EXPECT_TRUE(read->audit.syslog.value);
  EXPECT_TRUE(read->audit.syslog.origin.text().ends_with("everything.yaml:37:17"))
      << read->audit.syslog.origin.text();
}

TEST(Configuration, RefusesWhatCouldMakeItWiderByMistake) {
  const std::string rest = R"("scheme":"https","port":443,"methods":[],"paths":[]})";
  const std::string any = R"("scheme":null,"port":null,"methods":[],"paths":[]})";
  const auto origins = [](const std::string& entry) {
    return R"({"version":1,"network":{"origins":[)" + entry + "]}}";
  };
  const auto credentials = [](const std::string& entry) {
    return R"({"version":1,"credentials":[)" + entry + "]}";
  };
  const std::pair<std::string, std::string> refused[] = {
      {"", "JSON"},
      {"{", "JSON"},
      {R"({"version":1,"netw)", "JSON"},
      {R"({"version":1}x)", "JSON"},
      {R"({"version":1,})", "JSON"},
      {"{\"version\":1,\"\xff\":1}", "JSON"},
      {R"({"version":1} // words)", "JSON"},
      {std::string(100, '['), "JSON"},
      {"[]", "object"},
      {"null", "object"},
      {R"({"network":{}})", "version"},
      {R"({"version":2})", "version"},
      {R"({"version":"1"})", "version"},
      {R"({"version":1.0})", "version"},
      {R"({"version":-1})", "version"},
      {R"({"version":1,"version":1})", "twice"},
      {R"({"version":1,"network":{"deny":[],"deny":[]}})", "twice"},
      {R"({"version":1,"":{},"":{}})", "twice"},
      {R"({"version":1,"network":{"deny":[],"\u0064eny":[]}})", "twice"},
      {R"({"version":1,"network":[]})", "network: must be an object"},
      {R"({"version":1,"audit":null})", "audit"},
      {R"({"version":1,"audit":{"syslog":null}})", "audit.syslog"},
      {R"({"version":1,"audit":{"syslog":true}})", "audit.syslog"},
      {R"({"version":1,"audit":{"syslog":{"value":"true"}}})", "audit.syslog.value"},
      {R"({"version":1,"audit":{"sysloge":{"value":true}}})", "sysloge"},
      {R"({"version":1,"network":{"deny":null}})", "network.deny"},
      {R"({"version":1,"network":{"ask":null}})", "network.ask"},
      {R"({"version":1,"network":{"deny":{}}})", "network.deny: must be a list"},
      {R"({"version":1,"network":{"alow":[]}})", "alow"},
      {R"({"version":1,"network":{"mode":null}})", "network.mode"},
      {R"({"version":1,"network":{"mode":{"value":"open"}}})", "network.mode.value"},
      {R"({"version":1,"network":{"mode":{"value":"discover","x":1}}})", "unknown key"},
      {with_allow("null"), "network.allow[0]"},
      {with_allow(R"("a.example")"), "network.allow[0]: must be an object"},
      {with_allow("{" + rest), "network.allow[0].host"},
      {with_allow(R"({"host":"*",)" + rest), "network.allow[0].host"},
      {with_allow(R"({"host":"*.com",)" + rest), "network.allow[0].host"},
      {with_allow(R"({"host":"a.*.example",)" + rest), "network.allow[0].host"},
      {with_allow(R"({"host":"",)" + rest), "network.allow[0].host"},
      {with_allow(R"({"host":null,)" + rest), "network.allow[0].host"},
      {with_allow(R"({"host":["a.example"],)" + rest), "network.allow[0].host"},
      {with_allow(R"({"host":"a.example:443",)" + rest), "network.allow[0].host"},
      {with_allow(R"({"host":"a\u0000.example",)" + rest), "network.allow[0].host"},
      {with_allow(R"({"host":"127.1",)" + rest), "network.allow[0].host"},
      {with_allow(R"({"host":"a.example","xyz":1,)" + rest), "xyz"},
      {with_allow(R"({"host":"a.example",)" + rest + R"(,{"host":"*",)" + rest),
       "network.allow[1].host"},
      {with_allow(R"({"host":"a.example","scheme":null,"port":443,"methods":[],"paths":[]})"),
       "network.allow[0]"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":null,"methods":[],"paths":[]})"),
       "network.allow[0]"},
      {with_allow(R"({"host":"a.example","scheme":"HTTPS","port":443,"methods":[],"paths":[]})"),
       "network.allow[0].scheme"},
      {with_allow(R"({"host":"a.example","port":443,"methods":[],"paths":[]})"),
       "network.allow[0].scheme"},
      {with_allow(R"({"host":"a.example","scheme":"https","methods":[],"paths":[]})"),
       "network.allow[0].port"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":0,"methods":[],"paths":[]})"),
       "network.allow[0].port"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":65536,"methods":[],"paths":[]})"),
       "network.allow[0].port"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":"443","methods":[],"paths":[]})"),
       "network.allow[0].port"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":443.5,"methods":[],"paths":[]})"),
       "network.allow[0].port"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":443,"paths":[]})"),
       "network.allow[0].methods"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":443,"methods":[]})"),
       "network.allow[0].paths"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":443,"methods":null,"paths":[]})"),
       "network.allow[0].methods"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":443,"methods":[""],"paths":[]})"),
       "network.allow[0].methods"},
      {with_allow(
           R"({"host":"a.example","scheme":"https","port":443,"methods":["get"],"paths":[]})"),
       "network.allow[0].methods"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":443,"methods":[],"paths":[""]})"),
       "network.allow[0].paths"},
      {with_allow(R"({"host":"a.example","scheme":"https","port":443,"methods":[],"paths":["x"]})"),
       "network.allow[0].paths"},
      {with_allow(
           R"({"host":"a.example","scheme":"https","port":443,"methods":[],"paths":["/a?b"]})"),
       "network.allow[0].paths"},
      {with_allow(R"({"host":"a.example","scheme":"tcp","port":1,"methods":["GET"],"paths":[]})"),
       "network.allow[0]"},
      {with_allow(R"({"host":"a.example","splice":true,"scheme":"https","port":443,)"
                  R"("methods":["GET"],"paths":[]})"),
       "network.allow[0]"},
      {with_allow(R"({"host":"a.example","splice":true,"scheme":"http","port":80,)"
                  R"("methods":[],"paths":[]})"),
       "splice is for https"},
      {with_allow(R"({"host":"a.example","splice":"yes",)" + rest), "network.allow[0].splice"},
      {with_allow(R"({"host":"a.example","splice":null,)" + rest), "network.allow[0].splice"},
      {with_allow(R"({"host":"a.example","private":["0.0.0.0/0"],)" + rest), "private"},
      {with_allow(R"({"host":"a.example","private":["::/0"],)" + rest), "private"},
      {with_allow(R"({"host":"a.example","private":["10.0.0.0"],)" + rest), "private"},
      {with_allow(R"({"host":"a.example","private":["10.0.0.0/08"],)" + rest), "private"},
      {with_allow(R"({"host":"a.example","private":["10.0.0.0/33"],)" + rest), "private"},
      {with_allow(R"({"host":"a.example","private":["corp/8"],)" + rest), "private"},
      {with_allow(R"({"host":"a.example","private":"10.0.0.0/8",)" + rest), "private"},
      {with_allow(R"({"host":"a.example","origin":null,)" + rest), "network.allow[0].origin"},
      {with_allow(R"({"host":"a.example","origin":{"line":1},)" + rest),
       "network.allow[0].origin.file"},
      {with_list("deny", R"({"host":"a.example","splice":true,)" + any), "network.deny[0]"},
      {with_list("deny", R"({"host":"a.example","private":["10.0.0.0/8"],)" + any),
       "network.deny[0]"},
      {origins(R"({"host":"a.example","address":"localhost","ca":"","via":""})"),
       "network.origins[0].address"},
      {origins(R"({"host":"a.example","address":"","ca":"","via":"http://gw.example"})"),
       "network.origins[0].via"},
      {origins(R"({"host":"a.example","address":"","ca":"","via":"https://gw.example/../x"})"),
       "network.origins[0].via"},
      {origins(R"({"host":"*.example","address":"::1","ca":"","via":""})"),
       "network.origins[0].host"},
      {origins(R"({"host":"a.example","address":"::1","ca":"","via":""},)"
               R"({"host":"A.example.","address":"::2","ca":"","via":""})"),
       "network.origins[1].host"},
      {credentials(R"({"name":"a","source":"env:A","hosts":[]})"), "hosts"},
      {credentials(R"({"name":"a","source":"env:A"})"), "credentials[0].hosts"},
      {credentials(R"({"name":"a","source":"env:A","hosts":["*.example"]})"),
       "credentials[0].hosts[0]"},
      {credentials(R"({"name":"","source":"env:A","hosts":["a.example"]})"), "credentials[0].name"},
      {credentials(R"({"name":"a","source":"","hosts":["a.example"]})"), "credentials[0].source"},
      {credentials(R"({"name":"a","source":"env:A","hosts":["a.example"],"replace_in":["body"]})"),
       "replace_in"},
      {credentials(R"({"name":"a","source":"env:A","hosts":["a.example"],)"
                   R"("expose":{"env":["LD PRELOAD"]}})"),
       "credentials[0].expose"},
      {credentials(R"({"name":"a","source":"env:A","hosts":["a.example"],"optional":1})"),
       "credentials[0].optional"},
  };
  for (const auto& [text, place] : refused) {
    const auto read = parse_configuration(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code(), Errc::kInvalidProfile);
    EXPECT_NE(read.error().what().find(place), std::string::npos)
        << place << " is not in: " << read.error().what() << "\nfor " << text;
  }
}

TEST(Configuration, SaysWhereTheJsonBreaks) {
  const auto read = parse_configuration("{\n\"version\":1,\n\"network\":}");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().what().find("line 3, column 11"), std::string::npos)
      << read.error().what();
  const auto twice =
      parse_configuration("{\"version\":1,\n \"network\":{\"deny\":[],\"deny\":[]}}");
  EXPECT_NE(twice.error().what().find("\"deny\" stands twice in one object (line 2"),
            std::string::npos)
      << twice.error().what();
}

// Each sample cut short anywhere is refused as a whole: half a profile is no profile.
TEST(Configuration, RefusesAProfileThatWasCutShort) {
  const std::string whole = sample("everything.json");
  const std::size_t end = whole.rfind('}');
  ASSERT_NE(end, std::string::npos);
  for (std::size_t size = 0; size < end; size += 7) {
    EXPECT_FALSE(parse_configuration(whole.substr(0, size))) << size;
  }
}

TEST(Configuration, IsBounded) {
  EXPECT_FALSE(parse_configuration(R"({"version":1,"x":")" + std::string(4 << 20, 'x') + "\"}"));
  std::string many;
  const std::string rule =
      R"({"host":"a.example","scheme":"https","port":443,"methods":[],"paths":[]})";
  for (int i = 0; i < 2001; ++i) many += (i == 0 ? "" : ",") + rule;
  const auto read = parse_configuration(with_allow(many));
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().what().find("2000 rules"), std::string::npos) << read.error().what();
}

}  // namespace
}  // namespace redoubtful::proxy
