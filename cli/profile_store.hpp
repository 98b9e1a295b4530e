#pragma once

// The files that profiles and configuration are read from: which file a name means, and whether
// that file may be believed.
//
// Configuration decides what a box may do, so a file is refused that somebody else could have
// written: it, and for our own configuration directories these too, must belong to the user or to
// root and be writable by nobody else. Built-in profiles are as good as the program beside them and
// are not checked.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/places.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

struct StoredFile {
  std::string path;
  std::string bytes;
};

// A profile that could be chosen by name.
struct StoredName {
  std::string name;
  std::string path;
};

class ProfileStore {
 public:
  // `places` must outlive the store.
  explicit ProfileStore(const Places& places) : places_(places) {}

  // $XDG_CONFIG_HOME/redoubtful/config.yaml, /etc/redoubtful/config.yaml; none when absent.
  Result<std::optional<StoredFile>> user_config() const;
  Result<std::optional<StoredFile>> system_config() const;
  // What the user allowed for one project (project.hpp).
  Result<std::optional<StoredFile>> project_config(const std::string& real_project_path) const;

  // The file that `reference` means: "builtin/NAME", a path when it contains a slash ("~/" is the
  // home directory), else a name, looked up in the user's, the system's and the built-in profiles,
  // nearest first. Errors: kInvalidProfile: no such profile, or one that others may write.
  Result<StoredFile> find(const std::string& reference) const;

  // The profile that `command` selects when the user names none, or nothing.
  //
  // This runs at every start, so it does not read every profile: a file named like the command is
  // looked at first in each directory; of the user's and the system's other files only those are
  // parsed whose bytes contain the command at all; a built-in profile claims only the command it is
  // named after (a test holds the shipped ones to it). A claim that is spelt with YAML escapes is
  // therefore not seen: nothing is granted then.
  // Errors: kInvalidProfile when two profiles of one directory claim it, or a candidate is broken.
  Result<std::optional<std::string>> claiming(const std::string& command) const;

  // Everything that can be chosen by name, nearest first, each name once, sorted within a
  // directory.
  std::vector<StoredName> list() const;

 private:
  Result<std::optional<StoredFile>> read(const std::string& path, const std::string& top) const;
  Result<std::optional<std::string>> claiming_in(const std::string& directory,
                                                 const std::string& top, const std::string& command,
                                                 const std::vector<std::string>& shadowed) const;

  const Places& places_;
};

}  // namespace redoubtful::cli
