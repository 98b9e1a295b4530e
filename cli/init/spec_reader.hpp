#pragma once

// Reads the specification that cli/init_spec wrote. [trusted core]
//
// A parser like any other: every count and every string is checked against the bytes that are
// there, although the writer is trusted, because a half-written file must be an error, not a start
// with half the limits.

#include <cstddef>
#include <cstdint>

#include "cli/init/protocol.hpp"

namespace redoubtful::cli::init {

// Points into the bytes it was read from and into `pointers`; lives as long as both.
struct Spec {
  protocol::SpecHeader header;
  const char* directory = nullptr;
  char** arguments = nullptr;    // ends with a null pointer
  char** environment = nullptr;  // ends with a null pointer
  char** writable = nullptr;     // header.writable_count of them, and a null pointer
};

// How many pointers read_spec() needs for `header`; 0 when its counts are not acceptable.
std::size_t pointers_needed(const protocol::SpecHeader& header);

// Copies the header out of `bytes`. False: too short, another version, or impossible values.
bool read_header(const char* bytes, std::size_t size, protocol::SpecHeader& header);

// `pointers` has room for pointers_needed(). False when the bytes are not exactly one
// specification.
bool read_spec(char* bytes, std::size_t size, char** pointers, Spec& spec);

}  // namespace redoubtful::cli::init
