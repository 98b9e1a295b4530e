#include "cli/credential_loader.hpp"

#include <gtest/gtest.h>

#include "cli/network_settling.hpp"
#include "cli/profile_loader.hpp"

namespace redoubtful::cli {
namespace {

Result<Layer> load(const std::string& yaml) { return load_layer(yaml, "p", "p.yaml"); }

std::string why(const std::string& yaml) {
  const auto layer = load(yaml);
  return layer ? "accepted" : layer.error().what();
}

std::string with(const std::string& keys) { return why("credentials:\n  key: {" + keys + "}\n"); }

TEST(Credentials, AreReadWithTheirPlace) {
  const auto layer = load(R"(credentials:
  anthropic: {source: env:ANTHROPIC_API_KEY, hosts: [api.anthropic.com], expose: {env: ANTHROPIC_API_KEY}}
  git.hub:
    source: env:GH
    hosts: [api.github.com, GitHub.com.]
    expose: {env: [GH_TOKEN, GITHUB_TOKEN]}
    optional: true
)")
                         .value();
  ASSERT_EQ(layer.credentials.size(), 2U);
  EXPECT_EQ(layer.credentials[0].name, "anthropic");
  EXPECT_EQ(layer.credentials[0].source, "env:ANTHROPIC_API_KEY");
  EXPECT_EQ(layer.credentials[0].origin.text(), "p.yaml:2:3");
  EXPECT_FALSE(layer.credentials[0].optional);
  EXPECT_EQ(layer.credentials[1].hosts.texts().at(1), "github.com");
  EXPECT_EQ(layer.credentials[1].expose_env,
            (std::vector<std::string>{"GH_TOKEN", "GITHUB_TOKEN"}));
  EXPECT_TRUE(layer.credentials[1].optional);
}

TEST(Credentials, NameWhatIsWrongAndWhere) {
  const std::string rest = ", hosts: [a.example], expose: {env: A}";
  struct Row {
    std::string keys;
    const char* expected;
  };
  for (const auto& row :
       {Row{"hosts: [a.example], expose: {env: A}",
            "p.yaml:2:3: the credential key needs the key source"},
        Row{"source: env:A, expose: {env: A}", "needs the key hosts"},
        Row{"source: env:A, hosts: [], expose: {env: A}", "needs the key hosts"},
        Row{"source: env:A, hosts: [a.example]", "needs the key expose"},
        Row{"source: env:A, hosts: [a.example], expose: {env: []}", "needs the key expose"},
        Row{"source: env:A, hosts: [a.example], expose: {}", "needs the key expose"},
        Row{"source: env:A, hosts: [a.example, A.example], expose: {env: A}", "stands here twice"},
        Row{"source: env:A, hosts: [\"*.example.com\"], expose: {env: A}", "p.yaml:2:"},
        Row{"source: env:A, hosts: [\"a.example:0\"], expose: {env: A}", "p.yaml:2:"},
        Row{"source: env:A, hosts: [\"https://a.example\"], expose: {env: A}", "p.yaml:2:"},
        Row{"source: env:A, hosts: [\"a.example:1\", \"a.example:1\"], expose: {env: A}",
            "stands here twice"},
        Row{"source: env:A, hosts: [a.example], expose: {env: A}, replace_in: [websocket], "
            "exclusive: true",
            "cannot be held to"},
        Row{"source: env:A, hosts: a.example, expose: {env: A}", "expected a list"},
        Row{"sorce: env:A" + rest, "unknown key \"sorce\" (did you mean source?)"},
        Row{"source: env:1A" + rest, "not the name of a variable"},
        Row{"source: env:" + rest, "p.yaml:2:"},
        Row{"source: env:A, hosts: [a.example], expose: {env: A-B}", "not the name of a variable"},
        Row{"source: env:A, hosts: [a.example], expose: A", "expected a mapping"}}) {
    EXPECT_NE(with(row.keys).find(row.expected), std::string::npos) << row.keys << with(row.keys);
  }
  EXPECT_NE(why("credentials:\n").find("expected a mapping, found nothing"), std::string::npos);
  EXPECT_NE(why("credentials: {\"a b\": {}}\n").find("not the name of a credential"),
            std::string::npos);
}

TEST(Credentials, SayWhatComesLater) {
  for (const auto* keys :
       {"type: github-app", "app_id: 1", "installation_id: 1", "certificate: ~/c.pem"}) {
    const auto layer = load(std::string("credentials:\n  key: {") + keys + "}\n");
    ASSERT_FALSE(layer) << keys;
    EXPECT_EQ(layer.error().code(), Errc::kNotYet) << keys << layer.error().what();
    EXPECT_TRUE(layer.error().what().starts_with("p.yaml:2:")) << layer.error().what();
  }
}

TEST(Credentials, AValueInPlaceOfItsSourceIsRefusedAndNotRepeated) {
  for (const auto* source : {"sk-ant-hunter2", "env:sk-hunter2", "hunter2", "\"env:A hunter2\""}) {
    const auto layer = load(std::string("credentials: {key: {source: ") + source + "}}\n");
    ASSERT_FALSE(layer) << source;
    EXPECT_EQ((layer.error().what() + layer.error().hint()).find("hunter2"), std::string::npos)
        << layer.error().what();
  }
  for (const auto* text : {"A=hunter2", "A=hunter2@a.example", "A=env:hunter-2@a.example",
                           "A=x@hunter2@a.example", "hunter2", "=hunter2", "1=hunter2@a.example"}) {
    const auto secret = parse_secret(text);
    ASSERT_FALSE(secret) << text;
    EXPECT_EQ((secret.error().what() + secret.error().hint()).find("hunter"), std::string::npos)
        << secret.error().what();
  }
}

TEST(Credentials, SourcesOfEveryKind) {
  const std::pair<const char*, const char*> rows[] = {
      {"env:A", "env:A"},
      {"file:~/.config//token", "file:~/.config/token"},
      {"\"json:~/.login.json#/a/b\"", "json:~/.login.json#/a/b"},
      {"\"command:gh auth token\"", "command:gh auth token"},
      {"\"keyring:service=gh,user=me@work\"", "keyring:service=gh,user=me@work"},
      {"\"vault:secret/ci/deploy#token\"", "vault:secret/ci/deploy#token"},
      {"{command: [gh, auth, token]}", "command:"},
  };
  for (const auto& [written, expected] : rows) {
    const auto layer = load("credentials:\n  key:\n    source: " + std::string(written) +
                            "\n    hosts: [a.example]\n    expose: {env: A}\n");
    ASSERT_TRUE(layer) << written << layer.error().what();
    EXPECT_EQ(layer->credentials[0].source, expected);
  }
  const auto listed = load(
      "credentials: {key: {source: {command: [gh, auth]}, "
      "hosts: [a.example], expose: {env: A}}}\n");
  EXPECT_EQ(listed->credentials[0].command, (std::vector<std::string>{"gh", "auth"}));

  const std::pair<const char*, const char*> wrong[] = {
      {"file:token", "is no path"},
      {"file:../token", "is no path"},
      {"\"file:\"", "is no path"},
      {"json:~/a", "json:FILE#/pointer"},
      {"\"json:~/a#b\"", "json:FILE#/pointer"},
      {"\"json:a#/b\"", "json:FILE#/pointer"},
      {"\"command: \"", "names no command"},
      {"keyring:a", "keyring:ATTRIBUTE=VALUE"},
      {"keyring:-a=b", "keyring:ATTRIBUTE=VALUE"},
      {"vault:secret", "vault:MOUNT/PATH#FIELD"},
      {"\"vault:secret#a\"", "vault:MOUNT/PATH#FIELD"},
      {"\"vault:secret/a#\"", "vault:MOUNT/PATH#FIELD"},
      {"{command: gh}", "is written `command:TEXT`"},
      {"{command: []}", "has no words"},
      {"{comand: [gh]}", "unknown key"},
      {"[gh]", "expected"},
  };
  for (const auto& [written, expected] : wrong) {
    const std::string said =
        why("credentials:\n  key:\n    source: " + std::string(written) + "\n");
    EXPECT_NE(said.find(expected), std::string::npos) << written << ": " << said;
    EXPECT_TRUE(said.starts_with("p.yaml:3:")) << said;
  }
}

TEST(Credentials, SurfacesFilesAndWhatIsAttached) {
  const auto layer = load(R"(credentials:
  key:
    source: env:A
    hosts: [a.example]
    expose: {env: A, file: [~/.npmrc, ~/.config//x.json]}
    replace_in: [header, "header:X-Deploy", "query:key", "cookie:s", {body: token, method: POST, path: /l},
                 {query: k, path: "/v1/**"}, websocket]
    attach: {header: Authorization, value: "Bearer {}"}
    exclusive: true
)")
                         .value();
  const auto& key = layer.credentials.at(0);
  EXPECT_EQ(key.expose_file, (std::vector<std::string>{"~/.npmrc", "~/.config/x.json"}));
  ASSERT_EQ(key.replace_in.size(), 7U);
  const char* texts[] = {"header",   "header:X-Deploy",    "query:key",
                         "cookie:s", "body:token POST /l", "query:k /v1/**",
                         "websocket"};
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(key.replace_in[i].text(), texts[i]);
  EXPECT_EQ(key.attach->header, "Authorization");
  EXPECT_TRUE(key.exclusive);
  EXPECT_TRUE(load("credentials: {k: {source: env:A, hosts: [a.example], expose: {file: ~/a}}}\n"));
  EXPECT_TRUE(
      load("credentials: {k: {source: env:A, hosts: [a.example], "
           "attach: {header: A, value: \"{}\"}}}\n"));

  const std::pair<const char*, const char*> wrong[] = {
      {"replace_in: header", "expected a list"},
      {"replace_in: []", "replace_in is empty"},
      {"replace_in: [heder]", "is none of header"},
      {"replace_in: [\"header:\"]", "not the name of a header field"},
      {"replace_in: [\"header:A B\"]", "not the name of a header field"},
      {"replace_in: [\"header:Content-Length\"]", "no credential belongs"},
      {"replace_in: [\"header:Cookie\"]", "no credential belongs"},
      {"replace_in: [query]", "is none of header"},
      {"replace_in: [\"websocket:x\"]", "is none of header"},
      {"replace_in: [\"body:token\"]", "{body: FIELD"},
      {"replace_in: [{body: token}]", "needs the keys method and path"},
      {"replace_in: [{body: token, method: POST}]", "needs the keys method and path"},
      {"replace_in: [{body: token, query: k, method: POST, path: /}]", "one kind of place"},
      {"replace_in: [{method: POST}]", "names a header, query, cookie or body"},
      {"replace_in: [{query: k, path: v1}]", "a path begins with '/'"},
      {"replace_in: [{query: k, method: \"A B\"}]", "is not a method"},
      {"attach: {header: A}", "needs the keys header and value"},
      {"attach: {header: A, value: Bearer}", "needs {} once"},
      {"attach: {header: A, value: \"{}{}\"}", "needs {} once"},
      {"attach: {header: Host, value: \"{}\"}", "no credential belongs"},
      {"exclusive: yes", "p.yaml:2:"},
      {"source: env:A, hosts: [a.example], expose: {env: A}, exclusive: true, optional: true",
       "is exclusive and optional"},
      {"expose: {file: /etc/x}", "is written ~/..."},
      {"expose: {file: ~/../x}", "is written ~/..."},
  };
  for (const auto& [keys, expected] : wrong) {
    EXPECT_NE(with(keys).find(expected), std::string::npos) << keys << ": " << with(keys);
  }
}

TEST(SecretOption, NameEndsAtTheFirstEqualsHostsBeginAtTheLastAt) {
  const auto secret = parse_secret("GITHUB_TOKEN=env:GH@api.github.com,github.com").value();
  EXPECT_EQ(secret.name, "GITHUB_TOKEN");
  EXPECT_EQ(secret.source, "env:GH");
  EXPECT_EQ(secret.expose_env, (std::vector<std::string>{"GITHUB_TOKEN"}));
  ASSERT_EQ(secret.hosts.size(), 2U);
  EXPECT_EQ(secret.hosts.texts().at(1), "github.com");
  struct Row {
    const char* text;
    Errc code;
  };
  for (const auto& row :
       {Row{"", Errc::kUsage}, Row{"A", Errc::kUsage}, Row{"A=env:B", Errc::kUsage},
        Row{"A=env:B@", Errc::kInvalidHost}, Row{"A=env:B@a.example,", Errc::kInvalidHost},
        Row{"A=env:B@*.a.example", Errc::kInvalidHost},
        Row{"A=env:B@a.example:65536", Errc::kInvalidHost},
        Row{"A=env:B@a.example,a.example", Errc::kInvalidProfile},
        Row{"A=value@a.example", Errc::kInvalidProfile},
        Row{"A=file:x@a.example", Errc::kInvalidProfile},
        Row{"A=vault:x@a.example", Errc::kInvalidProfile},
        Row{"A=aws-profile:x@a.example", Errc::kInvalidProfile},
        Row{"A=env:@a.example", Errc::kInvalidProfile}, Row{"@secrets", Errc::kUsage}}) {
    const auto refused = parse_secret(row.text);
    ASSERT_FALSE(refused) << row.text;
    EXPECT_EQ(refused.error().code(), row.code) << row.text << ": " << refused.error().what();
  }
}

Result<Profile> settled(const std::string& network, const std::string& credentials) {
  Profile profile;
  const auto layer = load("network: " + network + "\ncredentials: " + credentials + "\n");
  profile.network.mode = layer.value().mode.value_or(profile.network.mode);
  profile.network.allow = layer->allow;
  profile.network.deny = layer->deny;
  profile.network.ask = layer->ask;
  profile.credentials = layer->credentials;
  if (auto fits = settle_network(profile); !fits) return std::move(fits).error();
  return profile;
}

constexpr const char* kKey = "{key: {source: env:A, hosts: [a.example], expose: {env: A}}}";

TEST(CredentialHosts, AreAllowedWhereNoRuleMentionsThem) {
  const auto profile = settled("{allow: [b.example]}", kKey).value();
  ASSERT_EQ(profile.network.allow.size(), 2U);
  EXPECT_EQ(profile.network.allow[1].value.text, "a.example");
  EXPECT_EQ(profile.network.allow[1].value.port, 443);
  EXPECT_EQ(profile.network.allow[1].origin.text(), "p.yaml:2:15");
  for (const auto* allow :
       {"a.example", "\"*.example\"", "{host: a.example, methods: [GET]}", "\"a.example:8443\""}) {
    if (std::string_view(allow) == "\"*.example\"") continue;  // a whole top-level domain
    EXPECT_EQ(settled(std::string("{allow: [") + allow + "]}", kKey)->network.allow.size(), 1U)
        << allow;
  }
}

TEST(CredentialHosts, MustBeSeenInto) {
  for (const auto* allow :
       {"[{host: a.example, splice: true}]", "[\"tcp://a.example:5432\"]", "[\"ssh://a.example\"]",
        "[\"http://a.example\"]", "[{host: a.example, splice: true}, a.example]"}) {
    const auto refused = settled(std::string("{allow: ") + allow + "}", kKey);
    ASSERT_FALSE(refused) << allow;
    EXPECT_NE(refused.error().what().find("cannot be used at a.example"), std::string::npos);
  }
  EXPECT_TRUE(settled("{allow: [a.example, \"ssh://a.example\"]}", kKey));
}

TEST(CredentialHosts, OpenNetworkAndSharedVariablesAreRefused) {
  EXPECT_FALSE(settled("{mode: dangerously-open}", kKey));
  EXPECT_FALSE(settled("{mode: dangerously-open, deny: [x.example]}", "{}"));
  EXPECT_TRUE(settled("{mode: dangerously-open}", "{}"));
  const auto shared = settled("{}",
                              "{a: {source: env:A, hosts: [a.example], expose: {env: T}}, b: "
                              "{source: env:B, hosts: [b.example], expose: {env: [S, T]}}}");
  ASSERT_FALSE(shared);
  EXPECT_NE(shared.error().what().find("the variable T cannot hold both a (p.yaml:2:"),
            std::string::npos)
      << shared.error().what();
}

std::string aws_with(const std::string& keys) {
  return why("credentials:\n  cloud: {" + keys + "}\n");
}

TEST(AwsCredentials, AreExposedByAwssOwnVariablesUnlessSomethingElseIsSaid) {
  const auto layer = load(
      "credentials:\n  a: {type: aws, source: 'aws-profile:my work', services: [s3, "
      "ecr:GetAuthorizationToken], hosts: [b.s3.amazonaws.com]}\n"
      "  b: {type: aws, source: 'env:', services: [bedrock], hosts: [a.example], expose: {env: "
      "[ID, KEY]}}\n"
      "  c: {type: aws, source: 'json:~/k.json#/a', services: [s3], hosts: [a.example], expose: "
      "{file: ~/.aws/credentials}}\n");
  ASSERT_TRUE(layer) << layer.error().what();
  const auto& all = layer->credentials;
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].type, CredentialType::kAws);
  EXPECT_EQ(all[0].source, "aws-profile:my work");
  EXPECT_EQ(all[0].services, (std::vector<std::string>{"s3", "ecr:GetAuthorizationToken"}));
  EXPECT_EQ(all[0].expose_env,
            (std::vector<std::string>{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                      "AWS_SESSION_TOKEN"}));
  EXPECT_EQ(all[1].expose_env, (std::vector<std::string>{"ID", "KEY"}));
  EXPECT_TRUE(all[2].expose_env.empty());
}

TEST(AwsCredentials, AreRefusedWithoutServicesAndWithWhatTheyCannotHave) {
  const std::string good = "type: aws, source: 'env:', services: [s3], hosts: [a.example]";
  EXPECT_TRUE(load("credentials:\n  cloud: {" + good + "}\n")) << "control";
  struct Row {
    std::string keys;
    const char* expected;
  };
  for (const auto& row :
       {Row{"type: aws, source: 'env:', hosts: [a.example]", "needs the key services"},
        Row{"type: aws, source: 'env:', services: [], hosts: [a.example]",
            "needs the key services"},
        Row{"type: aws, source: 'env:', services: [s 3], hosts: [a.example]", "is no AWS service"},
        Row{"type: aws, source: 'env:', services: ['s3:'], hosts: [a.example]",
            "is no AWS service"},
        Row{"type: aws, source: 'env:', services: [s3, s3], hosts: [a.example]", "twice"},
        Row{"type: aws, source: 'aws-profile:', services: [s3], hosts: [a.example]",
            "is not the name of a profile"},
        Row{good + ", attach: {header: A, value: '{}'}", "have no meaning"},
        Row{good + ", replace_in: [header]", "have no meaning"},
        Row{good + ", expose: {env: A}", "its variables are those of"},
        Row{good + ", expose: {env: [A, B, C, D]}", "its variables are those of"},
        Row{"type: azure, source: env:A, hosts: [a.example]", "none of the types"},
        Row{"source: 'env:', hosts: [a.example], expose: {env: A}", "env: without a name"},
        Row{"source: 'aws-profile:a', hosts: [a.example], expose: {env: A}", "are for type: aws"},
        Row{"source: env:A, services: [s3], hosts: [a.example], expose: {env: A}",
            "are for type: aws"}}) {
    EXPECT_NE(aws_with(row.keys).find(row.expected), std::string::npos)
        << row.keys << ": " << aws_with(row.keys);
    EXPECT_NE(aws_with(row.keys).find("p.yaml:2:"), std::string::npos) << aws_with(row.keys);
  }
}

}  // namespace
}  // namespace redoubtful::cli
