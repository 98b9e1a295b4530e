#include "proxy/random.hpp"

#include <openssl/rand.h>

#include <cstdlib>

namespace redoubtful::proxy {

std::size_t random_below(std::size_t size) {
  const std::size_t limit = 256 - 256 % size;
  for (;;) {
    unsigned char byte = 0;
    if (RAND_bytes(&byte, 1) != 1) std::abort();
    if (byte < limit) return byte % size;
  }
}

}  // namespace redoubtful::proxy
