// init's parser of the specification: any bytes are either one whole specification or refused.

#include <cstdlib>
#include <cstring>
#include <vector>

#include "cli/init/spec_reader.hpp"

using namespace redoubtful::cli;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<char> bytes(data, data + size);
  protocol::SpecHeader header;
  // The fields that chance does not hit.
  if (size >= sizeof header) {
    std::memcpy(&header, bytes.data(), sizeof header);
    header.magic = protocol::kSpecMagic;
    header.version = protocol::kProtocolVersion;
    header.bytes = static_cast<std::uint32_t>(size);
    header.flags &= protocol::kAllFlags;
    header.argument_count = 1 + header.argument_count % 64;
    header.variable_count %= 64;
    header.writable_count %= 64;
    header.limit_count %= protocol::kMaxLimits + 2;
    std::memcpy(bytes.data(), &header, sizeof header);
  }
  if (!init::read_header(bytes.data(), bytes.size(), header)) return 0;
  std::vector<char*> pointers(init::pointers_needed(header));
  init::Spec spec;
  if (!init::read_spec(bytes.data(), bytes.size(), pointers.data(), spec)) return 0;
  std::size_t length = sizeof header + std::strlen(spec.directory) + 1;
  for (char** list : {spec.arguments, spec.environment, spec.writable}) {
    for (; *list != nullptr; ++list) length += std::strlen(*list) + 1;
  }
  if (length != size) std::abort();
  return 0;
}
