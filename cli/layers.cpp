#include "cli/layers.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "cli/network_settling.hpp"
#include "cli/profile_loader.hpp"
#include "cli/profile_store.hpp"
#include "cli/project.hpp"
#include "cli/project_layers.hpp"
#include "cli/project_trust.hpp"
#include "cli/yaml_document.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxDocuments = 64;

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

template <class T>
void overrule(Sourced<T>& value, const std::optional<Sourced<T>>& later) {
  if (later) value = *later;
}

template <class T>
void overrule(std::optional<Sourced<T>>& value, const std::optional<Sourced<T>>& later) {
  if (later) value = later;
}

// An entry of a later layer takes the place of the earlier one of its name, whole.
template <class T, class Name>
void replace_named(std::vector<T>& to, const std::vector<T>& from, Name name) {
  for (const T& entry : from) {
    const auto old = std::find_if(to.begin(), to.end(),
                                  [&](const T& other) { return name(other) == name(entry); });
    if (old == to.end()) {
      to.push_back(entry);
    } else {
      *old = entry;
    }
  }
}

bool meant_for(const std::vector<std::string>& command,
               const std::vector<Sourced<std::string>>& claimed) {
  if (command.empty()) return false;
  if (claimed.empty()) return true;
  const std::string name = command.front().substr(command.front().rfind('/') + 1);
  return std::any_of(claimed.begin(), claimed.end(),
                     [&](const Sourced<std::string>& word) { return word.value == name; });
}

// Loads documents and what they extend, each once.
class Composer {
 public:
  Composer(const Places& places, const std::vector<std::string>& command)
      : places_(places), store_(places), command_(command) {
    // What no layer mentions has an origin too.
    const Origin builtin{"built in", 0, 0, {}};
    profile_.nested.origin = builtin;
    profile_.look_at_project.origin = builtin;
    profile_.filesystem.home.origin = builtin;
    profile_.filesystem.cwd.origin = builtin;
    profile_.network.mode.origin = builtin;
    profile_.audit.syslog.origin = builtin;
  }

  const ProfileStore& store() const { return store_; }
  const Profile& profile() const { return profile_; }
  Profile take() { return std::move(profile_); }

  bool has(std::string_view name) const {
    return std::any_of(profile_.layers.begin(), profile_.layers.end(),
                       [&](const AppliedLayer& layer) { return layer.name == name; });
  }

  void describe(const std::string& description) { profile_.description = description; }

  // One that no document holds.
  void add_layer(const Layer& layer) { apply_layer(profile_, layer, command_, {}); }

  Result<void> add_reference(const std::string& reference) {
    auto file = store_.find(reference);
    if (!file) return std::move(file).error();
    return add(*file, name_of(reference), DocumentKind::kProfile);
  }

  Result<void> add(const StoredFile& file, const std::string& name, DocumentKind kind) {
    if (const auto open = std::find(open_.begin(), open_.end(), file.path); open != open_.end()) {
      return cycle(open - open_.begin());
    }
    if (done_.contains(file.path)) return {};
    if (done_.size() + open_.size() >= kMaxDocuments) {
      return Error(Errc::kInvalidProfile,
                   "more than " + std::to_string(kMaxDocuments) + " profiles extend each other");
    }
    auto loaded = load_layer(file.bytes, name, places_.shown(file.path), kind);
    if (!loaded) return std::move(loaded).error();
    const Layer& layer = *loaded;
    open_.push_back(file.path);
    std::vector<Sourced<std::string>> inherited;
    for (const auto& extended : layer.extends) {
      auto added = add_extended(extended, inherited);
      if (!added) return added;
    }
    open_.pop_back();
    const auto& claimed = layer.commands.empty() ? inherited : layer.commands;
    done_.emplace(file.path, claimed);
    apply_layer(profile_, layer, command_, claimed);
    return {};
  }

 private:
  static std::string name_of(const std::string& reference) {
    if (reference.find('/') == std::string::npos || reference.starts_with("builtin/"))
      return reference;
    return shown(reference);
  }

