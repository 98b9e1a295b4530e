#pragma once

// Where bwrap, pasta and our own parts are: fixed system directories and the installation itself,
// never the user's PATH, for a repository may put anything there.

#include <string>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::cli {

// Errors: kMissingProgram when it is in none of the system directories, may be changed by others,
// or is set-user-id (bwrap must not be: CVE-2020-5291).
Result<std::string> find_system_program(const std::string& name);

// redoubtful-init, beside this program: <prefix>/lib/redoubtful/. Errors: kMissingProgram.
Result<std::string> find_own_part(const std::string& name);

// What a run starts or believes of our own: this program, <prefix>/lib/redoubtful and
// <prefix>/share/redoubtful, as far as they exist; real paths.
std::vector<std::string> own_parts();

// <prefix>/share/redoubtful, found from /proc/self/exe.
std::string own_data_directory();

}  // namespace redoubtful::cli
