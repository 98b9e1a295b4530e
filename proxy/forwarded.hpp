#pragma once

// A request that was permitted, on its way, and what becomes of its answer. [trusted core]
//
// Decides nothing: the gates (checkpoint.hpp) did. Sees to it that what was decided for the head
// holds for trailers, that answers name the host that the client knows and no real value, and that
// the audit log has each request once.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/body_swap.hpp"
#include "proxy/checkpoint.hpp"

namespace redoubtful::proxy {

// Header fields that would choose another method or path at the origin, where rules limit these.
struct Overrides {
  bool method = false;  // these are dropped
  bool path = false;

  void drop_from(Fields& fields) const;
};

// A target without its query.
std::string_view path_of(std::string_view target);

// A signature of AWS's that was made anew. Origins repeat it where they refuse or redirect.
struct NewSignature {
  std::string made;
  std::string clients;  // what the box sees in its place
};

// A login that was put in, which can be renewed (login_renewal.hpp).
struct UsedLogin {
  std::string name;
  std::uint64_t generation = 0;
  // As it was before, for another try; nothing where the body is changed on the way.
  std::optional<RequestHead> head{};
};

// What goes with the head.
struct Carriage {
  std::unique_ptr<BodyFilter> body{};            // null: it passes as it is
  std::unique_ptr<FieldSwap> fields{};           // the same; in its place
  std::unique_ptr<WebSocketSwap> frames{};       // null: they pass as they are
  std::shared_ptr<const HostSecrets> secrets{};  // null: of a host without credentials
  std::optional<AwsSigning> signing{};           // to be signed when its body is known
  std::optional<NewSignature> signature{};
  std::optional<UsedLogin> login{};
};

// For the audit log: it was signed anew.
void record_signing(AuditLog& audit, const AwsSigning& signing, const Admission& admission,
                    const RequestHead& head);

// For the audit log: somebody else's credential was taken out.
void record_removal(AuditLog& audit, std::string_view where, const Admission& admission,
                    const RequestHead& head);

// For the audit log: what was put in, and taken out.
void record_injection(AuditLog& audit, const Injection& injection, const Admission& admission,
                      const RequestHead& head);

// A 401 says that a login has ended, or was withdrawn: it is renewed. A request of HTTP/1 whose
// body was kept (up to limits::kRepeatedBody) is then sent once more, and the client sees the
// second answer alone: it was refused before anything was done, so that this is safe whatever its
// method. A longer one's 401 goes through, as those of HTTP/2 do, and so does the second; the next
// request has the new token. `services` must outlive it.
std::unique_ptr<AdmittedExchange> forwarded(Services& services, const Admission& admission,
                                            RequestHead head, const RequestPermit& permit,
                                            Overrides overrides, Carriage carriage, Way way);

}  // namespace redoubtful::proxy
