#pragma once

// What a project says it needs, as far as that may be believed.
//
// A project is the agent's to write: a remote, a package.json. So it only picks from fixed lists:
// the built-in toolchain profiles (node, python, rust, go, java) and well-known public forges. Any
// other host that a git remote names is told to the person, with the command that allows it, and
// opens nothing. Files that look as if they held secrets are told of once; nothing is read of them.
//
// Not promised: a look below the top of the worktree and the working directory.

#include <string>
#include <string_view>
#include <vector>

#include "cli/places.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

struct ProjectLook {
  std::string top;                      // real path
  std::vector<std::string> toolchains;  // names of built-in profiles
  std::vector<std::string> because;     // for each of them, the file that says so
  struct Remote {
    std::string name;  // of git's: "origin"
    std::string host;
  };
  std::vector<Remote> forges;             // known ones, each host once
  std::vector<Remote> unknown;            // others, each host once
  std::vector<std::string> secret_files;  // names, relative to the top
};

// `directory`: absolute. Errors: kInvalidMount.
Result<ProjectLook> look_at_project(const Places& places, const std::string& directory);

// The rules that a forge needs, in the short form; none where it is no known one.
std::vector<std::string_view> forge_rules(std::string_view host);

// The host of a remote's URL: https://, ssh://, git@host:path. Empty: it names none (a path).
std::string remote_host(std::string_view url);

// Could a file of this name hold a secret? ".env", "id_ed25519", "x.pem"; not ".env.example".
bool is_secret_name(std::string_view name);

}  // namespace redoubtful::cli
