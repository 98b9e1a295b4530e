#pragma once

// `redoubtful init`: a commented .redoubtful.yaml for the project, from what it looks like.

#include <string>
#include <vector>

#include "cli/places.hpp"
#include "cli/project_look.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

// The text. `tracked`: which of the secret-looking files git tracks, and which can therefore not be
// hidden. Pure.
std::string project_profile_text(const ProjectLook& look, const std::vector<std::string>& tracked);

// Writes it at the project's top and returns what to say. Errors: kInvalidProfile: there is one
// already; kInvalidMount; kSystemCall.
Result<std::string> write_project_profile(const Places& places, const std::string& directory);

}  // namespace redoubtful::cli
