#pragma once

// Puts real credentials in the place of surrogates, on the way out, where they belong. [trusted
// core]
//
// Swapped only: over verified TLS (the permit is of an intercepted connection), for the
// credential's own hosts, on its own surfaces: the known credential header fields (all duplicates;
// Basic is decoded) unless the profile names others. A surrogate anywhere else in a head is refused
// and alarmed: somebody is carrying it where it has no business.
//
// A credential that is not of this session, in a place of one that is, could be an attacker's own
// account on an allowed host. It is taken out; where a credential is `exclusive`, the request is
// refused, and so is one that carries none. Of a body this shows while it is sent: then it is cut
// short (body_swap.hpp).
//
// Keys of AWS are here to be recognised only: what they sign is aws_signer.hpp's.
//
// Bodies are not looked through for surrogates that are on no surface: what leaves is worth
// nothing.

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/control_channel.hpp"
#include "common/profile.hpp"
#include "common/secret.hpp"
#include "proxy/body_swap.hpp"
#include "proxy/message.hpp"
#include "proxy/policy.hpp"
#include "proxy/websocket_swap.hpp"

namespace redoubtful::proxy {

// A credential that is live in this session.
struct LiveCredential {
  std::string name;
  CredentialPlaces hosts;
  Secret secret;
  std::string surrogate;
  std::vector<Surface> surfaces{};  // empty: the known header fields
  std::optional<Attachment> attach{};
  bool exclusive = false;
  // A part of AWS's keys: nothing is put in, and its surfaces, where it may stand, are exactly
  // those listed.
  bool aws = false;
  // What the surrogate stood for before it was renewed: put in no more, scrubbed as before. The
  // newest kRetired.
  std::vector<Secret> retired{};

  static constexpr std::size_t kRetired = 4;
};

// What was done to a request.
struct Injection {
  std::vector<std::string> names;    // of the credentials that were put in
  std::vector<std::string> removed;  // where another's was taken out: "the field authorization"
  std::unique_ptr<FieldSwap> body;   // null: the body passes as it is
  // Null: what the client sends over the WebSocket passes as it is.
  std::unique_ptr<WebSocketSwap> frames;
};

class Injector {
 public:
  explicit Injector(std::vector<LiveCredential> credentials);

  // Changes `head` only when it is not denied. Denial: kCredential, which the caller audits as an
  // alarm; kCredentialMissing for a request to an exclusive credential's host that carries none.
  // The Injection's body filter refers to this object.
  std::variant<Injection, Denial> inject(const RequestPermit& permit, Handling handling,
                                         RequestHead& head) const;

  // The credential whose surrogate stands somewhere in the text, or null. For what is not injected
  // into: plain HTTP, denied hosts, trailers.
  const LiveCredential* surrogate_in(std::string_view text) const;
  const LiveCredential* surrogate_in(const RequestHead& head) const;

  // A part of AWS's keys has a new value, the first that has this surrogate; or there is one more.
  // What is under way keeps none of the old. Not for others.
  void renew(LiveCredential credential);
  // The surrogate stands for another value from now on.
  void renew(std::string_view surrogate, Secret secret);
  // Erases every secret, for a process that is to know none (login_helper.hpp).
  void forget() noexcept { credentials_.clear(); }

  // References to what is in it hold as long as it does.
  const std::deque<LiveCredential>& credentials() const noexcept { return credentials_; }
  bool empty() const noexcept { return credentials_.empty(); }
  bool has_credentials(const Host& host) const;  // on whichever port

 private:
  std::deque<LiveCredential> credentials_;
};

}  // namespace redoubtful::proxy
