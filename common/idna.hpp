#pragma once

// Internationalised names to the ASCII form that goes into DNS: IDNA 2008, without the mapping of
// UTS 46. That mapping repairs what it is given (it drops invisible characters, reads full-width
// digits as digits, and libidn2's STD3 flag drops even '/' and '@'), so two spellings of one rule
// could mean different things to different readers.
//
// The work is libidn2's, opened by dlopen(3) when the first name outside ASCII turns up, as glibc's
// getaddrinfo does: linking it costs every start about 0.4 ms (with libunistring), for names that
// few profiles hold. What comes back is not trusted: the caller parses it by the ASCII grammar.

#include <string>
#include <string_view>

#include "common/error.hpp"

namespace redoubtful {

// The A-label form of `name`, which is valid UTF-8 without NUL. Errors: kInvalidHost, also when
// libidn2 is not installed. Source: RFC 5891, section 5.
Result<std::string> to_ascii_name(std::string_view name);

}  // namespace redoubtful
