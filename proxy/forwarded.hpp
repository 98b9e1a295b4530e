#pragma once

// A request that was permitted, on its way, and what becomes of its answer. [trusted core]
//
// Decides nothing: the gates (checkpoint.hpp) did. Sees to it that what was decided for the head
// holds for trailers, that answers name the host that the client knows and no real value, and that
// the audit log has each request once.

#include <memory>
#include <string_view>

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

// `services` must outlive it. `body` may be null, and `secrets` is for a host without credentials.
std::unique_ptr<AdmittedExchange> forwarded(Services& services, const Admission& admission,
                                            RequestHead head, const RequestPermit& permit,
                                            Overrides overrides, std::unique_ptr<BodyFilter> body,
                                            std::shared_ptr<const HostSecrets> secrets);

}  // namespace redoubtful::proxy
