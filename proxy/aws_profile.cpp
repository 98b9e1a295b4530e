#include "proxy/aws_profile.hpp"

#include <string.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>

#include "common/text.hpp"

namespace redoubtful::proxy {
namespace {

// "key = value". Some of them are secrets: erased at the end.
struct Section {
  std::map<std::string, std::string, std::less<>> values;

  Section() = default;
  Section(const Section&) = default;
  Section& operator=(const Section&) = delete;
  ~Section() {
    for (auto& [key, value] : values) ::explicit_bzero(value.data(), value.size());
  }
};

Error missing(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t\r");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

void for_each_line(std::string_view text, const std::function<void(std::string_view)>& use) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    use(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool is_comment(std::string_view line) { return line.starts_with('#') || line.starts_with(';'); }
bool is_indented(std::string_view line) { return line.starts_with(' ') || line.starts_with('\t'); }

// "[profile my name]" → "profile my name"; nothing when it is no section.
std::string_view section_name(std::string_view line) {
  if (!line.starts_with('[')) return {};
  const std::size_t end = line.find(']');
  return end == std::string_view::npos ? std::string_view() : trimmed(line.substr(1, end - 1));
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// "profile NAME" in words, quotes taken off.
bool names(std::string_view section, std::string_view kind, std::string_view name) {
  if (!section.starts_with(kind)) return false;
  std::string_view rest = section.substr(kind.size());
  if (!is_indented(rest)) return false;
  rest = trimmed(rest);
  const bool quotes = rest.size() >= 2 && (rest.front() == '"' || rest.front() == '\'') &&
                      rest.front() == rest.back();
  return (quotes ? rest.substr(1, rest.size() - 2) : rest) == name;
}

// All sections that `wanted` says yes to, as one. Nothing: there is none.
std::optional<Section> read_section(std::string_view text,
                                    const std::function<bool(std::string_view)>& wanted) {
  std::optional<Section> out;
  bool inside = false;
  for_each_line(text, [&](std::string_view line) {
    if (is_comment(line) || is_indented(line)) return;
    if (line.starts_with('[')) {
      inside = wanted(section_name(line));
      if (inside && !out) out.emplace();
      return;
    }
    const std::size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos) return;
    out->values[lower(trimmed(line.substr(0, equals)))] = trimmed(line.substr(equals + 1));
  });
  return out;
}

std::string value_of(const Section& section, std::string_view key) {
  const auto found = section.values.find(key);
  return found == section.values.end() ? std::string() : found->second;
}

bool take_static(const Section& section, AwsProfile& out) {
  out.keys.key_id = value_of(section, "aws_access_key_id");
  out.keys.secret = value_of(section, "aws_secret_access_key");
  out.keys.session_token = value_of(section, "aws_session_token");
  if (out.keys.session_token.empty()) {
    out.keys.session_token = value_of(section, "aws_security_token");
  }
  out.kind = AwsProfile::Kind::kStatic;
  return !out.keys.key_id.empty();
}

Result<AwsSsoLogin> sso_of(const Section& profile, std::string_view config,
                           const std::string& who) {
  AwsSsoLogin out{value_of(profile, "sso_start_url"), value_of(profile, "sso_region"),
                  value_of(profile, "sso_account_id"), value_of(profile, "sso_role_name")};
  if (const std::string session = value_of(profile, "sso_session"); !session.empty()) {
    const auto found = read_section(
        config, [&](std::string_view section) { return names(section, "sso-session", session); });
    if (!found) {
      return missing(who + " names the sso-session " + quoted(session, 80) +
                     ", which is not there");
    }
    out.cache_key = session;
    out.region = value_of(*found, "sso_region");
  }
  if (out.cache_key.empty() || out.region.empty() || out.account.empty() || out.role.empty()) {
    return missing(who +
                   " has only a part of what SSO needs: sso_session or sso_start_url and "
                   "sso_region, sso_account_id, sso_role_name")
        .hint("`aws configure sso` writes all of it");
  }
  return out;
}

// What says where keys come from: another program would follow it inside, and find nothing.
bool tells_of_keys(std::string_view key) {
  constexpr std::array kKeys{
      std::string_view("credential_process"), std::string_view("credential_source"),
      std::string_view("role_arn"),           std::string_view("source_profile"),
      std::string_view("external_id"),        std::string_view("mfa_serial"),
      std::string_view("role_session_name"),  std::string_view("duration_seconds"),
      std::string_view("login_session")};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end() || key.starts_with("sso_") ||
         key.starts_with("aws_") || key.starts_with("web_identity_") ||
         key.find("secret") != std::string_view::npos ||
         key.find("token") != std::string_view::npos ||
         key.find("password") != std::string_view::npos;
}

}  // namespace

Result<AwsProfile> find_aws_profile(std::string_view config, std::string_view credentials,
                                    std::string_view name) {
  const auto configured = read_section(config, [&](std::string_view section) {
    return names(section, "profile", name) || (name == "default" && section == "default");
  });
  const auto held =
      read_section(credentials, [&](std::string_view section) { return section == name; });
  const std::string who = "the AWS profile " + quoted(name, 80);
  if (!configured && !held) {
    return missing(who + " is neither in ~/.aws/config nor in ~/.aws/credentials")
        .hint("`aws configure list-profiles` prints those that are");
  }
  Section all = configured ? *configured : Section();
  if (held) {
    for (const auto& [key, value] : held->values) all.values.insert_or_assign(key, value);
  }
  AwsProfile out;
  if (!value_of(all, "role_arn").empty()) {
    return missing(who + " assumes a role, which is not done here")
        .hint(
            "let AWS's own program do it: source: \"command:aws configure export-credentials "
            "--profile " +
            shown(name) + "\"");
  }
  if (!value_of(all, "sso_session").empty() || !value_of(all, "sso_start_url").empty()) {
    auto sso = sso_of(all, config, who);
    if (!sso) return std::move(sso).error();
    out.kind = AwsProfile::Kind::kSso;
    out.sso = std::move(*sso);
    return out;
  }
  if (held && take_static(*held, out)) return out;
  if (auto process = value_of(all, "credential_process"); !process.empty()) {
    out.kind = AwsProfile::Kind::kProcess;
    out.process = std::move(process);
    return out;
  }
  if (configured && take_static(*configured, out)) return out;
  return missing(who + " has no keys: no aws_access_key_id, credential_process or SSO")
      .hint("`aws configure --profile " + shown(name) + "` asks for keys");
}

std::string config_without_keys(std::string_view config) {
  std::string out;
  bool kept = false;
  for_each_line(config, [&](std::string_view line) {
    if (is_comment(line) || trimmed(line).empty()) return;
    if (line.starts_with('[')) {
      kept = !section_name(line).empty() && !section_name(line).starts_with("sso-session");
    } else if (!is_indented(line)) {
      const std::string key = lower(trimmed(line.substr(0, line.find('='))));
      if (!kept || line.find('=') == std::string_view::npos || tells_of_keys(key)) return;
    } else if (!kept || tells_of_keys(lower(trimmed(line.substr(0, line.find('=')))))) {
      return;
    }
    if (line.starts_with('[') && !kept) return;
    out.append(line).append("\n");
  });
  return out;
}

std::vector<std::string> process_words(std::string_view text) {
  std::vector<std::string> out;
  std::optional<std::string> word;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool escapes = c == '\\' && quote != '\'' && i + 1 < text.size();
    if (escapes && (quote == 0 || text[i + 1] == '"' || text[i + 1] == '\\')) {
      word = word.value_or("") + text[++i];
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
      word = word.value_or("");
    } else if (quote == 0 && (c == ' ' || c == '\t')) {
      if (word) out.push_back(*std::move(word));
      word.reset();
    } else {
      word = word.value_or("") + c;
    }
  }
  if (quote != 0) return {};
  if (word) out.push_back(*std::move(word));
  return out;
}

}  // namespace redoubtful::proxy
