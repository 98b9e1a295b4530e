#pragma once

// What every connection of a session uses: made once by main, lent to all, gone last.

#include <chrono>
#include <string_view>

#include "proxy/access_token.hpp"
#include "proxy/audit_log.hpp"
#include "proxy/aws_signer.hpp"
#include "proxy/certificate_authority.hpp"
#include "proxy/dialer.hpp"
#include "proxy/injector.hpp"
#include "proxy/login_renewal.hpp"
#include "proxy/origin_pool.hpp"
#include "proxy/policy.hpp"
#include "proxy/renewal.hpp"
#include "proxy/response_scrubber.hpp"
#include "proxy/synthetic_names.hpp"
#include "proxy/tls.hpp"

namespace redoubtful::proxy {

struct Services {
  const Policy& policy;
  const Injector& injector;
  const AwsSigner& signer;
  AuditLog& audit;
  SyntheticNames& names;
  CertificateAuthority& authority;
  OriginTls& origin_tls;
  Dialer& dialer;
  // What clients of the explicit port must show; null: nobody else can reach that port.
  const AccessToken* token = nullptr;
  Renewal* renewal = nullptr;      // null: nothing ends, or nothing can be renewed
  LoginRenewal* logins = nullptr;  // null: the same, of logins
  SecretsOfHosts secrets = {};
  OriginPool pool = {};
  // Of bodies that wait to be signed for, and of those that may be sent again; all together.
  std::size_t held_bytes = 0;
};

// How a connection came in; the audit log's word for it.
enum class Way { kTransparent, kConnect, kAbsoluteForm };
std::string_view way_name(Way way) noexcept;

}  // namespace redoubtful::proxy
