#pragma once

// The error every fallible function in this repository returns.
//
// An Error is written for the person at the terminal: `what()` says what we were doing, innermost
// fact last, and `hint()` says what they can change. `code()` is for the program: tests and callers
// branch on it, never on text. Bugs in our own code are not Errors; they are thrown or abort.
//
// Errors may be shown, logged and audited, so they never contain a Secret, a header value, or a
// request body. Bytes that came from the agent or the network go through `quoted()` first.

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace redoubtful {

enum class Errc {
  kNone,            // only in a default-constructed Error; never returned
  kUsage,           // the command line cannot be parsed
  kInvalidProfile,  // the YAML is well formed but means nothing, or is not YAML at all
  kInvalidHost,     // not a DNS name or IP literal we accept
  kInvalidSecret,   // empty, too long, or not representable in a header field
  kInvalidMount,  // a mount, PATH entry or working directory that is absent, unreadable or refused
  kNotYet,        // named in the design, but not built in this version
  kMissingProgram,  // bwrap, pasta or a part of ours is absent, too old or not trustworthy
  kSystemCall,      // the kernel said no; the text carries strerrordesc_np(errno)
  kTls,             // handshake or certificate failure; the text carries OpenSSL's reason
  kPeerProtocol,    // the other side broke the protocol
};

// The exit status of `redoubtful` for an Error that ends it: 64 for kUsage, 78 where something that
// the command line or a profile names is wrong or absent, 125 where the machine would not let the
// box be built.
int exit_status(Errc code) noexcept;

class [[nodiscard]] Error {
 public:
  Error() = default;  // boost::system::result (Boost 1.81) needs one to spell error()
  Error(Errc code, std::string what) : code_(code), what_(std::move(what)) {}

  // Prefixes what we were doing: `e.during("loading profile ~/.config/x.yaml")`.
  Error&& during(std::string_view activity) &&;

  // "what: the reason of errno_value", for a failed system call.
  static Error system_call(std::string what, int errno_value);

  // Attaches the one action most likely to fix it. Replaces an earlier hint.
  Error&& hint(std::string text) && {
    hint_ = std::move(text);
    return std::move(*this);
  }

  Errc code() const noexcept { return code_; }
  const std::string& what() const noexcept { return what_; }
  const std::string& hint() const noexcept { return hint_; }

  // For kSystemCall: the errno; otherwise 0.
  int system_errno() const noexcept { return errno_; }

 private:
  Errc code_ = Errc::kNone;
  int errno_ = 0;
  std::string what_;
  std::string hint_;
};

inline Error&& Error::during(std::string_view activity) && {
  what_.insert(0, ": ").insert(0, activity);
  return std::move(*this);
}

template <class T>
using Result = boost::system::result<T, Error>;

// Makes Result<T>::value() on a failed result throw: reached only by a bug or by a test.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
  throw std::logic_error("unchecked Result: " + error.what());
}

}  // namespace redoubtful
