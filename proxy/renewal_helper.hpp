#pragma once

// The helper that reads sources again while the proxy is confined: of AWS keys, and of values that
// may end (a JSON web token does, and what a program prints, a vault holds or a file has may).
//
// A process of its own, forked before any credential was read, that keeps what the proxy gives up:
// it may open files, look names up and run the user's programs. It takes the number of a source,
// and nothing else; so whoever took over the proxy could have keys renewed, which he has anyway. It
// ends with the proxy (parent-death signal, end of the socket), is not dumpable, and holds no
// descriptor but its socket and 0 to 2.

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/child_process.hpp"
#include "common/control_channel.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"
#include "common/unique_fd.hpp"
#include "proxy/aws_keys.hpp"

namespace redoubtful::proxy {

class RenewalHelper {
 public:
  RenewalHelper() = default;

  // `sources`: those that can be read again, in the order of their numbers. `variables`: what none
  // of them needs is erased in the child. `forget`, called there first, erases what the proxy holds
  // already, such as the key of its certificate authority. Errors: kSystemCall.
  static Result<RenewalHelper> start(const std::vector<CredentialProfile>& sources,
                                     std::vector<control::NamedValue>& variables,
                                     const std::vector<std::string>& commands,
                                     const std::function<void()>& forget);

  bool running() const noexcept { return static_cast<bool>(socket_); }
  // SOCK_SEQPACKET: helper_question() out, one packet of kAnswerBytes at most back, to each.
  UniqueFd take_socket() { return std::move(socket_); }

  static constexpr std::size_t kAnswerBytes = 64 * 1024;
  static constexpr std::chrono::seconds kPatience{60};  // longer than the sources' own
  // Of AWS keys; of a value it is as LoginHelper::answer() reads it. Erases the packet. Errors: the
  // source's, as text; kPeerProtocol.
  static Result<FreshAwsKeys> answer(std::string& packet);

 private:
  RenewalHelper(ChildProcess child, UniqueFd socket)
      : child_(std::move(child)), socket_(std::move(socket)) {}

  ChildProcess child_;
  UniqueFd socket_;
};

}  // namespace redoubtful::proxy
