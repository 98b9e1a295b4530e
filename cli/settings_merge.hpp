#pragma once

// What a program's settings file in the private home holds when a run begins: a pure function of
// the user's own file, of what the program left there in earlier runs, and of the profile.
//
// Only what the profile lists is there: of `copy` the user's own value, of `keep` that or else the
// earlier run's. So a hook, a server or a base URL that an agent wrote into its own settings is
// gone at the next run. Of what is kept, leaves that look like a secret are left out
// (common/secret_look.hpp). Then the profile's `set` is merged over it, and its `default` put where
// nothing was kept. JSON may have comments and trailing commas, which do not survive; of TOML and
// YAML only single values at the top of the file are understood, so their tables and lists are
// never kept.
//
// In names and values of the profile, {cwd} is the working directory, {project} the top of its
// worktree, and {end:NAME} the last 20 characters of a variable that exists inside (Claude Code
// knows keys by these). A member that names a variable which does not exist is left out.
//
// Source: RFC 7396 (JSON Merge Patch), RFC 6901 (JSON Pointer).

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

enum class SettingsFormat { kJson, kToml, kYaml };

// By the name's ending; none where it is another.
std::optional<SettingsFormat> settings_format(std::string_view path);

struct SettingsFacts {
  std::string cwd;
  std::string project;
  std::map<std::string, std::string, std::less<>> variables;  // of the box
};

struct MergedSettings {
  std::string text;
  std::string warning;  // a line; empty: the user's file was understood
};

// `user` and `earlier`: the files' contents; null where there is none. One that cannot be
// understood counts as none.
MergedSettings merge_settings(const SettingsFile& entry, const std::string* user,
                              const std::string* earlier, const SettingsFacts& facts);

}  // namespace redoubtful::cli
