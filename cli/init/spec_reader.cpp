#include "cli/init/spec_reader.hpp"

#include <cstring>

namespace redoubtful::cli::init {
namespace {

// Takes one NUL-terminated string off the front; null when there is none.
char* take(char*& next, const char* end) {
  if (next == end) return nullptr;
  char* const start = next;
  void* const nul = std::memchr(start, 0, static_cast<std::size_t>(end - start));
  if (nul == nullptr) return nullptr;
  next = static_cast<char*>(nul) + 1;
  return start;
}

bool take_list(char*& next, const char* end, std::uint32_t count, char**& pointers) {
  for (std::uint32_t i = 0; i < count; ++i) {
    *pointers = take(next, end);
    if (*pointers == nullptr) return false;
    ++pointers;
  }
  *pointers++ = nullptr;
  return true;
}

}  // namespace

std::size_t pointers_needed(const protocol::SpecHeader& header) {
  if (header.argument_count == 0 || header.argument_count > protocol::kMaxSpecStrings ||
      header.variable_count > protocol::kMaxSpecStrings ||
      header.writable_count > protocol::kMaxSpecStrings) {
    return 0;
  }
  return std::size_t{header.argument_count} + header.variable_count + header.writable_count + 3;
}

bool read_header(const char* bytes, std::size_t size, protocol::SpecHeader& header) {
  if (size < sizeof header || size > protocol::kMaxSpecBytes) return false;
  std::memcpy(&header, bytes, sizeof header);
  return header.magic == protocol::kSpecMagic && header.version == protocol::kProtocolVersion &&
         header.bytes == size && header.limit_count <= protocol::kMaxLimits &&
         (header.flags & ~protocol::kAllFlags) == 0 && pointers_needed(header) != 0;
}

bool read_spec(char* bytes, std::size_t size, char** pointers, Spec& spec) {
  if (!read_header(bytes, size, spec.header)) return false;
  char* next = bytes + sizeof spec.header;
  const char* const end = bytes + size;
  spec.directory = take(next, end);
  if (spec.directory == nullptr || spec.directory[0] != '/') return false;
  spec.arguments = pointers;
  if (!take_list(next, end, spec.header.argument_count, pointers)) return false;
  spec.environment = pointers;
  if (!take_list(next, end, spec.header.variable_count, pointers)) return false;
  spec.writable = pointers;
  if (!take_list(next, end, spec.header.writable_count, pointers)) return false;
  return next == end;
}

}  // namespace redoubtful::cli::init
