#include "common/error.hpp"

#include <cstring>

namespace redoubtful {

int exit_status(Errc code) noexcept {
  switch (code) {
    case Errc::kUsage:
      return 64;
    case Errc::kInvalidProfile:
    case Errc::kInvalidHost:
    case Errc::kInvalidSecret:
    case Errc::kInvalidMount:
    case Errc::kNotYet:
      return 78;
    case Errc::kNone:
    case Errc::kMissingProgram:
    case Errc::kSystemCall:
    case Errc::kTls:
    case Errc::kPeerProtocol:
      return 125;
  }
  return 125;
}

Error Error::system_call(std::string what, int errno_value) {
  const char* reason = strerrordesc_np(errno_value);
  what += ": ";
  what += reason != nullptr ? reason : "unknown error " + std::to_string(errno_value);
  Error error(Errc::kSystemCall, std::move(what));
  error.errno_ = errno_value;
  return error;
}

}  // namespace redoubtful
