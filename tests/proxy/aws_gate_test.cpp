// Requests to AWS through the gate: signed anew, held until their body is known, or refused.

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>

#include "common/pipe.hpp"
#include "proxy/aws_credential.hpp"
#include "proxy/helper_link.hpp"
#include "proxy/limits.hpp"
#include "proxy/renewal.hpp"
#include "tests/proxy/gate_support.hpp"
#include "tests/proxy/sigv4_support.hpp"

namespace redoubtful::proxy {
namespace {

using test::exchange_of;
using test::GateWorld;
using test::request;
using test::RuleList;
using test::status_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kHost = "b.s3.eu-west-1.amazonaws.com";
constexpr const char* kRealId = "AKIAREALREALREALREA2";
constexpr const char* kRealSecret = "realSecretrealSecretreal/Secret+real0000";

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string timestamp(std::chrono::sys_seconds time) {
  std::string out = aws_time_text(time);  // "2026-11-28T12:00:00Z"
  std::erase_if(out, [](char c) { return c == '-' || c == ':'; });
  return out;
}

struct AwsWorld {
  explicit AwsWorld(std::string token = {}, bool exclusive = false,
                    std::optional<std::chrono::sys_seconds> expires = std::nullopt)
      : AwsWorld(made(std::move(token), exclusive, expires)) {}

  static NewAwsCredential made(std::string token, bool exclusive,
                               std::optional<std::chrono::sys_seconds> expires) {
    CredentialProfile profile;
    profile.name = "cloud";
    profile.source = "aws-profile:work";
    profile.type = CredentialType::kAws;
    profile.hosts = {test::host(kHost)};
    profile.services = {"s3", "bedrock"};
    profile.expose_env = {"ID", "KEY", "TOKEN"};
    profile.exclusive = exclusive;
    profile.origin = {"p.yaml", 3, 1, {}};
    FreshAwsKeys keys;
    keys.key_id = kRealId;
    keys.secret = kRealSecret;
    keys.session_token = std::move(token);
    keys.expires = expires;
    return make_aws_credential(profile, std::move(keys)).value();
  }
  explicit AwsWorld(NewAwsCredential credential)
      : surrogate(credential.live.surrogate),
        variables(std::move(credential.surrogates)),
        world(RuleList().allow(kHost).allow("other.example"), std::move(credential.parts),
              of(std::move(credential.live))),
        gate(world.on(kHost)) {}
  static std::vector<LiveAwsCredential> of(LiveAwsCredential live) {
    std::vector<LiveAwsCredential> out;
    out.push_back(std::move(live));
    return out;
  }

  ClientSigner signer(const std::string& service = "s3") const {
    ClientSigner out;
    out.key_id = surrogate.key_id;
    out.secret = surrogate.secret;
    out.timestamp = timestamp(now());
    out.scope = {out.timestamp.substr(0, 8), "eu-west-1", service};
    out.names = {"host", "x-amz-date"};
    return out;
  }
  RequestHead signed_request(std::string target = "/key", const std::string& service = "s3",
                             Fields fields = {}) const {
    RequestHead head = request(kHost, std::move(target), std::move(fields));
    ClientSigner client = signer(service);
    head.fields.push_back({"X-Amz-Date", client.timestamp});
    if (service == "s3") {
      head.fields.push_back({"X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"});
      client.payload_hash = "UNSIGNED-PAYLOAD";
      client.names = {"host", "x-amz-content-sha256", "x-amz-date"};
    }
    if (!surrogate.session_token.empty()) {
      head.fields.push_back({"X-Amz-Security-Token", surrogate.session_token});
      client.names.push_back("x-amz-security-token");
    }
    client.form = sigv4_forms(service)[0];
    client.sign(head);
    return head;
  }