  Result<void> add_extended(const Sourced<std::string>& extended,
                            std::vector<Sourced<std::string>>& inherited) {
    const std::string& reference = extended.value;
    const bool file_name =
        reference.find('/') != std::string::npos && !reference.starts_with("builtin/");
    if (file_name && !reference.starts_with('/') && !reference.starts_with("~/")) {
      return error_at(Errc::kInvalidProfile, extended.origin,
                      "extends names " + quoted(reference, 80) +
                          ": a name, builtin/NAME, or a file that is absolute or begins with ~/");
    }
    auto file = store_.find(reference);
    if (!file) {
      Error cause = std::move(file).error();
      Error located = error_at(cause.code(), extended.origin, cause.what());
      return std::move(located).hint(cause.hint());
    }
    auto added = add(*file, name_of(reference), DocumentKind::kProfile);
    if (!added) return added;
    append(inherited, done_.at(file->path));
    return {};
  }

  Result<void> cycle(std::ptrdiff_t first) {
    std::string path;
    for (auto file = open_.begin() + first; file != open_.end(); ++file) {
      path += places_.shown(*file) + " -> ";
    }
    path += places_.shown(open_[static_cast<std::size_t>(first)]);
    return Error(Errc::kInvalidProfile, "profiles extend each other in a circle: " + path)
        .hint("to add to a built-in profile of the same name, write extends: [builtin/NAME]");
  }

  const Places& places_;
  ProfileStore store_;
  const std::vector<std::string>& command_;
  Profile profile_;
  std::vector<std::string> open_;
  // Path of each applied document, and the commands its arguments are meant for.
  std::map<std::string, std::vector<Sourced<std::string>>> done_;
};

Result<void> add_config(Composer& composer, Result<std::optional<StoredFile>> file,
                        const std::string& name) {
  if (!file) return std::move(file).error();
  if (!*file) return {};
  return composer.add(**file, name, DocumentKind::kConfig);
}

// Without a project (its directory is gone) a run will say so, and there is nothing to add.
Result<void> add_project(Composer& composer, const Places& places, const std::string& directory) {
  // Finding the project takes a look at the disk that most runs can do without.
  if (directory.empty() || ::access((places.config + "/projects").c_str(), F_OK) != 0) return {};
  auto project = find_project(places, directory);
  if (!project) return std::move(project).error();
  return add_config(composer, composer.store().project_config(*project), "project configuration");
}

// What the project itself names, where a profile asks for that.
Result<void> add_seen(Composer& composer, const Places& places, const Selection& selection,
                      Composition& out) {
  if (!composer.profile().look_at_project.value || selection.directory.empty()) return {};
  auto look = look_at_project(places, selection.directory);
  if (!look) return std::move(look).error();
  const std::string description = composer.profile().description;
  for (const auto& toolchain : look->toolchains) {
    if (auto added = composer.add_reference("builtin/" + toolchain); !added) return added;
  }
  composer.describe(description);
  if (const Layer layer = forge_layer(*look); !layer.allow.empty()) composer.add_layer(layer);
  if (auto line = seen_line(*look); !line.empty()) out.notices.push_back(std::move(line));
  if (composer.has("claude") || composer.has("builtin/claude")) {
    if (auto claude = users_claude_settings(places); claude) {
      const Layer& layer = claude->layer;
      const bool says = !layer.allow.empty() || !layer.deny.empty() || !layer.hide.empty();
      if (says) composer.add_layer(layer);
      for (auto& note : claude->notes) out.notices.push_back(std::move(note));
    }
  }
  out.look = *std::move(look);
  return {};
}

// The project's own profile, where its content is what was accepted.
Result<void> add_trusted(Composer& composer, const Places& places, const std::string& directory,
                         std::vector<std::string>& notices) {
  const auto project = find_project_profile(directory, places);
  if (!project) return {};
  if (!project->trusted()) {
    notices.push_back(ignored_line(*project, places));
    return {};
  }
  notices.push_back("with " + places.shown(project->path) + ", as it was accepted");
  return composer.add({project->path, *project->content}, "project", DocumentKind::kProfile);
}

}  // namespace

