#include "proxy/renewal_helper.hpp"

#include <string.h>

#include <algorithm>
#include <set>

#include "common/aws.hpp"
#include "proxy/aws_source.hpp"
#include "proxy/helper_link.hpp"
#include "proxy/login_helper.hpp"
#include "proxy/oauth_login.hpp"
#include "proxy/source_reader.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::string_view kName = "the renewal helper";

// Names that a source's text is, or is configured with.
void erase_what_is_not_needed(const std::vector<CredentialProfile>& sources,
                              std::vector<control::NamedValue>& variables) {
  std::set<std::string, std::less<>> needed(kAwsProfileVariables.begin(),
                                            kAwsProfileVariables.end());
  const bool vault = std::any_of(sources.begin(), sources.end(),
                                 [](const auto& one) { return one.source.starts_with("vault:"); });
  for (auto& variable : variables) {
    const bool kept = needed.contains(variable.name) ||
                      (vault && variable.name.starts_with("VAULT_")) || variable.name == "HOME";
    if (kept) continue;
    ::explicit_bzero(variable.value.data(), variable.value.size());
    variable.value.clear();
  }
}

std::string answer_of(const CredentialProfile& source,
                      const std::vector<control::NamedValue>& variables,
                      const std::vector<std::string>& commands) {
  if (source.type == CredentialType::kValue) {
    auto value = SourceReader(variables, commands).read(source);
    if (!value) return error_packet(value.error());
    FreshLogin fresh;
    fresh.expires = web_token_end(*value);
    fresh.access_token = *std::move(value);
    fresh.ours = true;
    return fresh_login_packet(std::move(fresh));
  }
  auto keys = read_aws_source(source, variables, commands);
  if (!keys) return error_packet(keys.error());
  std::string text = aws_keys_text(*keys);
  std::string packet = answer_packet(text);
  ::explicit_bzero(text.data(), text.size());
  return packet;
}

// In the child, until the other end is gone.
int serve(const std::vector<CredentialProfile>& sources,
          std::vector<control::NamedValue>& variables, const std::vector<std::string>& commands,
          int socket) {
  if (!keep_alone(socket)) return 1;
  erase_what_is_not_needed(sources, variables);
  answer_questions(static_cast<std::uint32_t>(sources.size()), [&](std::uint32_t number) {
    return answer_of(sources[number], variables, commands);
  });
  return 0;
}

}  // namespace

Result<RenewalHelper> RenewalHelper::start(const std::vector<CredentialProfile>& sources,
                                           std::vector<control::NamedValue>& variables,
                                           const std::vector<std::string>& commands,
                                           const std::function<void()>& forget) {
  auto sockets = helper_sockets(kName);
  if (!sockets) return std::move(sockets).error();
  auto child = ChildProcess::fork([&]() -> int {
    forget();
    return serve(sources, variables, commands, sockets->theirs.get());
  });
  if (!child) return std::move(child).error().during("starting the renewal helper");
  return RenewalHelper(std::move(*child), std::move(sockets->ours));
}

Result<FreshAwsKeys> RenewalHelper::answer(std::string& packet) {
  const auto content = content_of(packet, kName);
  if (!content) return content.error();
  auto keys = parse_aws_keys(*content);
  ::explicit_bzero(packet.data(), packet.size());
  return keys;
}

}  // namespace redoubtful::proxy
