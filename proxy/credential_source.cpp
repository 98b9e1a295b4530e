#include "proxy/credential_source.hpp"

#include <string.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <map>

#include "common/text.hpp"
#include "proxy/aws_credential.hpp"
#include "proxy/aws_source.hpp"
#include "proxy/exposed_file.hpp"
#include "proxy/login_source.hpp"
#include "proxy/oauth_login.hpp"
#include "proxy/rule_text.hpp"
#include "proxy/secret_file.hpp"
#include "proxy/source_reader.hpp"
#include "proxy/surrogate.hpp"
#include "proxy/wall_clock.hpp"

namespace redoubtful::proxy {
namespace {

// However the reading ends.
class ErasedAtTheEnd {
 public:
  ErasedAtTheEnd(std::vector<control::NamedValue>& values, std::vector<std::string>& more)
      : values_(values), more_(more) {}
  ~ErasedAtTheEnd() {
    for (auto& value : values_) ::explicit_bzero(value.value.data(), value.value.size());
    for (auto& value : more_) ::explicit_bzero(value.data(), value.size());
  }
  ErasedAtTheEnd(const ErasedAtTheEnd&) = delete;
  ErasedAtTheEnd& operator=(const ErasedAtTheEnd&) = delete;

 private:
  std::vector<control::NamedValue>& values_;
  std::vector<std::string>& more_;
};

// Why each is off, or, of many that a profile might know, which: a line stays a line.
void add_off_notes(const std::vector<std::pair<std::string, std::string>>& off,
                   std::vector<std::string>& notes) {
  constexpr std::size_t kExplained = 2;
  if (off.size() <= kExplained) {
    for (const auto& [name, why] : off) notes.push_back("credential " + name + " is off: " + why);
    return;
  }
  std::string names;
  for (const auto& [name, why] : off) names += (names.empty() ? "" : ", ") + name;
  notes.push_back("credentials that are not there: " + names);
}

// The JSON pointer of a source that is the file itself. Of a login it is one to no member of it,
// whose siblings are all of them.
std::string pointer_into(const std::string& path, const CredentialProfile& profile) {
  const std::string prefix = "json:" + path + "#";
  if (!profile.source.starts_with(prefix)) return {};
  const bool login = profile.type == CredentialType::kOauth;
  return profile.source.substr(prefix.size()) + (login ? "/-" : "");
}

LoginPlace place_of_login(const std::string& source) {
  constexpr std::string_view kJson = "json:";
  const std::size_t hash = source.rfind('#');
  return {source.substr(kJson.size(), hash - kJson.size()), source.substr(hash + 1)};
}

// The two kinds of credentials in one exposed file.
struct Shown {
  std::vector<Exposed> values;
  std::vector<AwsExposed> aws;
  std::vector<const CredentialProfile*> logins;  // that stand in this very file
  std::string where;
};

const CredentialProfile& profile_of(const std::vector<CredentialProfile>& credentials,
                                    const std::string& name) {
  return *std::find_if(credentials.begin(), credentials.end(),
                       [&](const auto& one) { return one.name == name; });
}

Result<std::string> file_text(const std::string& path, const Shown& shown) {
  if (!shown.aws.empty()) {
    if (shown.values.empty()) return aws_file_text(path, shown.aws);
    return Error(Errc::kInvalidProfile, "a file holds keys of AWS or other credentials, not both");
  }
  auto host = read_secret_file(path, FilePrivacy::kAny);
  if (!host && host.error().system_errno() != ENOENT && host.error().system_errno() != ENOTDIR) {
    return std::move(host).error();
  }
  for (const auto* login : shown.logins) {
    if (!host) break;
    auto far = login_without_end(*host, place_of_login(login->source).pointer, *login->refresh,
                                 wall_seconds());
    ::explicit_bzero(host->data(), host->size());
    if (!far) return far;
    host = std::move(far);
  }
  auto text = exposed_text(path, host ? &*host : nullptr, shown.values);
  if (host) ::explicit_bzero(host->data(), host->size());
  return text;
}

// The files that hold surrogates, each with all credentials that are to stand in it.
Result<void> add_files(const std::vector<CredentialProfile>& credentials, ReadCredentials& out) {
  std::map<std::string, Shown> by_path;
  for (const auto& live : out.live) {
    if (live.aws) continue;
    const auto& profile = profile_of(credentials, live.name);
    for (const auto& path : profile.expose_file) {
      Shown& shown = by_path[path];
      shown.values.push_back({&live, pointer_into(path, profile)});
      shown.where = place_of(profile.origin);
      const bool login = profile.refresh && !live.hosts.empty();
      if (login && place_of_login(profile.source).path == path) shown.logins.push_back(&profile);
    }
  }
  for (const auto& live : out.aws) {
    const auto& profile = profile_of(credentials, live.name);
    for (const auto& path : profile.expose_file) {
      by_path[path].aws.push_back({&live, aws_section(profile)});
      by_path[path].where = place_of(profile.origin);
    }
  }
  for (const auto& [path, shown] : by_path) {
    auto text = file_text(path, shown);
    if (!text) return std::move(text).error().during(shown.where + ": expose");
    out.files.push_back({path, std::move(*text)});
  }
  return {};
}

class Reading {
 public:
  Reading(std::vector<control::NamedValue>& environment, std::vector<std::string>& commands)
      : environment_(environment), commands_(commands), reader_(environment, commands) {}

