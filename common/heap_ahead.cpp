#include "common/heap_ahead.hpp"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace redoubtful {

void take_heap_ahead(std::size_t bytes) {
  // Not mapped by itself, and not given back: the block below is to become the heap's free end.
  (void)::mallopt(M_MMAP_THRESHOLD, static_cast<int>(2 * bytes));
  (void)::mallopt(M_TRIM_THRESHOLD, static_cast<int>(4 * bytes));
  void* block = std::malloc(bytes);
  if (block == nullptr) return;
#ifdef MADV_POPULATE_WRITE  // glibc 2.35
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(block) + page - 1) & ~(page - 1);
  const auto end = (reinterpret_cast<std::uintptr_t>(block) + bytes) & ~(page - 1);
  (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE);
#endif
  std::free(block);
}

}  // namespace redoubtful
