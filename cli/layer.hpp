#pragma once

// One layer of a profile: what a single document, or the command line, says; nothing merged yet.
//
// A scalar that the layer does not mention is absent here, which is how a later layer's silence
// leaves an earlier layer's word standing. The texts have been checked for form, each value knows
// its line and column.

#include <optional>
#include <string>
#include <vector>

#include "common/profile.hpp"

namespace redoubtful::cli {

struct Layer {
  std::string name;  // "base", "claude", "command line" ...
  std::string file;  // as messages show it
  std::string description;
  std::vector<Sourced<std::string>> extends;  // names or files, as written
  std::vector<Sourced<std::string>> commands;
  std::vector<Sourced<std::string>> arguments;
  std::optional<Sourced<bool>> nested;
  std::optional<Sourced<bool>> look_at_project;

  std::optional<Sourced<HomeMode>> home;
  std::optional<Sourced<MountMode>> cwd;
  std::vector<MountRequest> mounts;
  std::vector<Sourced<std::string>> path;
  std::vector<Sourced<std::string>> hide;
  std::vector<Sourced<std::string>> protect;
  std::vector<SettingsFile> settings;  // each file once

  std::vector<Sourced<std::string>> pass;
  std::vector<EnvironmentVariable> set;

  std::optional<Sourced<NetworkMode>> mode;
  std::vector<Sourced<HostRule>> allow;
  std::vector<Sourced<HostRule>> deny;
  std::vector<Sourced<HostRule>> ask;
  std::vector<PortForward> forward;
  std::vector<PortForward> publish;
  std::vector<OriginOverride> origins;   // each host once
  std::vector<Sourced<std::string>> ca;  // PEM files
  std::optional<Sourced<std::string>> proxy;

  std::vector<CredentialProfile> credentials;  // each name once

  std::optional<Sourced<bool>> syslog;

  Limits limits;
};

}  // namespace redoubtful::cli
