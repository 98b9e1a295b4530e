// No policy is ever wider than each of its denies, and a deny or an ask more never widens one.
//
// Random rules, asked for every access of a small universe through admit(), vet() and permit() as
// the proxy asks them. What a deny holds is read here by itself, sharing no code with the policy;
// and a path is taken in every way in which some server reads it.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "tests/proxy/path_readings.hpp"
#include "tests/proxy/policy_support.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::array kHosts{"a.example", "x.a.example", "y.x.a.example", "b.example", "10.0.0.1"};
constexpr std::array kPatterns{"a.example", "*.a.example",   "x.a.example",
                               "b.example", "y.x.a.example", "10.0.0.1"};
constexpr std::array kSchemes{"", "", "https://", "http://", "tcp://", "ssh://"};
constexpr std::array kPorts{443, 80, 22, 8443};
constexpr std::array kMethods{"GET", "POST", "DELETE"};
constexpr std::array kSentMethods{"GET", "POST", "DELETE", "delete", "PATCH"};
constexpr std::array kGlobs{"/repos/**", "/user", "/*", "/**", "/repos/x", "/%75ser"};
constexpr std::array kTargets{
    "/",          "/user",      "/%75ser",        "/user?a=/repos/x", "/repos/x",
    "/repos/%78", "/repos/x/y", "/repos//x",      "/repos%2Fx",       "/repos%252fx",
    "/user;a",    "/a/../user", "/a/%2e%2e/user", "/a/..%2fuser",     "/repos/x/../../user",
    "/repos;/x",  "//user",     "/./user",        "/repos/x/.",       "/a/..;/user",
    "/other",     "/repos/",    "/usER",          "/repos/%2e/x",     "/*"};
constexpr std::array kAddresses{"8.8.8.8", "10.0.0.1", "203.0.113.5", "127.0.0.1"};
constexpr std::array kCarried{Carried::kTls, Carried::kHttp, Carried::kOpaque};

struct Written {
  std::string pattern;
  std::string scheme;  // "https", …; empty: any
  int port = 0;        // 0: any
  std::vector<std::string> methods;
  std::vector<std::string> globs;
};

struct Question {
  const char* host;
  int port;
  Carried carried;
  const char* method;
  const char* target;
  const char* address;
};

