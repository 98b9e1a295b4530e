// The gates: what is sent exactly as it was judged, what is answered instead, and what the log
// says.

#include "proxy/checkpoint.hpp"

#include <gmock/gmock.h>

#include "tests/proxy/gate_support.hpp"
#include "tests/proxy/websocket_support.hpp"

namespace redoubtful::proxy {
namespace {

using test::exchange_of;
using test::GateWorld;
using test::kFake;
using test::kReal;
using test::request;
using test::RuleList;
using test::status_of;
using testing::ElementsAre;

TEST(ConnectionGate, ARequestForAnotherHostOrPortIsMisdirected) {
  GateWorld world(RuleList().allow("a.example").allow("b.example").allow("a.example:8443"));
  const auto gate = world.on("a.example");
  struct Row {
    const char* authority;
    const char* sent;  // null: 421
  };
  const Row rows[] = {
      {"a.example", "a.example"},
      {"a.example:443", "a.example:443"},
      {"A.Example", "a.example"},
      {"a.example.", "a.example"},
      {"A.EXAMPLE.:443", "a.example:443"},
      {"b.example", nullptr},
      {"a.example:8443", nullptr},
      {"a.example:80", nullptr},
      {"a.example:", nullptr},
      {"a.example:0443", nullptr},
      {"a.example:443:443", nullptr},
      {"b.example@a.example", nullptr},
      {"a.example@b.example", nullptr},
      {"user:password@a.example", nullptr},
      {"a.example, b.example", nullptr},
      {"a.example b.example", nullptr},
      {"a.example..", nullptr},
      {".a.example", nullptr},
      {"a.example%00", nullptr},
      {"a%2eexample", nullptr},
      {"[a.example]", nullptr},
      {"[::1]", nullptr},
      {"[::1]:443", nullptr},
      {"127.0.0.1", nullptr},
      {"x.a.example", nullptr},
      {"a.example/", nullptr},
      {"a.example?", nullptr},
      {"a.example#", nullptr},
      {"a.example\\", nullptr},
      {"\xef\xbd\x81.example", nullptr},
      {"", nullptr},
  };
  for (const auto& [authority, sent] : rows) {
    const auto judged = gate->judge(request(authority));
    EXPECT_EQ(status_of(judged), sent == nullptr ? 421u : 0u) << authority;
    if (sent != nullptr) {
      EXPECT_EQ(exchange_of(judged).request().authority, sent);
    }
  }
}

TEST(ConnectionGate, AnAddressIsComparedInItsOneSpelling) {
  GateWorld world(RuleList().allow("[2001:db8::7]:8443").allow("192.0.2.7"));
  const auto six = world.on("2001:db8::7", 8443);
  EXPECT_EQ(status_of(six->judge(request("[2001:db8::7]:8443"))), 0u);
  EXPECT_EQ(status_of(six->judge(request("[2001:db8::7]"))), 0u);
  for (const char* other :
       {"2001:db8::7", "2001:db8::7:8443", "[2001:db8::8]:8443", "[2001:db8:0::7]:8443",
        "[2001:db8::7%251]:8443", "[2001:db8::7]:443", "[2001:db8::7", "[2001:db8::7]x"}) {
    EXPECT_EQ(status_of(six->judge(request(other))), 421u) << other;
  }
  const auto four = world.on("192.0.2.7");
  EXPECT_EQ(status_of(four->judge(request("192.0.2.7"))), 0u);
  for (const char* other : {"192.0.2.07", "3221225991", "0xc0000207", "192.0.519",
                            "[::ffff:192.0.2.7]", "[::ffff:c000:207]", "192.0.2.7."}) {
    EXPECT_EQ(status_of(four->judge(request(other))), 421u) << other;
  }
}

TEST(ConnectionGate, SendsTheCanonicalTargetAndNothingElseIsChanged) {
  GateWorld world(RuleList().allow("a.example"));
  auto head = request("a.example", "/a/../%7eb?c=%2e", {{"X-Thing", "v"}, {"Accept", "*/*"}});
  head.has_body = true;
  const auto judged = world.on("a.example")->judge(std::move(head));
  const auto& sent = exchange_of(judged).request();
  EXPECT_EQ(sent.target, "/~b?c=%2e");
  EXPECT_EQ(sent.method, "GET");
  EXPECT_TRUE(sent.has_body);
  ASSERT_EQ(sent.fields.size(), 2u);
  EXPECT_EQ(sent.fields[0].name, "X-Thing");
  EXPECT_EQ(exchange_of(judged).request_body(), nullptr);
  EXPECT_EQ(exchange_of(judged).response_body(), nullptr);
}

TEST(ConnectionGate, DropsHeadersThatChooseAnotherMethodOnlyWhereMethodsAreLimited) {
  const Fields overrides = {{"X-HTTP-Method-Override", "DELETE"},
                            {"x-http-method", "DELETE"},
                            {"X-Method-Override", "DELETE"},
                            {"X_HTTP_Method_Override", "PUT"},
                            {"x-http_method-override", "PUT"},
                            {"X-Original-URL", "/admin"},
                            {"X-Other", "stays"}};
  GateWorld world(RuleList()
                      .allow("limited.example", {"GET", "POST"})
                      .allow("denied.example")
                      .deny("denied.example", {"DELETE"})
                      .allow("free.example"));
  for (const char* name : {"limited.example", "denied.example"}) {
    const auto judged = world.on(name)->judge(request(name, "/", overrides));
    const auto& fields = exchange_of(judged).request().fields;
    ASSERT_EQ(fields.size(), 2u) << name;
    EXPECT_EQ(fields[0].name, "X-Original-URL");
    EXPECT_EQ(fields[1].name, "X-Other");
    Fields trailers = overrides;
    exchange_of(judged).request_trailers(trailers);
    EXPECT_EQ(trailers.size(), 2u);
  }
  const auto judged = world.on("free.example")->judge(request("free.example", "/", overrides));
  EXPECT_EQ(exchange_of(judged).request().fields.size(), overrides.size());
}

TEST(ConnectionGate, DropsHeadersThatChooseAnotherPathOnlyWherePathsAreLimited) {
  const Fields overrides = {{"X-Original-URL", "/admin"},
                            {"x-rewrite-url", "/admin"},
                            {"X_Original_URL", "/admin"},
                            {"X-HTTP-Method-Override", "DELETE"}};
  GateWorld world(RuleList().allow("a.example", {}, {"/x/**"}).allow("free.example"));
  const auto judged = world.on("a.example")->judge(request("a.example", "/x/y", overrides));
  ASSERT_EQ(exchange_of(judged).request().fields.size(), 1u);
  EXPECT_EQ(exchange_of(judged).request().fields[0].name, "X-HTTP-Method-Override");
  const auto free = world.on("free.example")->judge(request("free.example", "/x", overrides));
  EXPECT_EQ(exchange_of(free).request().fields.size(), overrides.size());
}

TEST(ConnectionGate, OffersOfHttp3DoNotReachTheClient) {
  GateWorld world(RuleList().allow("a.example"));
  const auto judged = world.on("a.example")->judge(request("a.example"));
  ResponseHead answer;
  answer.status = 200;
  answer.fields = {{"Alt-Svc", "h3=\":443\""},
                   {"alt-svc", "h3=\"other.example:443\""},
                   {"Location", "https://elsewhere.example/"},
                   {"Content-Type", "text/plain"}};
  EXPECT_TRUE(std::holds_alternative<std::monostate>(exchange_of(judged).respond(answer)));
  ASSERT_EQ(answer.fields.size(), 2u);
  EXPECT_EQ(answer.fields[0].value, "https://elsewhere.example/");
}

TEST(ConnectionGate, AGatewayGetsItsOwnNameAndPrefixAndIsMappedBack) {
  GateWorld world(RuleList()
                      .allow("api.example", {"GET", "POST"}, {"/v1/**"})
                      .allow("http://api.example")
                      .origin("api.example", "", "https://gw.corp:8443/models"));
  const auto judged =
      world.on("api.example")->judge(request("API.example", "/v1/a?b", {{"x-api-key", kFake}}));
  auto& exchange = exchange_of(judged);
  EXPECT_EQ(exchange.request().authority, "gw.corp:8443");
  EXPECT_EQ(exchange.request().target, "/models/v1/a?b");
  EXPECT_EQ(exchange.request().fields[0].value, kReal) << "the credential is of the host asked for";
  ResponseHead answer;
  answer.status = 307;
  answer.fields = {{"Location", "https://gw.corp:8443/models/v1/c"},
                   {"Set-Cookie", "a=b; Domain=gw.corp; Path=/models"}};
  exchange.respond(answer);
  EXPECT_EQ(answer.fields[0].value, "https://api.example/v1/c");
  EXPECT_EQ(answer.fields[1].value, "a=b; Domain=api.example; Path=/");
  exchange.finished(307, 0, 0, "");
  const auto line = world.log().back();
  EXPECT_EQ(line.at("host").as_string(), "api.example");
  EXPECT_EQ(line.at("path").as_string(), "/v1/a") << "as it was judged, without the query";

  // The rule is about the path that the agent asked for, not the mapped one.
  EXPECT_EQ(status_of(world.on("api.example")->judge(request("api.example", "/models/v1/a"))),
            403u);
  EXPECT_EQ(status_of(world.on("api.example")->judge(request("gw.corp:8443", "/v1/a"))), 421u);
  const auto plain = world.on("api.example", 80, Carried::kHttp)->judge(request("api.example"));
  EXPECT_EQ(exchange_of(plain).request().authority, "api.example");
}

TEST(ConnectionGate, PutsTheCredentialInAndSaysSo) {
  GateWorld world(RuleList().allow("api.example"));
  const auto judged = world.on("api.example")
                          ->judge(request("api.example", "/x?y",
                                          {{"Authorization", std::string("Bearer ") + kFake}}));
  EXPECT_EQ(exchange_of(judged).request().fields[0].value, std::string("Bearer ") + kReal);
  exchange_of(judged).finished(200, 3, 5, "");
  EXPECT_THAT(world.events(), ElementsAre("inject api.example", "request api.example"));
  EXPECT_EQ(world.log()[0].at("credential").as_string(), "github");
  EXPECT_EQ(world.alarms(), 0u);
  for (const auto& line : world.log()) {
    const std::string text = boost::json::serialize(line);
    EXPECT_EQ(text.find(kReal), std::string::npos);
    EXPECT_EQ(text.find("Bearer"), std::string::npos);
  }
}

TEST(ConnectionGate, ASurrogateOnItsWayElsewhereIsRefusedAndAlarmed) {
  const Fields key = {{"x-api-key", kFake}};
  GateWorld world(
      RuleList().allow("api.example", {"GET"}).allow("evil.example").allow("http://api.example"));
  EXPECT_EQ(status_of(world.on("evil.example")->judge(request("evil.example", "/", key))), 403u);
  EXPECT_EQ(world.alarms(), 1u);
  EXPECT_EQ(
      status_of(
          world.on("api.example", 80, Carried::kHttp)->judge(request("api.example", "/", key))),
      403u);
  EXPECT_EQ(world.alarms(), 2u);
  EXPECT_EQ(
      status_of(
          world.on("api.example")->judge(request("api.example", std::string("/?key=") + kFake))),
      403u);
  EXPECT_EQ(world.alarms(), 3u);
  // Misdirected: the name that the request gives is not the one that was dialled.
  EXPECT_EQ(status_of(world.on("api.example")->judge(request("evil.example", "/", key))), 421u);
  EXPECT_EQ(world.alarms(), 4u);
  // At home, but not for this method: refused, and no cause for alarm.
  EXPECT_EQ(status_of(world.on("api.example")->judge(request("api.example", "/", key, "POST"))),
            403u);
  EXPECT_EQ(world.alarms(), 4u);
  // Refused for its target, to a host that it is not for.
  EXPECT_EQ(status_of(world.on("evil.example")->judge(request("evil.example", "/%00", key))), 400u);
  EXPECT_EQ(world.alarms(), 5u);
  for (const auto& line : world.log()) {
    EXPECT_EQ(boost::json::serialize(line).find(kReal), std::string::npos);
  }
}

TEST(ConnectionGate, ASurrogateInATrailerIsDroppedAndAlarmed) {
  GateWorld world(RuleList().allow("api.example"));
  const auto judged = world.on("api.example")->judge(request("api.example"));
  Fields trailers = {{"x-a", "1"}, {"x-b", std::string("x") + kFake}, {kFake, "2"}, {"x-c", "3"}};
  exchange_of(judged).request_trailers(trailers);
  ASSERT_EQ(trailers.size(), 2u);
  EXPECT_EQ(trailers[1].name, "x-c");
  EXPECT_THAT(world.events(), ElementsAre("alarm api.example", "alarm api.example"));
}

TEST(ConnectionGate, WhatIsPutIntoAWebSocketAndWhatIsNotIsInTheLog) {
  std::vector<LiveCredential> live;
  live.push_back({"github", {test::host("api.example")}, *Secret::take(kReal), kFake});
  live[0].surfaces = {{.kind = SurfaceKind::kWebSocket, .name = {}, .method = {}, .path = {}}};
  GateWorld world(RuleList().allow("api.example"), std::move(live), {});
  auto head = request("api.example", "/socket?a=1");
  head.upgrade_websocket = true;
  const auto judged = world.on("api.example")->judge(std::move(head));
  auto& exchange = exchange_of(judged);
  ResponseHead accepted;
  accepted.status = 101;
  ASSERT_TRUE(std::holds_alternative<std::monostate>(exchange.respond(accepted)));
  ASSERT_NE(exchange.frames(FramesFrom::kOrigin), nullptr) << "its answers are scrubbed";
  auto* frames = exchange.frames(FramesFrom::kClient);
  ASSERT_NE(frames, nullptr);
  std::string out;
  frames->feed(test::masked_frame(test::kFin | test::kText, kFake), out);
  EXPECT_EQ(out, test::masked_frame(test::kFin | test::kText, kReal));
  frames->feed(test::masked_frame(test::kFin | test::kText, kFake), out);
  ASSERT_THAT(world.events(), ElementsAre("inject api.example")) << "once";
  EXPECT_EQ(world.log()[0].at("credential"), "github");
  EXPECT_EQ(world.log()[0].at("path"), "/socket");
  frames->feed(test::masked_frame(test::kFin | test::kBinary, kFake), out);
  EXPECT_NE(frames->fault(), "");
  EXPECT_THAT(world.events(), ElementsAre("inject api.example", "alarm api.example"));
}

TEST(ConnectionGate, EveryVerdictIsInTheLog) {
  GateWorld world(RuleList().allow("a.example", {"GET"}));
  const auto gate = world.on("a.example");
  gate->judge(request("a.example", "/secret?token=1", {}, "POST"));
  gate->judge(request("b.example", "/x"));
  gate->malformed(400, "it is broken");
  const auto judged = gate->judge(request("a.example", "/y?token=1"));
  exchange_of(judged).finished(200, 1, 2, "it was cut");
  const auto log = world.log();
  ASSERT_EQ(log.size(), 4u);
  EXPECT_EQ(log[0].at("event").as_string(), "deny");
  EXPECT_EQ(log[0].at("reason").as_string(), "method_or_path");
  EXPECT_EQ(log[0].at("method").as_string(), "POST");
  EXPECT_EQ(log[0].at("path").as_string(), "/secret");
  EXPECT_EQ(log[0].at("way").as_string(), "transparent");
  EXPECT_EQ(log[0].at("place").as_string(), "p.yaml:1");
  EXPECT_EQ(log[1].at("reason").as_string(), "name_mismatch");
  EXPECT_EQ(log[1].at("host").as_string(), "b.example");
  EXPECT_EQ(log[2].at("reason").as_string(), "malformed");
  EXPECT_EQ(log[2].at("detail").as_string(), "it is broken");
  EXPECT_EQ(log[3].at("event").as_string(), "request");
  EXPECT_EQ(log[3].at("path").as_string(), "/y");
  EXPECT_EQ(log[3].at("status").as_int64(), 200);
  EXPECT_EQ(log[3].at("rule").as_string(), "a.example");
  EXPECT_EQ(log[3].at("detail").as_string(), "it was cut");
  for (const auto& line : log) {
    EXPECT_EQ(boost::json::serialize(line).find("token"), std::string::npos);
  }
}

TEST(ConnectionGate, AMalformedRequestGetsTheStatusThatItsReaderChose) {
  GateWorld world(RuleList().allow("a.example"));
  for (const unsigned status : {400u, 405u, 421u, 431u, 501u}) {
    const auto refusal = world.on("a.example")->malformed(status, "it is broken");
    EXPECT_EQ(refusal.status, status);
    EXPECT_NE(refusal.body.find("it is broken"), std::string::npos);
  }
}

TEST(DeniedGate, EveryRequestIsAnsweredWithTheDenialOfTheConnection) {
  GateWorld world(RuleList().allow("a.example"));
  const auto gate =
      denied_gate(world.services(), test::denied(world.policy(), "evil.example"), Way::kConnect);
  EXPECT_EQ(status_of(gate->judge(request("evil.example"))), 403u);
  EXPECT_EQ(status_of(gate->judge(request("a.example"))), 403u);
  EXPECT_EQ(world.alarms(), 0u);
  EXPECT_EQ(status_of(gate->judge(request("evil.example", "/", {{"authorization", kFake}}))), 403u);
  EXPECT_EQ(world.alarms(), 1u);
  EXPECT_EQ(world.log()[0].at("way").as_string(), "connect");
}

TEST(FailedGate, EveryRequestHearsWhatHappenedToTheOrigin) {
  GateWorld world(RuleList().allow("a.example"));
  const auto gate =
      failed_gate(world.services(), test::admitted(world.policy(), "a.example"),
                  {504, "connection_timeout", "a.example did not answer"}, Way::kTransparent);
  const auto judged = gate->judge(request("a.example"));
  EXPECT_EQ(status_of(judged), 504u);
  EXPECT_NE(std::get<Refusal>(judged).body.find("did not answer"), std::string::npos);
}

TEST(Gate, AnOriginThatBreaksItsProtocolIsA502) {
  GateWorld world(RuleList().allow("a.example"));
  const auto gate = world.on("a.example");
  const auto judged = gate->judge(request("a.example"));
  const auto refusal = gate->origin_failed(exchange_of(judged), "its answer is broken");
  EXPECT_EQ(refusal.status, 502u);
  EXPECT_NE(refusal.body.find("its answer is broken"), std::string::npos);
}

}  // namespace
}  // namespace redoubtful::proxy
