#pragma once

// A credential value that will not print, will not copy, and is erased when it goes away.
//
// Real credentials exist only in the proxy process. This type keeps the value from leaving it by
// accident: there is no stream operator, no fmt formatter, no implicit conversion and no copy, so
// logging one or putting one in an Error does not compile. Leaving it on purpose takes one visible
// word, `expose()`; its few production callers are listed in tests/lint/expose_callers.txt, which
// fails the build when another appears.
//
// Out of scope: code already running inside the proxy, and pages the kernel writes to swap or to a
// core file. proxy/confinement.hpp deals with core files, and memory is locked as
// far as RLIMIT_MEMLOCK allows.
//
// Thread safety: as for any value type. Nothing here does I/O.

#include <cstddef>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace redoubtful {

class Secret {
 public:
  // Longest accepted value, in bytes. Half the request-header budget (proxy/limits.hpp), so that an
  // injected field always leaves room for the agent's own.
  static constexpr std::size_t kMaxBytes = 16 * 1024;

  // Takes the bytes out of `value` and erases the caller's copy, also on failure.
  //
  // Errors: kInvalidSecret if `value` is empty, longer than kMaxBytes, or has a byte that cannot
  // appear in a header field: NUL, CR or LF (RFC 9110 section 5.5). The message names the problem
  // and never the value.
  static Result<Secret> take(std::string&& value);

  Secret(Secret&& other) noexcept;  // leaves `other` empty
  Secret& operator=(Secret&&) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  // Overwrites the bytes before freeing them (explicit_bzero(3), which the compiler must keep).
  ~Secret();

  // The value itself. Valid until this Secret is moved from or destroyed; do not store the view,
  // and do not hold it across a co_await.
  [[nodiscard]] std::string_view expose() const noexcept { return {bytes_.get(), size_}; }

  // For values that nobody else can try out: how long it takes says where they differ.
  bool operator==(const Secret& other) const noexcept { return expose() == other.expose(); }

  // Length in bytes. Safe to log.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  Secret(std::unique_ptr<char[]> bytes, std::size_t size) noexcept;
  void erase() noexcept;

  // Not a std::string: its small-buffer storage would leave bytes behind when moved from.
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

// Printing a Secret is a compile error, with this line as the explanation.
std::ostream& operator<<(std::ostream&, const Secret&) = delete;

}  // namespace redoubtful
