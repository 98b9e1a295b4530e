#include "proxy/dns_responder.hpp"

#include <gtest/gtest.h>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

using namespace std::string_literals;

constexpr std::uint16_t kA = 1, kNs = 2, kSoa = 6, kPtr = 12, kTxt = 16, kAaaa = 28, kSrv = 33,
                        kOpt = 41, kSvcb = 64, kHttps = 65, kAxfr = 252, kAny = 255;

std::string two(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

std::string wire_name(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    out += static_cast<char>(label.size());
    out += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return out + '\0';
}

std::string header(unsigned flags, unsigned questions = 1, unsigned answers = 0,
                   unsigned authorities = 0, unsigned additional = 0) {
  return two(0x1234) + two(flags) + two(questions) + two(answers) + two(authorities) +
         two(additional);
}
std::string question(std::string_view name, unsigned type, unsigned klass = 1) {
  return wire_name(name) + two(type) + two(klass);
}
std::string query(std::string_view name, unsigned type, unsigned klass = 1) {
  return header(0x0100) + question(name, type, klass);
}
std::string opt(unsigned version = 0, unsigned flags = 0, const std::string& options = {}) {
  return "\0"s + two(kOpt) + two(4096) + two(version) + two(flags) +
         two(static_cast<unsigned>(options.size())) + options;
}

class DnsResponder : public testing::Test {
 protected:
  std::string ask(const std::string& bytes) {
    last_ = answer_dns(bytes, names_);
    return last_ ? last_->bytes : "";
  }
  unsigned at(std::size_t offset) const {
    return static_cast<unsigned char>(last_->bytes.at(offset)) << 8 |
           static_cast<unsigned char>(last_->bytes.at(offset + 1));
  }
  unsigned code() const { return at(2) & 0xf; }
  unsigned answers() const { return at(6); }
  unsigned authorities() const { return at(8); }

  std::chrono::steady_clock::time_point now_{};
  SyntheticNames names_{[this] { return now_; }};
  std::optional<DnsAnswer> last_;
};

TEST_F(DnsResponder, APublicNameHasAnAddressOfEachFamily) {
  const std::string head = two(0x1234) + two(0x8180) + two(1) + two(1) + two(0) + two(0);
  EXPECT_EQ(ask(query("api.example.com", kA)), head + question("api.example.com", kA) +
                                                   two(0xc00c) + two(kA) + two(1) +
                                                   "\0\0\0\x3c\0\x04\xc6\x12\0\x02"s);
  EXPECT_EQ(last_->name->text(), "api.example.com");
  EXPECT_TRUE(last_->fresh);
  EXPECT_EQ(ask(query("api.example.com", kAaaa)),
            head + question("api.example.com", kAaaa) + two(0xc00c) + two(kAaaa) + two(1) +
                "\0\0\0\x3c\0\x10\xfd\x72\x65\x64\x6f\x75\x62\x74\0\0\0\0\0\0\0\x02"s);
  EXPECT_FALSE(last_->fresh);
}

TEST_F(DnsResponder, NamesThatPeopleUseAreAnswered) {
  for (const auto* name :
       {"a.test", "example.com", "x.example", "a.b.c.d.example.org", "t.co",
        "xn--bcher-kva.example", "1password.com", "redoubtful.internal", "r3---sn.example",
        "git.corp", "nas.lan", "localhost", "app.localhost"}) {
    ask(query(name, kA));
    EXPECT_EQ(code(), 0u) << name;
    EXPECT_EQ(answers(), 1u) << name;
  }
}

TEST_F(DnsResponder, WhatIsNoPublicNameDoesNotExist) {
  const std::string long_label(63, 'a');
  for (const auto& name :
       {"local"s,
        "printer.local"s,
        "metadata.google.internal"s,
        "x.onion"s,
        "router.home.arpa"s,
        "ipv4only.arpa"s,
        "x.invalid"s,
        "x.alt"s,
        "wpad"s,
        "com"s,
        "a_b.example"s,
        "_dmarc.example.com"s,
        "a b.example"s,
        "b\xc3\xbc"s + "cher.example",
        "a\0b.example"s,
        "-a.example"s,
        "a-.example"s,
        "127.0.0.1"s,
        "1.2"s,
        "0x7f.1"s,
        "a.0x7f"s,
        "%61.example"s,
        "a@b.example"s,
        "a/b.example"s,
        "*.example.com"s,
        "A:B.example"s,
        "2130706433"s,
        long_label + "." + long_label + "." + long_label + "." + long_label.substr(3) + "\x01"}) {
    for (const auto type : {kA, kAaaa, kHttps}) {
      ask(query(name, type));
      EXPECT_EQ(code(), 3u) << name;
      EXPECT_EQ(answers(), 0u) << name;
      EXPECT_EQ(authorities(), 1u) << name;
      EXPECT_FALSE(last_->name) << name;
    }
  }
}

TEST_F(DnsResponder, ADotInsideALabelIsNotASeparator) {
  ask(header(0x0100) + "\x0b" + "api.example" + "\x03" + "com" + "\0"s + two(kA) + two(1));
  EXPECT_EQ(code(), 3u);
}

TEST_F(DnsResponder, ARuleCanNameAPrivateName) {
  const NamedByRule named = [](const Host& name) { return name.text() == "git.corp.internal"; };
  last_ = answer_dns(query("git.corp.internal", kA), names_, named);
  EXPECT_EQ(code(), 0u);
  EXPECT_EQ(answers(), 1u);
  last_ = answer_dns(query("other.corp.internal", kA), names_, named);
  EXPECT_EQ(code(), 3u);
}

TEST_F(DnsResponder, OtherTypesHaveNoData) {
  for (const auto type : {kNs, kSoa, kTxt, kSrv, kSvcb, kHttps, kAny, kPtr}) {
    ask(query("api.example.com", type));
    EXPECT_EQ(code(), 0u) << type;
    EXPECT_EQ(answers(), 0u) << type;
    EXPECT_EQ(authorities(), 1u) << type;
    EXPECT_FALSE(last_->name);
  }
  EXPECT_EQ(ask(query("", kNs)).size(), 12u + 5 + 11 + 2 * 21 + 20);
  EXPECT_EQ(code(), 0u);
}

TEST_F(DnsResponder, LocalhostIsTheBoxsOwnLoopback) {
  EXPECT_TRUE(ask(query("localhost", kA)).ends_with("\0\x04\x7f\0\0\x01"s));
  EXPECT_TRUE(
      ask(query("a.localhost", kAaaa)).ends_with("\0\x10"s + std::string(15, '\0') + "\x01"));
  ask(query("localhost", kTxt));
  EXPECT_EQ(answers() + code(), 0u);
  EXPECT_FALSE(last_->name);
}

TEST_F(DnsResponder, ASyntheticAddressHasItsName) {
  ask(query("api.example.com", kA));
  EXPECT_TRUE(ask(query("2.0.18.198.in-addr.arpa", kPtr)).ends_with(wire_name("api.example.com")));
  EXPECT_EQ(answers(), 1u);
  const auto six = "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.7.2.6.5.7.f.6.4.6.5.6.2.7.d.f.ip6.arpa"s;
  EXPECT_TRUE(ask(query(six, kPtr)).ends_with(wire_name("api.example.com")));
  ask(query(six, kA));
  EXPECT_EQ(code() + answers(), 0u);
  for (const auto& name :
       {"3.0.18.198.in-addr.arpa"s, "1.0.0.127.in-addr.arpa"s, "0.18.198.in-addr.arpa"s,
        "in-addr.arpa"s, "ip6.arpa"s, "x.ip6.arpa"s, "1.2.0.18.198.in-addr.arpa"s,
        "02.0.18.198.in-addr.arpa"s, "g" + six.substr(1), "22" + six.substr(2), six.substr(2)}) {
    ask(query(name, kPtr));
    EXPECT_EQ(code(), 3u) << name;
  }
}

TEST_F(DnsResponder, TheLettersOfTheQuestionComeBackAsTheyCame) {
  EXPECT_EQ(ask(query("aPi.ExAmPlE.cOm", kA)).substr(12, 21), question("aPi.ExAmPlE.cOm", kA));
  EXPECT_EQ(last_->name->text(), "api.example.com");
}

TEST_F(DnsResponder, OnlyRecursionDesiredCheckingDisabledAndTheOpcodeComeBack) {
  ask(header(0x0000) + question("a.test", kA));
  EXPECT_EQ(at(2), 0x8080u);
  ask(header(0x0110) + question("a.test", kA));
  EXPECT_EQ(at(2), 0x8190u);
  ask(header(0x07ef) + question("a.test", kA));  // AA, TC, RA, Z, AD and a code set by the client
  EXPECT_EQ(at(2), 0x8180u);
}

TEST_F(DnsResponder, EdnsIsAnsweredWithOurOwn) {
  const auto ours = [](unsigned extended, unsigned flags) {
    return "\0"s + two(kOpt) + two(1232) + two(extended << 8) + two(flags) + two(0);
  };
  const auto with = [](const std::string& additional, unsigned count = 1) {
    return header(0x0100, 1, 0, 0, count) + question("a.test", kA) + additional;
  };
  EXPECT_TRUE(ask(with(opt())).ends_with(ours(0, 0)));
  EXPECT_EQ(answers(), 1u);
  EXPECT_EQ(at(10), 1u);
  EXPECT_TRUE(ask(with(opt(0, 0x8000))).ends_with(ours(0, 0x8000)));
  EXPECT_TRUE(ask(with(opt(0, 0x7fff, "\0\x0a\0\x08"s + "cookie!!"))).ends_with(ours(0, 0)));
  EXPECT_EQ(answers(), 1u);
  EXPECT_TRUE(ask(with(opt(1))).ends_with(ours(1, 0)));  // BADVERS
  EXPECT_EQ(code() + answers(), 0u);
  ask(with(opt() + opt(), 2));
  EXPECT_EQ(code(), 1u);
  ask(with("\x01z"s + opt()));  // an OPT of another name than the root
  EXPECT_EQ(code(), 1u);
  ask(
      with("\x01"
           "a\0"s +
           two(kTxt) + two(1) + "\0\0\0\0"s + two(2) + "\x01x"));
  EXPECT_EQ(code() + at(10), 0u);
}

TEST_F(DnsResponder, WhatIsNoQueryGetsNoAnswer) {
  const std::string good = query("a.test", kA);
  for (std::size_t bytes = 0; bytes < 12; ++bytes)
    EXPECT_FALSE(answer_dns(good.substr(0, bytes), names_));
  EXPECT_FALSE(answer_dns(header(0x8180) + question("a.test", kA), names_));
  EXPECT_FALSE(answer_dns(good + std::string(limits::kDnsMessageBytes, 'x'), names_));
  EXPECT_TRUE(answer_dns(good, names_));
}

TEST_F(DnsResponder, WhatIsMalformedIsRefusedWhole) {
  const std::string good = query("a.test", kA);
  for (std::size_t bytes = 12; bytes < good.size(); ++bytes) {
    ask(good.substr(0, bytes));
    EXPECT_EQ(code(), 1u) << bytes;
    EXPECT_EQ(last_->bytes.size(), 12u);
    EXPECT_EQ(at(4), 0u);
  }
  const std::string label(63, 'a');
  const std::string too_long = label + '.' + label + '.' + label + '.' + label + ".b";
  const std::string cases[] = {
      good + "x",
      header(0x0100, 0),
      header(0x0100, 2) + question("a.test", kA) + question("b.test", kA),
      header(0x0100, 1, 1) + question("a.test", kA),
      header(0x0100, 1, 0, 1) + question("a.test", kA),
      header(0x0100, 1, 0, 0, 1) + question("a.test", kA),
      header(0x0100, 1, 0, 0, 65535) + question("a.test", kA) + opt(),
      header(0x0100) + "\xc0\x0c" + two(kA) + two(1),  // points at itself
      header(0x0100) +
          "\x01"
          "a\xc0\x0c" +
          two(kA) + two(1),
      header(0x0100) + "\x40" + std::string(64, 'a') + "\0"s + two(kA) + two(1),
      header(0x0100) + "\x80" + std::string(128, 'a') + "\0"s + two(kA) + two(1),
      query(too_long, kA),
      query("a.test", kOpt),
  };
  for (const auto& bytes : cases) {
    ask(bytes);
    EXPECT_EQ(code(), 1u) << testing::PrintToString(bytes);
    EXPECT_EQ(answers(), 0u);
  }
}

TEST_F(DnsResponder, OtherOperationsAndClassesAreNotImplementedOrRefused) {
  for (unsigned opcode = 1; opcode < 16; ++opcode) {
    ask(header(opcode << 11) + question("a.test", kSoa));
    EXPECT_EQ(code(), 4u) << opcode;
    EXPECT_EQ(at(2) >> 11 & 0xf, opcode);
  }
  for (const unsigned klass : {0u, 2u, 3u, 254u, 255u, 0x8001u}) {
    ask(query("version.bind", kTxt, klass));
    EXPECT_EQ(code(), 5u) << klass;
  }
  ask(query("example.com", kAxfr));
  EXPECT_EQ(code(), 5u);
}

TEST_F(DnsResponder, NoAnswerIsTooLongForUdp) {
  const std::string label(63, 'a');
  const std::string longest = label + '.' + label + '.' + label + '.' + label.substr(2);
  ASSERT_EQ(longest.size(), 253u);
  for (const auto& name : {longest, longest.substr(0, 240) + ".invalid"}) {
    for (const auto type : {kA, kAaaa, kTxt}) {
      const std::string bytes = ask(header(0x0100, 1, 0, 0, 1) + question(name, type) + opt());
      EXPECT_GT(bytes.size(), 250u);
      EXPECT_LE(bytes.size(), 512u);
    }
  }
  ask(query(longest, kA));
  EXPECT_LE(ask(query("2.0.18.198.in-addr.arpa", kPtr)).size(), 512u);
  EXPECT_EQ(answers(), 1u);
}

TEST_F(DnsResponder, BeyondTheLimitsANameDoesNotExistAndItIsSaid) {
  for (std::size_t i = 0; i < limits::kNamesPerMinute; ++i) {
    ask(query("n" + std::to_string(i) + ".test", kA));
    ASSERT_EQ(answers(), 1u);
  }
  ask(query("more.test", kA));
  EXPECT_EQ(code(), 3u);
  EXPECT_TRUE(last_->limited);
  ask(query("n0.test", kA));
  EXPECT_EQ(answers(), 1u);
  EXPECT_FALSE(last_->limited);
}

}  // namespace
}  // namespace redoubtful::proxy
