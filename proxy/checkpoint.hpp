#pragma once

// The Gates: who judges the requests of a connection. [trusted core]
//
// One pipeline for all ways in: canonical target, agreement of every name, policy, credential. What
// is not sent exactly as it was judged does not leave here.

#include <memory>
#include <string>
#include <variant>

#include "proxy/message.hpp"
#include "proxy/services.hpp"

namespace redoubtful::proxy {

// What the Gate needs to know of an exchange to connect it: whose connection it goes on.
class AdmittedExchange : public Exchange {
 public:
  virtual const Admission& admission() const = 0;
};

// Of a connection that was admitted: every request must be for that very host and port.
std::unique_ptr<Gate> connection_gate(Services& services, Admission admission, Way way);

// Of the explicit proxy port: each request says by itself where it goes (http:// only). The
// exchanges that it opens are AdmittedExchanges of kPlainHttp. Where there is a token each request
// must show it.
std::unique_ptr<Gate> forward_gate(Services& services, const AccessToken* token);

// Of a connection that others' rules led here (standalone.hpp): each request says by its Host where
// it goes, on the port that the connection was made to (http:// only).
std::unique_ptr<Gate> redirected_gate(Services& services, Port dialled);

// Gates that answer every request themselves.
class AnsweringGate : public Gate {
 public:
  // The client is gone, after its requests or before the first.
  virtual void ended() {}
};

// Of a connection that is denied as a whole: every request is answered with that denial, and where
// none came (a client that trusts no certificate of ours, or gave up) the connection is what the
// audit log shows as denied.
std::unique_ptr<AnsweringGate> denied_gate(Services& services, Denial denial, Way way);

// Of a connection whose origin could not be reached.
std::unique_ptr<AnsweringGate> failed_gate(Services& services, Admission admission,
                                           DialFailure failure, Way way);

// Of http(s)://redoubtful.internal/: /policy and /why?url=…, from the policy alone.
std::unique_ptr<AnsweringGate> internal_gate(Services& services);
inline constexpr std::string_view kInternalHost = "redoubtful.internal";

}  // namespace redoubtful::proxy
