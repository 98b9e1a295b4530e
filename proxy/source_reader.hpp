#pragma once

// Reads what a source names: "env:", "file:", "json:", "command:", "keyring:", "vault:".
//
// All are read here, in the proxy, before it confines itself and before a box exists. `env:` values
// come over the control channel: they were in the environment of `redoubtful`, and are in no other
// process's. A command's own output is the only other thing that leaves a program.
//
// Lifetime: refers to what it was made from. Threads: none; it blocks.

#include <string>
#include <vector>

#include "common/control_channel.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::proxy {

class SourceReader {
 public:
  // `variables`: of the user's, by name; `commands`: the environment for programs, NAME=VALUE.
  SourceReader(const std::vector<control::NamedValue>& variables,
               const std::vector<std::string>& commands)
      : variables_(variables), commands_(commands) {}

  // Errors: kInvalidProfile where there is nothing (an unset variable, no file, a program that
  // fails), which an optional credential may go on without; kInvalidSecret and others where what is
  // there must not be used. None holds a value.
  Result<std::string> read(const CredentialProfile& credential) const;

  // "~/x" with HOME in place, where it is known: the command line has done so already.
  std::string expanded(std::string_view path) const;

 private:
  const std::string* variable(std::string_view name) const;
  Result<std::string> read_variable(std::string_view name) const;
  // Of AWS's keys an object is the value, as text.
  Result<std::string> read_pointer(std::string_view place, CredentialType type) const;
  Result<std::string> read_command(const CredentialProfile& credential,
                                   std::string_view text) const;
  Result<std::string> read_keyring(std::string_view attributes) const;
  Result<std::string> read_vault_field(std::string_view place) const;

  const std::vector<control::NamedValue>& variables_;
  const std::vector<std::string>& commands_;
};

}  // namespace redoubtful::proxy
