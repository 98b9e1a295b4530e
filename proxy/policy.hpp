#pragma once

// Decides which origins the agent may reach, and how. [trusted core]
//
// This is the one place that says yes. It is pure: no I/O, no clock, no logging. What allow, ask
// and deny mean is common/network_rules; this adds what the proxy knows besides: how a connection
// is carried, what a name resolved to, and the words of a refusal. Anything not admitted is denied.
//
//     connection to api.example.com:443   admit()   -> Admission
//     DNS answer 203.0.113.7              vet()     -> Endpoint        the only thing dial()
//     accepts POST /v1/messages                   permit()  -> RequestPermit   the only thing a
//     Gate sends
//
// None of the three can be built outside Policy, so "we forgot to check" does not compile. vet()
// judges the address we are about to dial, not the name, which is what stops DNS rebinding.
//
// Lifetime: immutable, shared by const reference; everything else copies what it needs from it.

#include <boost/asio/ip/address.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.hpp"
#include "common/host.hpp"
#include "common/network_rules.hpp"
#include "common/profile.hpp"
#include "proxy/public_address.hpp"

namespace redoubtful::proxy {

// Why something was refused. Names are stable: they are in the audit log and in Proxy-Status.
enum class DenyReason {
  kNoMatchingRule,     // default deny
  kExplicitDeny,       // a deny rule matched; it wins over any allow
  kAskedNobody,        // an ask rule matched, and there is nobody to ask
  kPortNotAllowed,     // the host is allowed, this port is not
  kSchemeNotAllowed,   // plain HTTP, or TLS, where only the other is allowed
  kIpLiteral,          // a bare address that no rule names
  kInvalidName,        // not a host name at all
  kNonPublicAddress,   // resolves to loopback, link-local, private, metadata or own addresses
  kNameNotIndicated,   // TLS without SNI, or with an encrypted one
  kNameMismatch,       // SNI, Host, :authority and the dialled name disagree: 421
  kMethodOrPath,       // the host is allowed, not this method or path
  kBadTarget,          // a request target that has no single meaning
  kMalformed,          // not HTTP, not TLS, ambiguous framing
  kCredential,         // a credential on its way to where it does not belong
  kCredentialMissing,  // the host is reached with a credential only, and there is none: 401
  kAwsSignature,       // a request to AWS that cannot, or may not, be signed anew
  kCredentialExpired,  // the credential that would be put in has ended: 503
  kNoToken,            // a client of a standalone proxy that did not show its token
  kUnvetted,           // behind an outer proxy, where what it leads to cannot be looked at
  kLimit,              // too many connections, names …
};
// "no_matching_rule" …
std::string_view deny_reason_name(DenyReason reason) noexcept;

struct Denial {
  DenyReason reason = DenyReason::kNoMatchingRule;
  std::string
      target;        // "host", "host:port" or an URL without query, for people; already quoted-safe
  std::string rule;  // the rule that decided, as written; empty for the default
  std::string place;   // "file.yaml:12", "command line (--deny x)"; empty for the default
  std::string detail;  // one more fact in plain words, or empty
  std::string remedy;  // a rule for `redoubtful allow`; empty where allowing does not help
};

// What the first bytes of a connection showed.
enum class Carried {
  kTls,     // a ClientHello
  kHttp,    // a request line
  kOpaque,  // nothing was looked at
};

// How an admitted connection is handled.
enum class Handling {
  kIntercept,  // TLS opened here, each request judged by permit()
  kPlainHttp,  // requests judged, no credential
  kSplice,     // TLS passed through by its SNI, unchecked
  kTunnel,     // opaque bytes: tcp:// and ssh:// rules
};

class Admission {
 public:
  const Host& host() const noexcept { return host_; }
  Port port() const noexcept { return port_; }
  Handling handling() const noexcept { return handling_; }
  const std::string& rule() const noexcept { return rule_; }    // as written
  const std::string& place() const noexcept { return place_; }  // file:line
  // "host", or "host:port" where the port is not the scheme's own.
  std::string authority() const;

 private:
  friend class Policy;
  Admission(Host host, Port port, Handling handling, std::string rule, std::string place,
            std::vector<std::string> private_ranges);

  Host host_;
  Port port_;
  Handling handling_;
  std::string rule_;
  std::string place_;
  std::vector<std::string> private_ranges_;
};

class Endpoint {
 public:
  const boost::asio::ip::address& address() const noexcept { return address_; }
  Port port() const noexcept { return port_; }