  AwsSurrogate surrogate;
  std::vector<control::Surrogate> variables;
  GateWorld world;
  std::unique_ptr<Gate> gate;
};

// Is it signed with these keys?
bool is_signed_with(const RequestHead& sent, const std::string& key_id, const std::string& secret,
                    const std::string& payload_hash) {
  const SigV4Request read = read_signed(sent);
  if (read.key_id != key_id) return false;
  RequestHead plain = sent;
  const ClientSigner real{key_id,
                          secret,
                          read.scope,
                          read.timestamp,
                          read.signed_headers,
                          payload_hash,
                          sigv4_forms(read.scope.service)[0]};
  return real.signature(plain) == read.signature;
}

TEST(AwsGate, SignsAnewWithTheRealKeyAndSaysSo) {
  AwsWorld aws;
  const auto judged = aws.gate->judge(aws.signed_request());
  ASSERT_EQ(status_of(judged), 0u);
  const RequestHead& sent = exchange_of(judged).request();
  EXPECT_TRUE(is_signed_with(sent, kRealId, kRealSecret, "UNSIGNED-PAYLOAD"));
  EXPECT_FALSE(is_signed_with(sent, kRealId, "another secret", "UNSIGNED-PAYLOAD")) << "control";
  EXPECT_FALSE(exchange_of(judged).holds_body());
  EXPECT_THAT(aws.world.events(), ElementsAre("inject " + std::string(kHost)));
  EXPECT_EQ(aws.world.log()[0].at("detail").as_string(), "signed anew for s3 in eu-west-1");
  EXPECT_EQ(aws.world.log()[0].at("credential").as_string(), "cloud");
}

TEST(AwsGate, ShowsTheBoxThreeVariablesThatLookAlikeAndAreNot) {
  const AwsWorld aws("IQoJRealToken0123456789RealToken0123456789==");
  ASSERT_EQ(aws.variables.size(), 3u);
  EXPECT_THAT(aws.variables[0].variables, ElementsAre("ID"));
  EXPECT_EQ(aws.variables[0].value.size(), std::string(kRealId).size());
  EXPECT_TRUE(aws.variables[0].value.starts_with("AKIA"));
  EXPECT_NE(aws.variables[0].value, kRealId);
  EXPECT_EQ(aws.variables[1].value.size(), std::string(kRealSecret).size());
  EXPECT_NE(aws.variables[1].value, kRealSecret);
  EXPECT_THAT(aws.variables[2].variables, ElementsAre("TOKEN"));
  EXPECT_EQ(AwsWorld().variables.size(), 2u) << "long-term keys have no token";
}

TEST(AwsGate, PutsTheRealSessionTokenInPlaceBeforeItSigns) {
  const std::string token = "IQoJRealToken0123456789RealToken0123456789==";
  AwsWorld aws(token);
  const auto judged = aws.gate->judge(aws.signed_request());
  ASSERT_EQ(status_of(judged), 0u);
  const RequestHead& sent = exchange_of(judged).request();
  EXPECT_EQ(*find_field(sent.fields, "x-amz-security-token"), token);
  EXPECT_TRUE(is_signed_with(sent, kRealId, kRealSecret, "UNSIGNED-PAYLOAD"));
}

TEST(AwsGate, HoldsARequestUntilItsBodysHashIsKnown) {
  AwsWorld aws;
  const std::string body = R"({"prompt":"hello"})";
  RequestHead head = request(kHost, "/model/a%2Fb/invoke", {}, "POST");
  head.has_body = true;
  ClientSigner client = aws.signer("s3");
  client.scope.service = "bedrock";
  client.payload_hash = sha256_hex(body);
  client.form = sigv4_forms("bedrock")[0];
  head.fields.push_back({"X-Amz-Date", client.timestamp});
  client.sign(head);
  // The host of another service: the signature must be for a name that is AWS's s3.
  EXPECT_EQ(status_of(aws.gate->judge(head)), 403u);
  client.scope.service = "s3";
  client.form = sigv4_forms("s3")[0];
  head.fields = {{"X-Amz-Date", client.timestamp}};
  client.sign(head);
  const auto judged = aws.gate->judge(head);
  ASSERT_EQ(status_of(judged), 0u);
  Exchange& exchange = exchange_of(judged);
  ASSERT_TRUE(exchange.holds_body());
  EXPECT_EQ(read_signed(exchange.request()).key_id, aws.surrogate.key_id) << "not yet";
  EXPECT_FALSE(exchange.hold(body.substr(0, 5)));
  EXPECT_FALSE(exchange.hold(body.substr(5)));
  EXPECT_EQ(aws.world.services().held_bytes, body.size());
  EXPECT_FALSE(exchange.held());
  EXPECT_TRUE(is_signed_with(exchange.request(), kRealId, kRealSecret, sha256_hex(body)));

  const auto other = aws.gate->judge(head);
  EXPECT_FALSE(exchange_of(other).hold("another body"));
  const auto refused = exchange_of(other).held();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 403u);
  EXPECT_THAT(refused->body, HasSubstr("not that of its key"));
}

TEST(AwsGate, HoldsNoMoreThanItsBound) {
  AwsWorld aws;
  RequestHead head = request(kHost, "/key", {}, "PUT");
  head.has_body = true;
  ClientSigner client = aws.signer();
  client.form = sigv4_forms("s3")[0];
  head.fields.push_back({"X-Amz-Date", client.timestamp});
  client.sign(head);
  {
    const auto judged = aws.gate->judge(head);
    const std::string piece(limits::kAwsHeldBody / 4, 'x');
    for (int i = 0; i < 4; ++i) EXPECT_FALSE(exchange_of(judged).hold(piece));
    const auto refused = exchange_of(judged).hold("x");
    ASSERT_TRUE(refused);
    EXPECT_THAT(refused->body, HasSubstr("x-amz-content-sha256"));
    aws.world.services().held_bytes += limits::kAwsHeldBodies - limits::kAwsHeldBody - 10;
    const auto second = aws.gate->judge(head);
    EXPECT_FALSE(exchange_of(second).hold("0123456789")) << "all together: the last ten bytes";
    EXPECT_TRUE(exchange_of(second).hold("x"));
    aws.world.services().held_bytes -= limits::kAwsHeldBodies - limits::kAwsHeldBody - 10;
  }
  EXPECT_EQ(aws.world.services().held_bytes, 0u) << "given back with the requests";
}

TEST(AwsGate, RefusesWhatItMayNotOrCannotSignInAwssOwnShape) {
  AwsWorld aws;
  RequestHead foreign = aws.signed_request();
  foreign.fields.back().value.replace(foreign.fields.back().value.find(aws.surrogate.key_id), 20,
                                      "AKIAATTACKERATTACKER");
  RequestHead changed = aws.signed_request();
  changed.target = "/other";
  RequestHead unlisted = aws.signed_request("/", "dynamodb");
  const std::pair<RequestHead, const char*> rows[] = {
      {foreign, "not of this session"},
      {changed, "not that of its key"},
      {unlisted, "which the credential&apos;s services"},
      {aws.signed_request("/?session"), "s3:CreateSession"},
  };
  for (const auto& [head, why] : rows) {
    const auto judged = aws.gate->judge(head);
    ASSERT_EQ(status_of(judged), 403u) << why;
    const Refusal& refusal = std::get<Refusal>(judged);
    const std::string_view words = std::string_view(why).substr(0, std::string_view(why).find('&'));
    EXPECT_THAT(refusal.body, HasSubstr(std::string(words)));
    EXPECT_THAT(refusal.body, HasSubstr("AccessDenied"));
  }
  EXPECT_THAT(aws.world.events(), Not(testing::Contains(HasSubstr("inject"))));
  EXPECT_EQ(aws.world.alarms(), 0u);
  EXPECT_EQ(status_of(aws.gate->judge(aws.signed_request())), 0u) << "control";
}

TEST(AwsGate, AlarmsWhereASurrogateHasNoBusiness) {
  AwsWorld aws("IQoJRealToken0123456789RealToken0123456789==");
  const auto other = aws.world.on("other.example");
  const std::string& secret = aws.surrogate.secret;
  RequestHead elsewhere = aws.signed_request();
  elsewhere.authority = "other.example";
  EXPECT_EQ(status_of(other->judge(elsewhere)), 403u);
  EXPECT_EQ(status_of(other->judge(request("other.example", "/?t=" + uri_encoded(secret)))), 403u);
  EXPECT_EQ(status_of(aws.gate->judge(
                aws.signed_request("/key", "s3", {{"X-Amz-Meta-A", aws.surrogate.key_id}}))),
            403u);
  EXPECT_EQ(
      status_of(aws.gate->judge(request(kHost, "/", {{"Authorization", "Bearer " + secret}}))),
      403u);
  EXPECT_EQ(aws.world.alarms(), 4u);
  EXPECT_EQ(status_of(other->judge(request("other.example"))), 0u) << "control";
}

TEST(AwsGate, TakesOutAnothersCredentialAndWhereExclusiveRefusesIt) {
  AwsWorld aws;
  const auto judged =
      aws.gate->judge(request(kHost, "/", {{"Authorization", "Bearer somebody-elses"}}));
  ASSERT_EQ(status_of(judged), 0u);
  EXPECT_EQ(find_field(exchange_of(judged).request().fields, "authorization"), nullptr);
  EXPECT_THAT(aws.world.events(), ElementsAre("rewrite " + std::string(kHost)));
  AwsWorld exclusive({}, true);
  EXPECT_EQ(status_of(exclusive.gate->judge(request(kHost))), 403u);
  EXPECT_EQ(status_of(exclusive.gate->judge(exclusive.signed_request())), 0u) << "control";
}

TEST(AwsGate, TellsOfKeysThatHaveEndedAndAsksToTryAgain) {
  AwsWorld aws({}, false, now() - std::chrono::seconds(1));
  const auto judged = aws.gate->judge(aws.signed_request());
  ASSERT_EQ(status_of(judged), 503u);
  EXPECT_THAT(std::get<Refusal>(judged).body, HasSubstr("expired"));
  EXPECT_NE(find_field(std::get<Refusal>(judged).fields, "retry-after"), nullptr);
}

TEST(AwsGate, HidesTheNewSignatureWhereAnErrorRepeatsIt) {
  AwsWorld aws;
  const auto head = aws.signed_request();
  const std::string clients = signature_of(head);
  const auto judged = aws.gate->judge(head);
  Exchange& exchange = exchange_of(judged);
  const std::string made = signature_of(exchange.request());
  ASSERT_NE(made, clients);
  ResponseHead answer;
  answer.status = 403;
  answer.fields = {{"x-error", made + " " + kRealId}};
  ASSERT_TRUE(std::holds_alternative<std::monostate>(exchange.respond(answer)));
  EXPECT_EQ(answer.fields[0].value, clients + " " + aws.surrogate.key_id);
  std::string out;
  ASSERT_NE(exchange.response_body(), nullptr);
  exchange.response_body()->feed("<S>" + made + "</S><K>" + kRealSecret + "</K>", out);
  exchange.response_body()->finish(out);
  EXPECT_EQ(out, "<S>" + clients + "</S><K>" + aws.surrogate.secret + "</K>");
}

TEST(Renewal, ComesBeforeTheEndAndNeverAtOnce) {
  const auto from = now();
  const auto after = [&](std::chrono::seconds left) {
    return renewal_time(from, from + left) - from;
  };
  using namespace std::chrono_literals;
  EXPECT_EQ(after(12h), 12h - 10min);
  EXPECT_EQ(after(20min), 15min);
  EXPECT_EQ(after(8s), 6s);
  EXPECT_EQ(after(1s), 1s);
  EXPECT_EQ(after(-100s), 1s);
}

TEST(RenewalHelper, ReadsASourceAgainAndSaysWhatWentWrong) {
  CredentialProfile good;
  good.name = "good";
  good.type = CredentialType::kAws;
  good.source = "command:";
  good.command = {"/bin/echo", R"({"AccessKeyId":"AKIAFRESH","SecretAccessKey":"s"})"};
  CredentialProfile bad = good;
  bad.command = {"/bin/sh", "-c", "echo not today >&2; exit 3"};
  std::vector<control::NamedValue> variables{{"HOME", "/"}, {"TOKEN", "another's"}};
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  std::string key = "the authority's key";
  const auto forget = [&] {
    ::explicit_bzero(key.data(), key.size());
    const pid_t here = ::getpid();
    EXPECT_EQ(::write(pipe->write.get(), &here, sizeof here), static_cast<ssize_t>(sizeof here));
  };
  auto helper = RenewalHelper::start({good, bad}, variables, {"PATH=/usr/bin:/bin"}, forget);
  ASSERT_TRUE(helper) << helper.error().what();
  pid_t forgetful = 0;
  EXPECT_EQ(::read(pipe->read.get(), &forgetful, sizeof forgetful),
            static_cast<ssize_t>(sizeof forgetful));
  EXPECT_NE(forgetful, ::getpid()) << "the helper forgets, and not we";
  EXPECT_EQ(key, "the authority's key");
  EXPECT_EQ(variables[1].value, "another's") << "ours is untouched";
  const UniqueFd socket = helper->take_socket();
  const auto ask = [&](std::uint32_t number) {
    const std::string question = helper_question(number);
    EXPECT_EQ(::write(socket.get(), question.data(), question.size()),
              static_cast<ssize_t>(question.size()));
    std::string packet(RenewalHelper::kAnswerBytes, '\0');
    packet.resize(static_cast<std::size_t>(
        std::max<ssize_t>(0, ::read(socket.get(), packet.data(), packet.size()))));
    return RenewalHelper::answer(packet);
  };
  const auto keys = ask(0);
  ASSERT_TRUE(keys) << keys.error().what();
  EXPECT_EQ(keys->key_id, "AKIAFRESH");
  const auto failed = ask(1);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().what(), HasSubstr("not today"));
  EXPECT_TRUE(ask(0)) << "and it goes on";
  const auto none = ask(2);
  ASSERT_FALSE(none) << "a number that it does not know ends it";
  EXPECT_THAT(none.error().what(), HasSubstr("is gone"));
}

}  // namespace
}  // namespace redoubtful::proxy
