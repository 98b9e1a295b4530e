#pragma once

// An anonymous pipe, both ends owned and close-on-exec.

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

// Errors: kSystemCall.
Result<Pipe> make_pipe();

}  // namespace redoubtful
