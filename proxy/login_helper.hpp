#pragma once

// The process that renews logins while the proxy is confined.
//
// Forked once the box is under way, and only where a login can be renewed. It forgets every secret
// that the proxy holds, and is confined like it, but for what it is for: it may write in the
// directories of the login files (and make Claude's lock beside one), and connects to their token
// endpoints. Refresh tokens are in this process alone, and only while one is used.
//
// It takes the number of a login, and nothing else. So whoever took over the proxy gets what he has
// anyway: that login's next access token, and not more often than a login is renewed.
//
// It ends with the proxy, by the end of its socket and by no signal: who dies between the
// endpoint's answer and the file logs the user out. What is under way is finished first (a minute
// at most).

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"
#include "proxy/confinement.hpp"
#include "proxy/login_keeper.hpp"
#include "proxy/token_endpoint.hpp"

namespace redoubtful::proxy {

// Where it may write.
std::vector<WritableFolder> folders_of(const std::vector<KeptLogin>& logins);

class LoginHelper {
 public:
  // `access` is used in the child, of which `forget` is the first thing that is called. The logins'
  // numbers are their places in the list. The socket is SOCK_SEQPACKET: helper_question() out, one
  // packet of kAnswerBytes at most back, to each. Errors: kSystemCall.
  static Result<UniqueFd> start(const std::vector<KeptLogin>& logins, const EndpointAccess& access,
                                const std::function<void()>& forget);

  static constexpr std::size_t kAnswerBytes = 48 * 1024;
  // Longer than its own patience with locks and endpoint together.
  static constexpr std::chrono::seconds kPatience{120};
  // Erases the packet. Errors: the helper's, as text; kPeerProtocol.
  static Result<FreshLogin> answer(std::string& packet);
};

// What the child answers with, and answer() reads. Erases the token.
std::string fresh_login_packet(Result<FreshLogin> login);

}  // namespace redoubtful::proxy
