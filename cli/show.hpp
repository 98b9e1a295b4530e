#pragma once

// `redoubtful show`: the merged profile for a person, each value with where it came from, and as
// JSON for programs.
//
// The JSON is an interface: "version" is raised when a key changes its meaning or goes away; keys
// may be added. Every value of the Profile is in it, with its origin. A text that is not UTF-8 (a
// path can be anything) stands as {"hex": "2f78..."} instead of a string.

#include <string>
#include <vector>

#include "common/profile.hpp"

namespace redoubtful::cli {

// The profile with the host's own HTTPS_PROXY where it names no other, as a run would use it;
// without its user and password. `environment`: NAME=VALUE.
Profile with_outer_proxy(Profile profile, const std::vector<std::string>& environment);

// Lines of YAML, origins as comments; safe for a terminal.
std::string show_text(const Profile& profile, const std::vector<std::string>& command);

// Makes `~/` absolute in the files that the proxy opens (`ca`): it has no home directory. For all
// JSON that a redoubtful-proxy may read.
void expand_certificate_files(NetworkProfile& network, const std::string& home);

// One line, with a newline at its end.
std::string show_json(const Profile& profile, const std::vector<std::string>& command);

}  // namespace redoubtful::cli