 private:
  friend class Policy;
  Endpoint(boost::asio::ip::address address, Port port) : address_(address), port_(port) {}

  boost::asio::ip::address address_;
  Port port_;
};

// Leave to send one request. Move-only.
class RequestPermit {
 public:
  RequestPermit(RequestPermit&&) noexcept = default;
  RequestPermit& operator=(RequestPermit&&) noexcept = default;
  const Host& host() const noexcept { return host_; }
  Port port() const noexcept { return port_; }
  const std::string& target() const noexcept { return target_; }  // canonical, with the query
  const std::string& rule() const noexcept { return rule_; }
  const std::string& place() const noexcept { return place_; }
  // Rules for the host name methods, or paths, so that headers which change them must not pass.
  bool method_limited() const noexcept { return limited_.method; }
  bool path_limited() const noexcept { return limited_.path; }

 private:
  friend class Policy;
  struct Limited {
    bool method = false;
    bool path = false;
  };
  RequestPermit(Host host, Port port, std::string target, std::string rule, std::string place,
                Limited limited)
      : host_(std::move(host)),
        port_(port),
        target_(std::move(target)),
        rule_(std::move(rule)),
        place_(std::move(place)),
        limited_(limited) {}

  Host host_;
  Port port_;
  std::string target_;
  std::string rule_;
  std::string place_;
  Limited limited_;
};

class Policy {
 public:
  // `own_addresses`: of the host's interfaces, which no name may resolve to.
  // With "dangerously-open" nothing is to come through a proxy; what does is judged as "filtered".
  Policy(NetworkProfile network, std::vector<boost::asio::ip::address> own_addresses);

  // May the agent open a connection to this name and port, given what it carries? Asked before any
  // lookup, so that a refused name is never resolved (names can carry data out). Where it is to be
  // intercepted this says that some request may be allowed; permit() judges each. What is neither
  // of https nor http rules, but of a tcp:// or ssh:// rule, is a tunnel whatever it carries.
  std::variant<Admission, Denial> admit(const Host& host, Port port, Carried carried) const;

  // Do only tcp:// or ssh:// rules speak of this host and port, so that nothing is peeked at (in
  // many protocols the server speaks first)?
  bool opaque(const Host& host, Port port) const;

  // May the admitted connection use this address? It must be public (public_address.hpp) and none
  // of this host's own, or within the `private` ranges of the rule that admitted the connection.
  std::variant<Endpoint, Denial> vet(const Admission& admission,
                                     const boost::asio::ip::address& address) const;

  // The address that `network.origins` names for the host, if it does. Not subject to vet(): the
  // user wrote it. `port` is the connection's, where the override names none.
  std::optional<Endpoint> override_of(const Admission& admission) const;
  // Leave to reach the gateway that `network.origins` names (`via`) in the admitted host's place,
  // to be dialled and verified under its own name; how requests are mapped is gateway.hpp. The user
  // wrote it, so it may have any address. Only an intercepted connection has one: what is not
  // opened cannot be mapped, and goes to the host itself.
  std::optional<Admission> gateway_of(const Admission& admission) const;
  // Its other settings; null when there are none. Valid as long as the Policy.
  const OriginOverride* settings_of(const Host& host) const;

  // May this request be sent? `raw_target` is in origin form as it came; it is made canonical here
  // (target.hpp), judged, and carried by the permit.
  // Precondition: handling() is kIntercept or kPlainHttp.
  std::variant<RequestPermit, Denial> permit(const Admission& admission, std::string_view method,
                                             std::string_view raw_target) const;

  // As it is judged: the globs of `paths` are in the form of comparable_glob().
  const NetworkProfile& network() const noexcept { return network_; }

 private:
  std::variant<Admission, Denial> admit_tunnel(const Host& host, Port port) const;
  std::variant<Admission, Denial> admit_seen(const Host& host, Port port, Scheme scheme) const;
  std::variant<Admission, Denial> admission(const Host& host, Port port, Handling handling,
                                            const Sourced<HostRule>* rule) const;
  std::optional<Denial> unreadable_origin(const Host& host, Port port) const;
  Denial denial(DenyReason reason, const Host& host, Port port,
                const Sourced<HostRule>* rule) const;
  // Why no allow rule holds: the one nearest to it says most.
  Denial not_allowed(const Host& host, Port port, Scheme scheme) const;

  NetworkProfile network_;
  std::vector<boost::asio::ip::address> own_addresses_;
};

}  // namespace redoubtful::proxy
