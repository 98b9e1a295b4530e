#pragma once

// `redoubtful audit`: prints what a session connected, was denied, had injected.

#include <string>

#include "cli/options.hpp"
#include "cli/places.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

struct AuditRequest {
  std::string session;  // or the beginning of its name; empty: the newest
  Format format = Format::kText;
  bool follow = false;  // go on until the session is over
};

// Prints as it reads; returns the exit status. Errors: kInvalidProfile: there is no such log.
Result<int> audit(const Places& places, const AuditRequest& request);

}  // namespace redoubtful::cli
