#pragma once

// Random numbers that nobody can guess, from OpenSSL's generator.

#include <cstddef>

namespace redoubtful::proxy {

// Uniform in 0 … size - 1; 1 ≤ size ≤ 256. Ends the process when there are no random bytes, for
// nothing here may go on without.
std::size_t random_below(std::size_t size);

}  // namespace redoubtful::proxy