class Random {
 public:
  explicit Random(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class Array>
  auto pick(const Array& from) {
    return from[below(from.size())];
  }

  HostRule rule(HostRule::List list, Written& written) {
    written.pattern = pick(kPatterns);
    std::string text = pick(kSchemes);
    written.scheme = text.substr(0, text.find(':'));
    text += written.pattern;
    if (written.scheme == "tcp" || one_in(3)) {
      written.port = pick(kPorts);
      text += ":" + std::to_string(written.port);
    }
    auto rule = HostRule::parse(text, list).value();
    if (written.port == 0 && !written.scheme.empty()) written.port = rule.port;
    const bool tunnel = written.scheme == "tcp" || written.scheme == "ssh";
    if (!tunnel && one_in(3)) rule.methods = {pick(kMethods)};
    if (!tunnel && one_in(3)) rule.paths = {pick(kGlobs)};
    written.methods = rule.methods;
    written.globs = rule.paths;
    if (list != HostRule::List::kAllow) return rule;
    const bool inspected = !rule.methods.empty() || !rule.paths.empty();
    if (rule.scheme == Scheme::kHttps && !inspected && one_in(5)) rule.splice = true;
    if (one_in(5)) rule.private_ranges = {"10.0.0.0/8"};
    return rule;
  }

 private:
  std::mt19937 random_;
};

bool glob_holds(const std::string& glob, const std::string& path) {
  if (glob == "/**") return true;
  if (glob == "/*") return path.find('/', 1) == std::string::npos;
  if (glob == "/repos/**") return path.starts_with("/repos/");
  return (glob == "/%75ser" ? "/user" : glob) == path;
}

// What the design says a deny holds. `handling` is how the connection would be carried.
bool holds(const Written& deny, const Question& question, Handling handling) {
  const std::string_view name = question.host;
  const bool below = deny.pattern.starts_with("*.") && name.ends_with(deny.pattern.substr(1)) &&
                     name.front() != '1';
  if (!below && deny.pattern != name) return false;
  if (deny.port != 0 && deny.port != question.port) return false;
  if (handling == Handling::kTunnel) return true;
  const bool plain = handling == Handling::kPlainHttp;
  if (!deny.scheme.empty() && deny.scheme != (plain ? "http" : "https")) return false;
  if (handling == Handling::kSplice) return true;
  std::string method = question.method;
  std::transform(method.begin(), method.end(), method.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  const bool by_method = deny.methods.empty() || std::find(deny.methods.begin(), deny.methods.end(),
                                                           method) != deny.methods.end();
  const std::string_view target = question.target;
  const std::string_view path = target.substr(0, target.find('?'));
  const bool by_path =
      deny.globs.empty() ||
      std::any_of(std::begin(test::kReaders), std::end(test::kReaders), [&](const auto& reader) {
        const std::string read = test::joined(test::read_by(reader, path));
        return std::any_of(deny.globs.begin(), deny.globs.end(),
                           [&](const std::string& glob) { return glob_holds(glob, read); });
      });
  return by_method && by_path;
}

// How it goes through, if it does.
std::optional<Handling> passes(const Policy& policy, const Question& question) {
  const auto admitted =
      policy.admit(test::host(question.host), test::port(question.port), question.carried);
  const auto* admission = std::get_if<Admission>(&admitted);
  if (admission == nullptr) return std::nullopt;
  const auto vetted = policy.vet(*admission, test::address(question.address));
  if (std::holds_alternative<Denial>(vetted)) return std::nullopt;
  const Handling handling = admission->handling();
  if (handling == Handling::kTunnel || handling == Handling::kSplice) return handling;
  const auto permitted = policy.permit(*admission, question.method, question.target);
  if (std::holds_alternative<Denial>(permitted)) return std::nullopt;
  return handling;
}

Question ask(Random& random) {
  return {random.pick(kHosts),       random.pick(kPorts),   random.pick(kCarried),
          random.pick(kSentMethods), random.pick(kTargets), random.pick(kAddresses)};
}

struct Composition {
  NetworkProfile network;
  std::vector<Written> denies;
};

Composition compose(Random& random) {
  Composition out;
  if (random.one_in(6)) out.network.mode.value = NetworkMode::kDiscover;
  const auto add = [&](std::vector<Sourced<HostRule>>& to, HostRule::List list) {
    Written written;
    to.push_back({random.rule(list, written), {}});
    if (list == HostRule::List::kDeny) out.denies.push_back(written);
  };
  for (std::size_t n = random.below(6); n > 0; --n) add(out.network.allow, HostRule::List::kAllow);
  for (std::size_t n = random.below(3); n > 0; --n) add(out.network.deny, HostRule::List::kDeny);
  if (random.one_in(4)) add(out.network.ask, HostRule::List::kAsk);
  return out;
}

std::string text_of(const Question& question) {
  return std::string(question.method) + " " + question.host + ":" + std::to_string(question.port) +
         question.target + " at " + question.address;
}

TEST(PolicyProperty, NoCompositionIsWiderThanEachOfItsDenies) {
  std::size_t passed = 0;
  std::size_t held = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Random random(seed);
    const Composition composition = compose(random);
    const Policy policy(composition.network, {test::address("203.0.113.5")});
    for (int i = 0; i < 60; ++i) {
      const Question question = ask(random);
      const auto handling = passes(policy, question);
      if (!handling) {
        ++held;
        continue;
      }
      ++passed;
      for (const auto& deny : composition.denies) {
        ASSERT_FALSE(holds(deny, question, *handling))
            << "seed " << seed << ": " << text_of(question) << " despite " << deny.pattern;
      }
    }
  }
  EXPECT_GT(passed, 2000u) << "the universe is too small to show anything";
  EXPECT_GT(held, 2000u);
}

TEST(PolicyProperty, ADenyOrAnAskMoreNeverWidens) {
  std::size_t narrowed = 0;
  std::size_t stayed = 0;
  for (unsigned seed = 10'000; seed < 13'000; ++seed) {
    Random random(seed);
    const Composition before = compose(random);
    NetworkProfile more = before.network;
    Written unused;
    const bool deny = !random.one_in(3);
    const auto list = deny ? HostRule::List::kDeny : HostRule::List::kAsk;
    (deny ? more.deny : more.ask).push_back({random.rule(list, unused), {}});
    const Policy wide(before.network, {});
    const Policy narrow(more, {});
    for (int i = 0; i < 60; ++i) {
      const Question question = ask(random);
      const bool through = passes(narrow, question).has_value();
      if (through) {
        ASSERT_TRUE(passes(wide, question)) << "seed " << seed << ": " << text_of(question);
        ++stayed;
      } else if (passes(wide, question)) {
        ++narrowed;
      }
    }
  }
  EXPECT_GT(stayed, 1000u);
  EXPECT_GT(narrowed, 300u);
}

TEST(PolicyProperty, NoPrivateAddressIsReachedButByARuleThatOpensIt) {
  std::size_t reached = 0;
  for (unsigned seed = 20'000; seed < 23'000; ++seed) {
    Random random(seed);
    const Composition composition = compose(random);
    const Policy policy(composition.network, {test::address("203.0.113.5")});
    for (int i = 0; i < 60; ++i) {
      Question question = ask(random);
      question.address = random.one_in(2) ? "10.0.0.1" : "203.0.113.5";
      if (!passes(policy, question)) continue;
      ++reached;
      ASSERT_STREQ(question.address, "10.0.0.1");
      const bool opened = std::any_of(
          composition.network.allow.begin(), composition.network.allow.end(),
          [&](const Sourced<HostRule>& rule) {
            return !rule.value.private_ranges.empty() &&
                   rule.value.pattern.matches(test::host(question.host)) &&
                   (rule.value.methods.empty() || rule.value.methods[0] == question.method);
          });
      ASSERT_TRUE(opened) << "seed " << seed << ": " << text_of(question);
    }
  }
  EXPECT_GT(reached, 100u);
}

// The word `none` closes everything, whatever stands beside it.
TEST(PolicyProperty, ModeNoneAdmitsNothing) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Random random(seed);
    Composition composition = compose(random);
    composition.network.mode.value = NetworkMode::kNone;
    const Policy policy(composition.network, {});
    for (int i = 0; i < 60; ++i) ASSERT_FALSE(passes(policy, ask(random)));
  }
}

}  // namespace
}  // namespace redoubtful::proxy