  // Before anything is read: the helper is to hold no secret that it did not read itself.
  Result<void> start_helper(const std::vector<CredentialProfile>& credentials,
                            const std::function<void()>& forget) {
    std::vector<CredentialProfile> sources;
    for (const auto& credential : credentials) {
      if (credential.type != CredentialType::kAws || !can_be_renewed(credential)) continue;
      out_.renewed.push_back(credential.name);
      sources.push_back(credential);
    }
    for (const auto& credential : credentials) {
      if (credential.type != CredentialType::kValue || !can_be_renewed(credential)) continue;
      const auto number = static_cast<std::uint32_t>(sources.size());
      again_.push_back({credential.name, std::nullopt, number});
      sources.push_back(credential);
    }
    if (sources.empty()) return {};
    auto helper = RenewalHelper::start(sources, environment_, commands_, forget);
    if (!helper) return std::move(helper).error();
    out_.helper = std::move(*helper);
    return {};
  }

  Result<void> read(const CredentialProfile& credential) {
    auto added = added_of(credential);
    if (added) {
      out_.notes.push_back("credential " + shown(credential.name) + " is live for " +
                           credential.hosts.joined());
      return {};
    }
    Error error = std::move(added).error();
    const bool absent = error.code() == Errc::kInvalidProfile;
    if (absent && credential.optional) {
      off_.emplace_back(shown(credential.name), error.what());
      return {};
    }
    if (absent && error.hint().empty()) {
      (void)std::move(error).hint("put it there, or write `optional: true` for a run without it");
    }
    return std::move(error).during(place_of(credential.origin) + ": the credential " +
                                   quoted(credential.name, 80));
  }

  // What has no end needs no helper.
  ReadCredentials take() {
    const bool ends = std::any_of(out_.aws.begin(), out_.aws.end(), [&](const auto& one) {
      return one.expires &&
             std::find(out_.renewed.begin(), out_.renewed.end(), one.name) != out_.renewed.end();
    });
    if (!ends && out_.values.empty()) out_.helper = RenewalHelper();
    add_off_notes(off_, out_.notes);
    return std::move(out_);
  }

 private:
  Result<void> added_of(const CredentialProfile& credential) {
    switch (credential.type) {
      case CredentialType::kAws:
        return add_aws(credential);
      case CredentialType::kOauth:
        return add_login(credential);
      case CredentialType::kValue:
        break;
    }
    return add(credential);
  }

  Result<void> add_login(const CredentialProfile& credential) {
    LoginPlace place = place_of_login(credential.source);
    place.path = reader_.expanded(place.path);
    auto login = read_login_source(credential, place);
    if (!login) return std::move(login).error();
    out_.surrogates.push_back({credential.name, credential.expose_env, login->access.surrogate});
    out_.live.push_back(std::move(login->access));
    std::move(login->shown.begin(), login->shown.end(), std::back_inserter(out_.live));
    if (login->kept) {
      out_.logins.push_back(*std::move(login->kept));
    } else {
      out_.notes.push_back("credential " + shown(credential.name) +
                           " has no refresh token, and lasts as long as its access token");
    }
    return {};
  }

  Result<void> add(const CredentialProfile& credential) {
    auto value = reader_.read(credential);
    if (!value) return std::move(value).error();
    const auto expires = web_token_end(*value);
    auto secret = Secret::take(std::move(*value));
    const std::string source = "(" + shown(credential.source) + ")";
    if (!secret) return std::move(secret).error().during(source);
    auto surrogate = make_surrogate(*secret);
    if (!surrogate) return std::move(surrogate).error().during(source);
    out_.surrogates.push_back({credential.name, credential.expose_env, *surrogate});
    out_.live.push_back({credential.name, credential.hosts, std::move(*secret),
                         std::move(*surrogate), credential.replace_in, credential.attach,
                         credential.exclusive});
    const auto again = std::find_if(again_.begin(), again_.end(), [&](const Renewable& one) {
      return one.name == credential.name;
    });
    if (again == again_.end()) return {};
    out_.values.push_back(*again);
    out_.values.back().expires = expires;
    return {};
  }

  Result<void> add_aws(const CredentialProfile& credential) {
    auto keys = read_aws_source(credential, environment_, commands_);
    if (!keys) return std::move(keys).error();
    if (keys->expires && *keys->expires <= std::chrono::system_clock::now()) {
      return Error(Errc::kInvalidProfile,
                   "its keys have expired at " + aws_time_text(*keys->expires))
          .hint("log in again where they come from");
    }
    auto made = make_aws_credential(credential, std::move(*keys));
    if (!made) return std::move(made).error().during("(" + shown(credential.source) + ")");
    out_.aws.push_back(std::move(made->live));
    std::move(made->parts.begin(), made->parts.end(), std::back_inserter(out_.live));
    std::move(made->surrogates.begin(), made->surrogates.end(),
              std::back_inserter(out_.surrogates));
    return {};
  }

  std::vector<control::NamedValue>& environment_;
  std::vector<std::string>& commands_;
  SourceReader reader_;
  std::vector<std::pair<std::string, std::string>> off_;  // name and reason
  std::vector<Renewable> again_;                          // values that can be read again
  ReadCredentials out_;
};

}  // namespace

Result<ReadCredentials> read_credentials(const std::vector<CredentialProfile>& credentials,
                                         std::vector<control::NamedValue>& environment,
                                         std::vector<std::string>& commands,
                                         const std::function<void()>& forget) {
  const ErasedAtTheEnd erased(environment, commands);
  Reading reading(environment, commands);
  if (auto started = reading.start_helper(credentials, forget); !started) return started.error();
  for (const auto& credential : credentials) {
    if (auto read = reading.read(credential); !read) return std::move(read).error();
  }
  ReadCredentials out = reading.take();
  if (auto files = add_files(credentials, out); !files) return std::move(files).error();
  // Tokens that leave in no request are known by their surrogates alone from here on.
  for (auto& live : out.live) {
    if (live.hosts.empty()) drop_secret(live);
  }
  return out;
}

}  // namespace redoubtful::proxy
