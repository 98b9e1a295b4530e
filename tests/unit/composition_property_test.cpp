#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>

#include "cli/layers.hpp"
#include "cli/profile_loader.hpp"
#include "common/network_rules.hpp"

// No composition of profiles and flags is ever wider than each of its denies.
//
// Random layers are written as YAML and as flags, read by the real loaders, merged by the real
// merge, and asked for every access of a small universe. An independent reading of "deny", written
// from the design and sharing no code with decide(), says what must be refused.

namespace redoubtful::cli {
namespace {

constexpr std::array kHosts{"a.example", "x.a.example", "y.x.a.example",
                            "b.example", "x.b.example", "ba.example"};
constexpr std::array kPatterns{"a.example", "*.a.example", "x.a.example",  "*.x.a.example",
                               "b.example", "*.b.example", "y.x.a.example"};
constexpr std::array kPorts{443, 80, 22, 5432};
constexpr std::array kMethods{"GET", "POST", "DELETE"};
constexpr std::array kPaths{"/", "/repos/x", "/repos/x/y", "/user"};
constexpr std::array kGlobs{"/repos/**", "/user", "/*", "/**"};
constexpr std::array kSchemes{"https", "http", "tcp", "ssh"};

struct WrittenDeny {
  std::string pattern;
  std::string scheme;  // empty: any
  int port = 0;        // 0: any
  std::vector<std::string> methods;
  std::vector<std::string> globs;
};

struct Question {
  std::string host;
  int port;
  std::string scheme;
  std::string method;
  std::string path;
};

bool glob_holds(const std::string& glob, const std::string& path) {
  if (glob == "/**") return path.starts_with("/");
  if (glob == "/*") return path.starts_with("/") && path.find('/', 1) == std::string::npos;
  if (glob == "/repos/**") return path.starts_with("/repos/");
  return glob == path;
}

// What the design says a deny holds, for one that the test itself wrote down.
bool denied_by(const WrittenDeny& deny, const Question& question) {
  const bool below =
      deny.pattern.starts_with("*.") && question.host.ends_with(deny.pattern.substr(1));
  if (!below && deny.pattern != question.host) return false;
  if (deny.port != 0 && deny.port != question.port) return false;
  const bool tunnel = question.scheme == "tcp" || question.scheme == "ssh";
  if (tunnel) return true;  // it could carry whatever the deny names
  if (!deny.scheme.empty() && deny.scheme != question.scheme) return false;
  const auto lists = [](const std::vector<std::string>& words, auto holds) {
    return words.empty() || std::any_of(words.begin(), words.end(), holds);
  };
  return lists(deny.methods,
               [&](const std::string& method) { return method == question.method; }) &&
         lists(deny.globs,
               [&](const std::string& glob) { return glob_holds(glob, question.path); });
}

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class Array>
  auto pick(const Array& array) {
    return array[below(array.size())];
  }

  // A rule in YAML; `deny`, when given, gets what was written.
  std::string rule(WrittenDeny* deny, bool splice_allowed) {
    WrittenDeny written;
    written.pattern = pick(kPatterns);
    if (one_in(3)) written.scheme = pick(kSchemes);
    if (written.scheme == "tcp" || one_in(4)) written.port = pick(kPorts);
    std::string host = written.scheme.empty() ? "" : written.scheme + "://";
    host += written.pattern;
    if (written.port != 0) host += ":" + std::to_string(written.port);
    std::string yaml = "{host: \"" + host + "\"";
    const bool http = written.scheme.empty() || written.scheme.starts_with("http");
    if (http && one_in(3)) {
      written.methods = {pick(kMethods)};
      yaml += ", methods: [" + written.methods[0] + "]";
    }
    if (http && one_in(3)) {
      written.globs = {pick(kGlobs)};
      yaml += ", paths: [\"" + written.globs[0] + "\"]";
    }
    const bool inspected = !written.methods.empty() || !written.globs.empty();
    if (splice_allowed && !inspected && written.scheme.size() != 4 && written.scheme.size() != 3 &&
        one_in(4)) {
      yaml += ", splice: true";
    }
    // A scheme with a port of its own is that port.
    if (written.port == 0 && written.scheme == "https") written.port = 443;
    if (written.port == 0 && written.scheme == "http") written.port = 80;
    if (written.port == 0 && written.scheme == "ssh") written.port = 22;
    if (deny != nullptr) *deny = written;
    return yaml + "}";
  }

