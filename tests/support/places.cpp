#include "tests/support/places.hpp"

#include <cstdlib>

namespace redoubtful::test {
namespace fs = std::filesystem;
namespace {

fs::path own_program() { return fs::read_symlink("/proc/self/exe"); }

}  // namespace

fs::path redoubtful_program() {
  // Inside a box the variable is "1".
  if (const char* named = std::getenv("REDOUBTFUL"); named != nullptr && *named == '/')
    return named;
  return own_program().parent_path() / "redoubtful";
}

fs::path init_program() {
  return redoubtful_program().parent_path().parent_path() / "lib/redoubtful/redoubtful-init";
}

fs::path probe_directory() { return own_program().parent_path().parent_path() / "probes"; }

fs::path support_program(std::string_view name) {
  return own_program().parent_path().parent_path() / "programs" / name;
}

}  // namespace redoubtful::test