void apply_layer(Profile& profile, const Layer& layer, const std::vector<std::string>& command,
                 const std::vector<Sourced<std::string>>& argument_commands) {
  profile.layers.push_back({layer.name, layer.file});
  if (!layer.description.empty()) profile.description = layer.description;
  append(profile.commands, layer.commands);
  if (meant_for(command, argument_commands)) append(profile.arguments, layer.arguments);
  overrule(profile.nested, layer.nested);
  overrule(profile.look_at_project, layer.look_at_project);

  FilesystemProfile& filesystem = profile.filesystem;
  overrule(filesystem.home, layer.home);
  overrule(filesystem.cwd, layer.cwd);
  append(filesystem.mounts, layer.mounts);
  filesystem.path.insert(filesystem.path.begin(), layer.path.begin(), layer.path.end());
  append(filesystem.hide, layer.hide);
  append(filesystem.protect, layer.protect);
  replace_named(filesystem.settings, layer.settings,
                [](const SettingsFile& entry) -> const std::string& { return entry.file; });

  append(profile.environment.pass, layer.pass);
  append(profile.environment.set, layer.set);

  NetworkProfile& network = profile.network;
  overrule(network.mode, layer.mode);
  append(network.allow, layer.allow);
  append(network.deny, layer.deny);
  append(network.ask, layer.ask);
  append(network.forward, layer.forward);
  append(network.publish, layer.publish);
  append(network.ca, layer.ca);
  overrule(network.proxy, layer.proxy);
  replace_named(network.origins, layer.origins,
                [](const OriginOverride& entry) -> const Host& { return entry.host; });
  replace_named(profile.credentials, layer.credentials,
                [](const CredentialProfile& entry) -> const std::string& { return entry.name; });

  overrule(profile.audit.syslog, layer.syslog);

  overrule(profile.limits.memory_bytes, layer.limits.memory_bytes);
  overrule(profile.limits.processes, layer.limits.processes);
  overrule(profile.limits.time, layer.limits.time);
}

Result<Composition> compose(const Places& places, const Selection& selection) {
  Composition out;
  Composer composer(places, selection.command);
  auto base = composer.store().find("builtin/base");
  if (!base) {
    return Error(Errc::kMissingProgram,
                 "the built-in profile base is not in " + places.shown(places.builtin_profiles))
        .hint("install redoubtful again: packaging/quickstart does");
  }
  if (auto added = composer.add(*base, "base", DocumentKind::kProfile); !added) {
    return std::move(added).error();
  }
  auto added = add_config(composer, composer.store().system_config(), "system configuration");
  if (!added) return std::move(added).error();
  added = add_config(composer, composer.store().user_config(), "user configuration");
  if (!added) return std::move(added).error();

  std::vector<std::string> use = selection.use;
  if (use.empty() && !selection.command.empty()) {
    auto claimed = composer.store().claiming(selection.command.front());
    if (!claimed) return std::move(claimed).error();
    if (*claimed) {
      out.notices.push_back("profile " + **claimed + ": it claims the command " +
                            shown(selection.command.front()));
      use.push_back(**claimed);
    }
  }
  for (const std::string& reference : use) {
    if (auto chosen = composer.add_reference(reference); !chosen) return std::move(chosen).error();
  }
  if (auto seen = add_seen(composer, places, selection, out); !seen) return std::move(seen).error();
  if (auto known = add_project(composer, places, selection.directory); !known) {
    return std::move(known).error();
  }
  if (auto trusted = add_trusted(composer, places, selection.directory, out.notices); !trusted) {
    return std::move(trusted).error();
  }
  out.profile = composer.take();
  apply_layer(out.profile, selection.flags, selection.command, {});
  if (auto fits = settle_network(out.profile); !fits) return std::move(fits).error();
  const auto& syslog = out.profile.audit.syslog;
  if (syslog.value && out.profile.network.mode.value == NetworkMode::kDangerouslyOpen) {
    out.notices.push_back("nothing goes to the host's log (audit.syslog, " + syslog.origin.text() +
                          "): dangerously-open has no proxy that would know of anything");
  }
  if (out.look) {
    for (auto& line : unknown_lines(*out.look, out.profile.network)) {
      out.notices.push_back(std::move(line));
    }
  }
  return out;
}

}  // namespace redoubtful::cli
