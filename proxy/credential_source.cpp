#include "proxy/credential_source.hpp"

#include <string.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "common/text.hpp"
#include "proxy/exposed_file.hpp"
#include "proxy/rule_text.hpp"
#include "proxy/secret_file.hpp"
#include "proxy/source_reader.hpp"
#include "proxy/surrogate.hpp"

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

std::string host_list(const std::vector<Host>& hosts) {
  std::string out;
  for (const auto& host : hosts) out += (out.empty() ? "" : ", ") + host.text();
  return out;
}

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

// The JSON pointer of a source that is the file itself.
std::string pointer_into(const std::string& path, const std::string& source) {
  const std::string prefix = "json:" + path + "#";
  return source.starts_with(prefix) ? source.substr(prefix.size()) : std::string();
}

// The files that hold surrogates, each with all credentials that are to stand in it.
Result<void> add_files(const std::vector<CredentialProfile>& credentials, ReadCredentials& out) {
  std::map<std::string, std::vector<Exposed>> by_path;
  std::map<std::string, std::string> where;
  for (const auto& live : out.live) {
    const auto profile = std::find_if(credentials.begin(), credentials.end(),
                                      [&](const auto& one) { return one.name == live.name; });
    for (const auto& path : profile->expose_file) {
      by_path[path].push_back({&live, pointer_into(path, profile->source)});
      where[path] = place_of(profile->origin);
    }
  }
  for (const auto& [path, exposed] : by_path) {
    auto host = read_secret_file(path, FilePrivacy::kAny);
    if (!host && host.error().system_errno() != ENOENT && host.error().system_errno() != ENOTDIR) {
      return std::move(host).error().during(where[path] + ": expose");
    }
    auto text = exposed_text(path, host ? &*host : nullptr, exposed);
    if (host) ::explicit_bzero(host->data(), host->size());
    if (!text) return std::move(text).error().during(where[path] + ": expose");
    out.files.push_back({path, std::move(*text)});
  }
  return {};
}

}  // namespace

Result<ReadCredentials> read_credentials(const std::vector<CredentialProfile>& credentials,
                                         std::vector<control::NamedValue>& environment,
                                         std::vector<std::string>& commands) {
  const ErasedAtTheEnd erased(environment, commands);
  const SourceReader reader(environment, commands);
  ReadCredentials out;
  std::vector<std::pair<std::string, std::string>> off;
  for (const auto& credential : credentials) {
    const std::string who =
        place_of(credential.origin) + ": the credential " + quoted(credential.name, 80);
    const std::string name = shown(credential.name);
    auto value = reader.read(credential);
    if (!value) {
      const bool absent = value.error().code() == Errc::kInvalidProfile;
      if (absent && credential.optional) {
        off.emplace_back(name, value.error().what());
        continue;
      }
      Error error = std::move(value).error();
      if (absent && error.hint().empty()) {
        (void)std::move(error).hint("put it there, or write `optional: true` for a run without it");
      }
      return std::move(error).during(who);
    }
    auto secret = Secret::take(std::move(*value));
    if (!secret)
      return std::move(secret).error().during(who + " (" + shown(credential.source) + ")");
    auto surrogate = make_surrogate(*secret);
    if (!surrogate) {
      return std::move(surrogate).error().during(who + " (" + shown(credential.source) + ")");
    }
    out.notes.push_back("credential " + name + " is live for " + host_list(credential.hosts));
    out.surrogates.push_back({credential.name, credential.expose_env, *surrogate});
    out.live.push_back({credential.name, credential.hosts, std::move(*secret),
                        std::move(*surrogate), credential.replace_in, credential.attach,
                        credential.exclusive});
  }
  add_off_notes(off, out.notes);
  if (auto files = add_files(credentials, out); !files) return std::move(files).error();
  return out;
}

}  // namespace redoubtful::proxy
