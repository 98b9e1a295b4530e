#pragma once

// Memory for bytes that spell a secret: overwritten when it is given back, also when a container
// grows.
//
// For containers only (std::basic_string keeps short texts inside itself, where nothing erases
// them). A value that a person or a vendor made is a Secret (common/secret.hpp); this is for what
// is derived from one.

#include <string.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace redoubtful::proxy {

template <class T>
struct ErasingAllocator {
  using value_type = T;

  ErasingAllocator() noexcept = default;
  template <class U>
  explicit ErasingAllocator(const ErasingAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, std::size_t count) noexcept {
    ::explicit_bzero(static_cast<void*>(memory), count * sizeof(T));
    std::allocator<T>().deallocate(memory, count);
  }
  template <class U>
  bool operator==(const ErasingAllocator<U>&) const noexcept {
    return true;
  }
};

template <class T>
using ErasedVector = std::vector<T, ErasingAllocator<T>>;
using ErasedBytes = ErasedVector<char>;

}  // namespace redoubtful::proxy
