#include "proxy/renewal_helper.hpp"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "common/aws.hpp"
#include "proxy/aws_source.hpp"

namespace redoubtful::proxy {
namespace {

constexpr int kSocket = 3;
constexpr char kKeys = 'k';
constexpr char kError = 'e';
constexpr std::size_t kMaxErrorBytes = 2000;

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
  auto keys = read_aws_source(source, variables, commands);
  if (keys) return kKeys + aws_keys_text(*keys);
  std::string text = keys.error().what();
  if (!keys.error().hint().empty()) text += "; " + keys.error().hint();
  return kError + text.substr(0, kMaxErrorBytes);
}

// In the child, until the other end is gone.
int serve(const std::vector<CredentialProfile>& sources,
          std::vector<control::NamedValue>& variables, const std::vector<std::string>& commands,
          int socket) {
  if (socket != kSocket && ::dup2(socket, kSocket) < 0) return 1;
  if (::close_range(kSocket + 1, ~0U, 0) != 0) return 1;
  erase_what_is_not_needed(sources, variables);
  for (;;) {
    std::uint32_t number = 0;
    const ssize_t got = ::recv(kSocket, &number, sizeof number, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got != sizeof number || number >= sources.size()) return 0;
    std::string packet = answer_of(sources[number], variables, commands);
    const ssize_t sent = ::send(kSocket, packet.data(), packet.size(), MSG_NOSIGNAL);
    ::explicit_bzero(packet.data(), packet.size());
    if (sent < 0) return 0;
  }
}

}  // namespace

Result<RenewalHelper> RenewalHelper::start(const std::vector<CredentialProfile>& sources,
                                           std::vector<control::NamedValue>& variables,
                                           const std::vector<std::string>& commands,
                                           const std::function<void()>& forget) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::system_call("cannot make the renewal helper's socket", errno);
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  auto child = ChildProcess::fork([&]() -> int {
    forget();
    return serve(sources, variables, commands, theirs.get());
  });
  if (!child) return std::move(child).error().during("starting the renewal helper");
  return RenewalHelper(std::move(*child), std::move(ours));
}

Result<FreshAwsKeys> RenewalHelper::answer(std::string& packet) {
  const std::string_view text = packet;
  if (text.starts_with(kError)) {
    return Error(Errc::kInvalidProfile, std::string(text.substr(1, kMaxErrorBytes)));
  }
  if (!text.starts_with(kKeys)) {
    return Error(Errc::kPeerProtocol, "the renewal helper is gone");
  }
  auto keys = parse_aws_keys(text.substr(1));
  ::explicit_bzero(packet.data(), packet.size());
  return keys;
}

}  // namespace redoubtful::proxy
