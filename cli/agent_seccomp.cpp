#include "cli/agent_seccomp.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <string_view>
#include <tuple>

#include "common/file.hpp"

namespace redoubtful::cli {
namespace {

#include "agent_seccomp_programs.inc"

Result<UniqueFd> sealed(const char* name, std::span<const sock_filter> program) {
  UniqueFd file(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return Error::system_call("cannot make a memory file", errno);
  const auto bytes = std::as_bytes(program);
  if (auto written = write_all(
          file.get(), std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
      !written) {
    return std::move(written).error();
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return Error::system_call("cannot rewind", errno);
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) !=
      0) {
    return Error::system_call("cannot seal a memory file", errno);
  }
  return file;
}

}  // namespace

std::span<const sock_filter> calls_program(Nesting nesting) noexcept {
  if (nesting == Nesting::kAllowed) return kCallsNested;
  return kCalls;
}

std::span<const sock_filter> arguments_program(Nesting nesting) noexcept {
  if (nesting == Nesting::kAllowed) return kArgumentsNested;
  return kArguments;
}

Result<AgentSeccomp> build_agent_seccomp(Nesting nesting) {
  AgentSeccomp filters;
  for (const auto& [target, name, program] :
       {std::tuple{&filters.calls, "redoubtful-calls", calls_program(nesting)},
        std::tuple{&filters.arguments, "redoubtful-arguments", arguments_program(nesting)}}) {
    auto file = sealed(name, program);
    if (!file) return std::move(file).error().during("preparing the system-call filter");
    *target = std::move(*file);
  }
  return filters;
}

}  // namespace redoubtful::cli
