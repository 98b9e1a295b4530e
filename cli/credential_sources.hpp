#pragma once

// What the proxy needs from us to read the credentials' sources: the variables that they name, the
// environment for the programs among them, and that no file of theirs is the agent's to choose.
//
// A program that a source names runs outside of every box, as the user. So its environment is the
// user's without what makes programs run other code (danger_of: loaders, shells, GIT_* and the
// like), without variables that hold a credential themselves, and with a PATH of those directories
// only that no box may write. A file is refused where a box may write it, or lay a link on the way
// to it: its content is sent to a server, and the agent would say which file that is.

#include <string>
#include <vector>

#include "cli/host_files.hpp"
#include "common/control_channel.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// Names of variables that hold a credential, for `env:` sources.
std::vector<std::string> held_variable_names(const std::vector<CredentialProfile>& credentials);

// The same, and of those that `vault:` and `aws-profile:` are configured with.
std::vector<std::string> source_variable_names(const std::vector<CredentialProfile>& credentials);

// NAME=VALUE for `command:` and `keyring:`; empty where there are none. `environment`: the host's,
// NAME=VALUE. `written`: real paths of directories that boxes may write.
std::vector<std::string> command_environment(const std::vector<CredentialProfile>& credentials,
                                             const std::vector<std::string>& environment,
                                             const HostFiles& files,
                                             const std::vector<std::string>& written);

// With "~/" replaced in all that is a path.
std::vector<CredentialProfile> with_absolute_paths(std::vector<CredentialProfile> credentials,
                                                   const std::string& home);

// Of credentials with absolute paths. `environment`: the host's, which says where AWS's files are.
// Errors: kInvalidMount, with the credential's place.
Result<void> check_source_files(const std::vector<CredentialProfile>& credentials,
                                const std::vector<std::string>& environment, const HostFiles& files,
                                const std::vector<std::string>& written);

}  // namespace redoubtful::cli
