// Writes the compiled filters as C++ arrays into the file named as the only argument.

#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>

#include "cli/seccomp/rules.hpp"

namespace {

using redoubtful::cli::Nesting;

void write_array(std::ofstream& out, const char* name, const std::vector<sock_filter>& program) {
  out << "constexpr sock_filter " << name << "[] = {\n";
  for (const auto& [code, jt, jf, k] : program) {
    out << "    {" << code << ", " << int{jt} << ", " << int{jf} << ", " << k << "U},\n";
  }
  out << "};\n";
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) throw std::runtime_error("expected one argument, the file to write");
  namespace rules = redoubtful::cli::seccomp;
  std::ofstream out(argv[1], std::ios::trunc);
  out << "// Written by cli/seccomp/generate.cpp at build time; the rules are in rules.cpp "
         "there.\n";
  write_array(out, "kCalls", rules::compile_calls(Nesting::kRefused));
  write_array(out, "kCallsNested", rules::compile_calls(Nesting::kAllowed));
  write_array(out, "kArguments", rules::compile_arguments(Nesting::kRefused));
  write_array(out, "kArgumentsNested", rules::compile_arguments(Nesting::kAllowed));
  out.close();
  if (!out) throw std::runtime_error(std::string("cannot write ") + argv[1]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "generating the system-call filters: %s\n", error.what());
  return 1;
}
