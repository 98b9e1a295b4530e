#include "cli/profile_commands.hpp"

#include <fmt/format.h>

#include "cli/layers.hpp"
#include "cli/profile_loader.hpp"
#include "cli/profile_store.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {

Result<std::string> list_profiles(const Places& places) {
  const ProfileStore store(places);
  std::string out;
  for (const auto& entry : store.list()) {
    const std::string path = places.shown(entry.path);
    auto file = store.find(entry.name);
    auto layer =
        file ? load_layer(file->bytes, entry.name, path) : Result<Layer>(std::move(file).error());
    if (!layer) {
      out += fmt::format("{:<12}  broken: {}\n", entry.name, layer.error().what());
      continue;
    }
    std::string commands;
    for (const auto& command : layer->commands) {
      commands += (commands.empty() ? "" : " ") + shown(command.value);
    }
    const std::string first_line = layer->description.substr(0, layer->description.find('\n'));
    out +=
        fmt::format("{:<12}  {:<12}  {}{}{}\n", entry.name, commands.empty() ? "-" : commands, path,
                    first_line.empty() ? "" : "  ", first_line.empty() ? "" : shown(first_line));
  }
  return out;
}

Result<std::string> check_profile(const Places& places, const std::string& file) {
  const bool has_slash = file.find('/') != std::string::npos;
  Selection selection;
  // "builtin/x" is a file here, as its name says.
  const bool as_it_is = has_slash && !file.starts_with("builtin/");
  selection.use = {as_it_is ? file : "./" + file};
  auto composition = compose(places, selection);
  if (!composition) return std::move(composition).error();
  return shown(file) + ": ok\n";
}

}  // namespace redoubtful::cli
