#pragma once

// The time of day, as keys, tokens and signatures count it.

#include <chrono>

namespace redoubtful::proxy {

inline std::chrono::sys_seconds wall_seconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace redoubtful::proxy
