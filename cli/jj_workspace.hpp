#pragma once

// Whether the repository that a jj workspace's `.jj/repo` file names knows that workspace.
//
// jj keeps no path back (until workspace_store, which not every version writes). What it does keep
// on both sides is the operation: .jj/working_copy/checkout holds the id of the operation at which
// our files were written, and the repository holds every operation under that id, a 512-bit hash
// over content, time and host name. Whoever forges a pointer to a repository he has never read
// cannot name one of its operations. The view of that operation must also list our workspace by
// name. Source: jj, lib/src/protos/{op_store,working_copy}.proto, lib/src/workspace.rs.

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::cli {

struct JjWorkspace {
  // To be mounted read-write: <main>/.jj/repo, and <main>/.git when the repository is kept there.
  std::vector<std::string> directories;
  std::string git_directory;  // of these, the git one; "" when it lies inside .jj/repo
};

// `top` is the directory with `.jj`, real and absolute; `content` that of its `.jj/repo` file.
// Errors: kInvalidMount with the check that failed.
Result<JjWorkspace> verify_jj_workspace(const std::string& top, std::string_view content,
                                        uid_t owner);

// The fields of one protocol-buffers message whose wire type is "length-delimited", in order.
struct ProtoField {
  std::uint64_t number = 0;
  std::string_view bytes;  // into the message
};
// Errors: kInvalidProfile for anything malformed. Source: protobuf.dev, "Encoding".
Result<std::vector<ProtoField>> parse_proto(std::string_view message);

}  // namespace redoubtful::cli