 private:
  std::mt19937 random_;
};

Question ask(Generator& generate) {
  return {generate.pick(kHosts), generate.pick(kPorts), generate.pick(kSchemes),
          generate.pick(kMethods), generate.pick(kPaths)};
}

Decision decide_for(const NetworkProfile& network, const Question& question) {
  static const std::map<std::string, Scheme> kByName{{"https", Scheme::kHttps},
                                                     {"http", Scheme::kHttp},
                                                     {"tcp", Scheme::kTcp},
                                                     {"ssh", Scheme::kSsh}};
  Access access{Host::parse(question.host).value(),
                Port::parse(std::to_string(question.port)).value(), kByName.at(question.scheme)};
  if (question.scheme.starts_with("http")) {
    access.method = question.method;
    access.path = question.path;
  }
  return decide(network, access).decision;
}

TEST(Composition, IsNeverWiderThanEachDeny) {
  std::size_t allowed = 0;
  std::size_t refused = 0;
  std::size_t compositions = 0;
  for (unsigned seed = 0; seed < 5000; ++seed) {
    Generator generate(seed);
    Profile profile;
    std::vector<WrittenDeny> denies;
    const std::size_t layers = 1 + generate.below(5);
    for (std::size_t i = 0; i < layers; ++i) {
      std::string allow;
      std::string deny;
      std::string asks;
      std::vector<WrittenDeny> written;
      for (std::size_t n = generate.below(4); n > 0; --n)
        allow += generate.rule(nullptr, true) + ", ";
      for (std::size_t n = generate.below(3); n > 0; --n) {
        written.emplace_back();
        deny += generate.rule(&written.back(), false) + ", ";
      }
      if (generate.one_in(4)) asks = generate.rule(nullptr, false);
      const std::string yaml = "network: {allow: [" + allow + "], deny: [" + deny + "], ask: [" +
                               asks + "]" + (generate.one_in(8) ? ", mode: none" : "") +
                               (generate.one_in(4) ? ", mode: filtered" : "") + "}\n";
      // Two modes in one mapping, or a rule that another covers: a document that is refused.
      const auto layer = load_layer(yaml, "p", "p.yaml");
      if (!layer) continue;
      apply_layer(profile, *layer, {}, {});
      denies.insert(denies.end(), written.begin(), written.end());
    }
    ++compositions;
    for (int i = 0; i < 60; ++i) {
      const Question question = ask(generate);
      const Decision decision = decide_for(profile.network, question);
      if (decision != Decision::kDeny) ++allowed;
      for (const auto& deny : denies) {
        if (!denied_by(deny, question)) continue;
        ++refused;
        ASSERT_EQ(decision, Decision::kDeny)
            << "seed " << seed << ": " << question.method << " " << question.scheme << "://"
            << question.host << ":" << question.port << question.path << " despite "
            << deny.pattern;
      }
    }
  }
  // Neither half of the test may be empty.
  EXPECT_EQ(compositions, 5000U);
  EXPECT_GT(allowed, 10'000U);
  EXPECT_GT(refused, 10'000U);
}

TEST(Composition, AnotherDenyNeverWidensIt) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    Generator generate(seed);
    Profile profile;
    std::string allow;
    for (int n = 0; n < 4; ++n) allow = generate.rule(nullptr, true);
    const auto base = load_layer("network: {allow: [" + allow + "]}", "a", "a.yaml");
    ASSERT_TRUE(base) << base.error().what();
    apply_layer(profile, *base, {}, {});
    const auto more =
        load_layer("network: {deny: [" + generate.rule(nullptr, false) + "]}", "b", "b.yaml");
    ASSERT_TRUE(more) << more.error().what();
    Profile narrower = profile;
    apply_layer(narrower, *more, {}, {});
    for (int i = 0; i < 60; ++i) {
      const Question question = ask(generate);
      const bool before = decide_for(profile.network, question) == Decision::kDeny;
      const bool after = decide_for(narrower.network, question) == Decision::kDeny;
      ASSERT_TRUE(after || !before) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace redoubtful::cli
