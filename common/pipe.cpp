#include "common/pipe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace redoubtful {

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error::system_call("cannot make a pipe", errno);
  return Pipe{.read = UniqueFd(ends[0]), .write = UniqueFd(ends[1])};
}

}  // namespace redoubtful
