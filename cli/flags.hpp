#pragma once

// The values of run's options, still as text, to the command line's Layer.
//
// Every value gets the option it came from as its origin, written so that it is safe to print.
// `-e NAME=VALUE` is remembered without the value: it may be a secret, and origins are shown.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/layer.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

struct FlagTexts {
  std::vector<std::string> mounts;   // -m
  std::vector<std::string> path;     // -p
  std::vector<std::string> forward;  // -f
  std::vector<std::string> publish;
  std::vector<std::string> allow;  // -a
  std::vector<std::string> deny;
  std::vector<std::string> ask;
  std::vector<std::string> environment;  // -e
  std::vector<std::string> secrets;      // -s
  std::string network;
  std::string home;
  std::string cwd;
};

// `current_directory`: what relative paths are relative to; empty when it no longer exists.
// Errors: kUsage: cannot be parsed; kInvalidProfile, kInvalidHost: wrong in itself; kNotYet.
Result<Layer> flags_layer(const FlagTexts& texts, const std::string& current_directory);

// "PATH[:TO][:MODE]", read without a look at the disk, so that it means the same everywhere:
//   1. MODE is what follows the last colon, if it is one of the words ro, rw, cow;
//   2. TO begins at a ":/", and there may be only one;
//   3. every other colon belongs to PATH, so /data/a:b needs no escape.
// What these rules cannot say is written in a profile: {path: ..., to: ...}. A file called "x:rw"
// is mounted with a mode behind it: "x:rw:ro".
Result<MountRequest> parse_mount(std::string_view text, const std::string& current_directory);

// An absolute path as it is, "~/x" as it is, anything else below `current_directory`, which may be
// left upwards by leading ".." components only: behind a name they could mean another place than
// the one that was typed, if the name is a symlink.
Result<std::string> absolute_path(std::string_view text, const std::string& current_directory);

}  // namespace redoubtful::cli
