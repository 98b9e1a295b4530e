#include "proxy/exposed_file.hpp"

#include <algorithm>
#include <set>

#include "common/secret_look.hpp"
#include "common/text.hpp"
#include "proxy/base64.hpp"
#include "proxy/login_formats.hpp"
#include "proxy/surrogate.hpp"

namespace redoubtful::proxy {
namespace {

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// One file's leaves. Remembers which credentials it has met.
class Hiding {
 public:
  explicit Hiding(const std::vector<Exposed>& all) : all_(all) {}

  std::optional<std::string> leaf(std::string_view key, std::string_view value) {
    std::string text(value);
    if (hide(text)) return text;
    // docker's "auth" and npm's "_auth": base64 of user:password.
    if (auto decoded = from_base64(value, Base64::kStandard); decoded && hide(*decoded)) {
      return to_base64(*decoded, Base64::kStandard);
    }
    if (looks_secret(key, value)) return std::nullopt;
    return text;
  }

  // Every secret in a text becomes its surrogate.
  bool hide(std::string& text) {
    bool found = false;
    for (const auto& one : all_) {
      if (!hide_secret(text, one.credential->secret, one.credential->surrogate)) continue;
      met_.insert(one.credential);
      found = true;
    }
    return found;
  }
  bool met(const Exposed& one) const { return met_.contains(one.credential); }

 private:
  const std::vector<Exposed>& all_;
  std::set<const LiveCredential*> met_;
};

// What a file of this format says of one credential; nothing where its shape is not plain.
std::optional<std::string> made_up(const std::string& path, const LiveCredential& one) {
  constexpr std::string_view kUser = "x-access-token";  // any will do where a token is the password
  const std::string_view name = name_of(path);
  std::string out;
  // netrc and gh know hosts alone, npm what stands in its URLs.
  for (const auto& place : one.hosts.texts()) {
    if (name == ".npmrc") out += "//" + place + "/:_authToken=" + one.surrogate + "\n";
  }
  if (name == ".npmrc") return out;
  for (const auto& host : one.hosts) {
    if (format_of(path) == LoginFormat::kNetrc) {
      out += "machine " + host.text() + "\n  login " + std::string(kUser) + "\n  password " +
             one.surrogate + "\n";
    } else if (name == "hosts.yml") {
      out += host.text() + ":\n    oauth_token: " + one.surrogate + "\n    git_protocol: https\n";
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::string docker_logins(const std::vector<Exposed>& all) {
  std::string out;
  for (const auto& one : all) {
    for (const auto& host : one.credential->hosts.texts()) {
      out += (out.empty() ? "" : ",") + quoted(host, 300) + ":{\"auth\":\"" +
             to_base64("x-access-token:" + one.credential->surrogate, Base64::kStandard) + "\"}";
    }
  }
  return "{\"auths\":{" + out + "}}\n";
}

Result<std::string> rewritten(const std::string& path, const std::string& host, Hiding& hiding,
                              const std::vector<Exposed>& all) {
  const LeafRule rule = [&hiding](std::string_view key, std::string_view value) {
    return hiding.leaf(key, value);
  };
  switch (format_of(path)) {
    case LoginFormat::kLines:
      return rewrite_lines(host, rule);
    case LoginFormat::kNetrc:
      return rewrite_netrc(host, rule);
    case LoginFormat::kYaml:
      return rewrite_yaml(host, rule);
    case LoginFormat::kJson: {
      // Of a file that several credentials come from, all is looked at.
      const std::string& place = all.front().pointer;
      const bool alone = std::all_of(all.begin(), all.end(),
                                     [&](const Exposed& one) { return one.pointer == place; });
      return rewrite_json(host, alone ? place : std::string(), rule);
    }
    case LoginFormat::kPlain:
      break;
  }
  std::string text = host;
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.find('\n') == std::string::npos && hiding.hide(text)) return text + "\n";
  return Error(Errc::kInvalidSecret, "it is no file of one value, and no format that is known");
}

}  // namespace

LoginFormat format_of(const std::string& path) {
  const std::string name = lower_case(name_of(path));
  const auto ends = [&](std::string_view end) { return name.ends_with(end); };
  if (ends("netrc")) return LoginFormat::kNetrc;
  if (ends(".json")) return LoginFormat::kJson;
  if (ends(".yml") || ends(".yaml")) return LoginFormat::kYaml;
  const bool aws = path.ends_with("/.aws/credentials") || path.ends_with("/.aws/config");
  if (aws || ends("npmrc") || ends("pypirc") || ends(".ini") || ends(".cfg") || ends(".conf") ||
      ends("yarnrc") || ends(".env")) {
    return LoginFormat::kLines;
  }
  return LoginFormat::kPlain;
}

Result<std::string> exposed_text(const std::string& path, const std::string* host,
                                 const std::vector<Exposed>& all) {
  Hiding hiding(all);
  std::string out;
  if (host != nullptr) {
    auto text = rewritten(path, *host, hiding, all);
    if (!text) return std::move(text).error().during(shown(path));
    out = std::move(*text);
  } else if (name_of(path) == "config.json" && path.find("/.docker/") != std::string::npos) {
    return docker_logins(all);
  } else if (format_of(path) == LoginFormat::kPlain && all.size() == 1) {
    return all.front().credential->surrogate + "\n";
  }
  for (const auto& one : all) {
    if (hiding.met(one)) continue;
    auto more = made_up(path, *one.credential);
    if (!more) {
      return Error(Errc::kInvalidSecret,
                   shown(path) + (host == nullptr ? " does not exist, and cannot be made up"
                                                  : " does not hold the value of the credential " +
                                                        shown(one.credential->name)));
    }
    out += *more;
  }
  // Whatever a format let through.
  hiding.hide(out);
  return out;
}

}  // namespace redoubtful::proxy
