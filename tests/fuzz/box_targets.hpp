#pragma once

// What the fuzz targets of the command line and of init demand. Shared by the libFuzzer programs
// and the replay of their corpora.

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "cli/init/spec_reader.hpp"
#include "cli/layers.hpp"
#include "cli/output_filter.hpp"
#include "cli/profile_loader.hpp"
#include "cli/show.hpp"
#include "tests/support/terminal_model.hpp"

namespace redoubtful::fuzz {

// Profiles are files that somebody else may have prepared: whatever the bytes are, loading ends
// soon, with a layer that can be shown or with an error that begins with the file's name.

inline void profile(std::string_view text) {
  const auto layer = cli::load_layer(text, "p", "p.yaml");
  if (!layer) {
    if (!layer.error().what().starts_with("p.yaml:")) std::abort();
    return;
  }
  Profile profile;
  cli::apply_layer(profile, *layer, {}, {});
  if (cli::show_text(profile, {}).empty() || cli::show_json(profile, {}).empty()) std::abort();
}

// init's parser of the specification: any bytes are either one whole specification or refused.

inline void init_spec(std::string_view text) {
  using namespace cli;
  std::vector<char> bytes(text.begin(), text.end());
  const std::size_t size = bytes.size();
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
  if (!init::read_header(bytes.data(), bytes.size(), header)) return;
  std::vector<char*> pointers(init::pointers_needed(header));
  init::Spec spec;
  if (!init::read_spec(bytes.data(), bytes.size(), pointers.data(), spec)) return;
  std::size_t length = sizeof header + std::strlen(spec.directory) + 1;
  for (char** list : {spec.arguments, spec.environment, spec.writable}) {
    for (; *list != nullptr; ++list) length += std::strlen(*list) + 1;
  }
  if (length != size) std::abort();
}

// OutputFilter: the way the bytes were split does not matter, filtering again changes nothing that
// matters, and a model of a terminal finds no clipboard access in what passes.

inline void output_filter(std::string_view text) {
  using cli::OutputFilter;
  if (text.size() < 2) return;
  const auto mode = text[0] % 2 == 0 ? OutputFilter::Queries::kPass : OutputFilter::Queries::kDrop;
  const std::size_t step = 1 + static_cast<unsigned char>(text[1]) % 7U;
  const std::string_view input = text.substr(2);
  OutputFilter whole;
  OutputFilter pieces;
  whole.set_queries(mode);
  pieces.set_queries(mode);
  std::string out;
  std::string by_pieces;
  whole.filter(input, out);
  for (std::size_t at = 0; at < input.size(); at += step) {
    pieces.filter(input.substr(at, step), by_pieces);
  }
  if (out != by_pieces || whole.queries_passed() != pieces.queries_passed()) std::abort();
  // At most the input, and one ST for each sequence that was dropped.
  if (out.size() > 2 * input.size()) std::abort();
  if (test::play(out).touches_clipboard()) std::abort();
  whole.finish(out);
  if (test::play(out).touches_clipboard()) std::abort();
}

}  // namespace redoubtful::fuzz
