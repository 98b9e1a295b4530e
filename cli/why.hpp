#pragma once

// `redoubtful why`: would a run with these options reach this host or URL, which rule says so, and
// does it answer?
//
// The proxy of such a run is started and asked, so that the verdict and its words are those that a
// client inside would get. It is given no credential, and it sends no request.

#include <string>

#include "cli/places.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// Prints the steps. Returns 0 where a GET would be sent and the origin answers, else 1. Errors: the
// proxy cannot be started.
Result<int> why(const Places& places, Profile profile, const std::string& target);

}  // namespace redoubtful::cli
