#include "common/secret.hpp"

#include <sys/mman.h>

#include <cstring>
#include <utility>

namespace redoubtful {

Result<Secret> Secret::take(std::string&& value) {
  const std::size_t size = value.size();
  const bool unfit = value.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos;
  std::unique_ptr<char[]> bytes;
  if (size > 0 && size <= kMaxBytes && !unfit) {
    bytes = std::make_unique<char[]>(size);
    // Best effort: the limit on locked memory is small where it is not raised.
    (void)::mlock(bytes.get(), size);
    std::memcpy(bytes.get(), value.data(), size);
  }
  ::explicit_bzero(value.data(), value.size());
  value.clear();
  if (bytes) return Secret(std::move(bytes), size);
  if (size == 0) return Error(Errc::kInvalidSecret, "the secret is empty");
  if (size > kMaxBytes) {
    return Error(Errc::kInvalidSecret, "the secret has " + std::to_string(size) +
                                           " bytes; at most " + std::to_string(kMaxBytes) + " fit");
  }
  return Error(Errc::kInvalidSecret,
               "the secret has a line break or a NUL byte, which no header field can carry")
      .hint("a newline at its end is the usual cause: write it without one");
}

Secret::Secret(std::unique_ptr<char[]> bytes, std::size_t size) noexcept
    : bytes_(std::move(bytes)), size_(size) {}

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    erase();
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() { erase(); }

void Secret::erase() noexcept {
  if (bytes_) ::explicit_bzero(bytes_.get(), size_);
}

}  // namespace redoubtful
