// OutputFilter: the way the bytes were split does not matter, filtering again changes nothing that
// matters, and a model of a terminal finds no clipboard access in what passes.

#include <cstdlib>

#include "cli/output_filter.hpp"
#include "tests/support/terminal_model.hpp"

using redoubtful::cli::OutputFilter;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto mode = data[0] % 2 == 0 ? OutputFilter::Queries::kPass : OutputFilter::Queries::kDrop;
  const std::size_t step = 1 + data[1] % 7U;
  const std::string_view input(reinterpret_cast<const char*>(data + 2), size - 2);
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
  if (redoubtful::test::play(out).touches_clipboard()) std::abort();
  whole.finish(out);
  if (redoubtful::test::play(out).touches_clipboard()) std::abort();
  return 0;
}
