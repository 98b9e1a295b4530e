// Profiles are files that somebody else may have prepared: whatever the bytes are, loading ends
// soon, with a layer that can be shown or with an error that begins with the file's name.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cli/layers.hpp"
#include "cli/profile_loader.hpp"
#include "cli/show.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubtful;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto layer = cli::load_layer(text, "p", "p.yaml");
  if (!layer) {
    if (!layer.error().what().starts_with("p.yaml:")) std::abort();
    return 0;
  }
  Profile profile;
  cli::apply_layer(profile, *layer, {}, {});
  if (cli::show_text(profile, {}).empty() || cli::show_json(profile, {}).empty()) std::abort();
  return 0;
}
