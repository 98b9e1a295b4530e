#pragma once

// What every connection of a session uses: made once by main, lent to all, gone last.

#include <chrono>
#include <string_view>

#include "proxy/access_token.hpp"
#include "proxy/audit_log.hpp"
#include "proxy/certificate_authority.hpp"
#include "proxy/dialer.hpp"
#include "proxy/injector.hpp"
#include "proxy/policy.hpp"
#include "proxy/response_scrubber.hpp"
#include "proxy/synthetic_names.hpp"
#include "proxy/tls.hpp"

namespace redoubtful::proxy {

struct Services {
  const Policy& policy;
  const Injector& injector;
  AuditLog& audit;
  SyntheticNames& names;
  CertificateAuthority& authority;
  OriginTls& origin_tls;
  Dialer& dialer;
  // What clients of the explicit port must show; null: nobody else can reach that port.
  const AccessToken* token = nullptr;
  SecretsOfHosts secrets = {};
};

// How a connection came in; the audit log's word for it.
enum class Way { kTransparent, kConnect, kAbsoluteForm };
std::string_view way_name(Way way) noexcept;

}  // namespace redoubtful::proxy
