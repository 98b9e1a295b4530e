#pragma once

// Opens a file that holds a secret, with what must hold of such a file checked on the descriptor
// that is then read.
//
// A path is followed as the host has it, links included; that none of them was laid by an agent is
// seen to by the command line (cli/credential_sources.hpp), which knows what boxes may write. A
// FIFO or a device hangs nobody: it is opened without waiting, and refused.

#include <string>

#include "common/error.hpp"

namespace redoubtful::proxy {

// Whose reading a file may be open to.
enum class FilePrivacy {
  kOwnerOnly,  // it is a source: group and others may neither read nor write it
  kAny,        // its secrets are dropped or replaced before anything of it is shown
};

// The whole content. Errors: kInvalidSecret for what is no regular file, is somebody else's (root's
// is fine), is open to others, or has over 1 MiB; kSystemCall with its errno, ENOENT where it is
// absent. The message names the path and never the content.
Result<std::string> read_secret_file(const std::string& path, FilePrivacy privacy);

}  // namespace redoubtful::proxy
