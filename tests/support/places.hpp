#pragma once

// Where the programs under test and the tests' own programs are: what tests/run installed, named by
// its environment (the ordinary user of the box tests may not enter the checkout), else the build
// tree, for somebody who starts box_tests by hand.

#include <cstdlib>
#include <string>

namespace redoubtful::test {

inline std::string place_or(const char* variable, const char* otherwise) {
  const char* const named = std::getenv(variable);
  return named != nullptr && *named != '\0' ? named : otherwise;
}

// The installed command.
inline std::string redoubtful_program() {
  return place_or("REDOUBTFUL", REDOUBTFUL_BUILD_DIR "/bin/redoubtful");
}

// The first program of the box, as installed beside the command.
inline std::string init_program() {
  return place_or("REDOUBTFUL_PREFIX", REDOUBTFUL_BUILD_DIR) + "/lib/redoubtful/redoubtful-init";
}

// A static program of tests/box/probes, to run inside.
inline std::string probe_program(const std::string& name) {
  return place_or("REDOUBTFUL_PROBES", REDOUBTFUL_BUILD_DIR "/probes") + "/" + name;
}

// A program of tests/support/programs, to run outside.
inline std::string support_program(const std::string& name) {
  return place_or("REDOUBTFUL_PROGRAMS", REDOUBTFUL_BUILD_DIR "/programs") + "/" + name;
}

}  // namespace redoubtful::test
