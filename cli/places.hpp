#pragma once

// Where configuration, state and sockets live, and the one way in which a private directory of ours
// is made.
//
// Nothing is created by looking: whoever needs a directory asks for it. No mount may contain any of
// these places.

#include <optional>
#include <string>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::cli {

struct Places {
  std::string home;           // $HOME
  std::string config;         // $XDG_CONFIG_HOME/redoubtful, default ~/.config/redoubtful
  std::string state;          // $XDG_STATE_HOME/redoubtful, default ~/.local/state/redoubtful
  std::string runtime;        // $XDG_RUNTIME_DIR/redoubtful; empty: there is none, make a fresh one
  std::string system_config;  // /etc/redoubtful
  std::string builtin_profiles;  // <prefix>/share/redoubtful/profiles, found from our own program

  // `path` with the home directory written as ~, for messages.
  std::string shown(const std::string& path) const;
  // "~/x" with the home directory put in; anything else as it is.
  std::string expanded(const std::string& path) const;
};

// What find_places reads from the environment.
struct PlaceVariables {
  std::optional<std::string> home;
  std::optional<std::string> xdg_config_home;
  std::optional<std::string> xdg_state_home;
  std::optional<std::string> xdg_runtime_dir;

  static PlaceVariables from_environment();
};

// A relative XDG variable counts as unset. Source: XDG Base Directory Specification 0.8.
// Errors: kInvalidProfile when HOME is unset, relative, or contains "..".
Result<Places> find_places(const PlaceVariables& variables);

// Opens the directory `path` (absolute), creating what is missing of it with mode 0700.
// The last component must be a directory of ours that nobody else may enter: an existing one with
// wider permissions is narrowed, one that is a symlink or belongs to somebody else is refused.
// Errors: kSystemCall, kInvalidMount.
Result<UniqueFd> open_private_directory(const std::string& path);

// Opens a directory of ours for reading, whatever mode somebody left it with (it is 0700
// afterwards). Never through a link. Errors: kSystemCall; kInvalidMount when it belongs to somebody
// else.
Result<UniqueFd> open_owned_directory(int directory, const std::string& name);

// The same as open_private_directory, for one name below an open directory.
Result<UniqueFd> open_private_directory_at(int directory, const std::string& name);

}  // namespace redoubtful::cli
