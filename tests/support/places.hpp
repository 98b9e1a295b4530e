#pragma once

// Where the programs under test and the tests' own programs are. The latter are found by the place
// of the running test program: tests/run installs them as they lie in the build tree, which the
// ordinary user of the box tests may be unable to enter.

#include <filesystem>
#include <string_view>

namespace redoubtful::test {

// The program under test: $REDOUBTFUL, or the one built beside the tests; and its redoubtful-init.
std::filesystem::path redoubtful_program();
std::filesystem::path init_program();

std::filesystem::path probe_directory();                       // static programs, to run inside
std::filesystem::path support_program(std::string_view name);  // of support/programs, outside

}  // namespace redoubtful::test
