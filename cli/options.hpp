#pragma once

// The command line, parsed once: what is to be done, and everything that was said about it.
//
// Options stand before the command; what follows the first word that is no option, or "--", belongs
// to the command and is passed on byte for byte. Bytes that are not UTF-8 are fine in paths and
// arguments. Options that the design names for a later version are known, and refused as such.

#include <string>
#include <string_view>
#include <vector>

#include "cli/layers.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

enum class Verb {
  kRun,
  kShow,
  kWhy,
  kProfileList,
  kProfileCheck,
  kHomeList,
  kHomePath,
  kHomeReset,
  kAllow,
  kInit,
  kTrust,
  kAudit,
  kDoctor,
  kDemo,
  kHelp,
  kVersion,
};

enum class Format { kText, kJson };

struct Invocation {
  Verb verb = Verb::kHelp;
  std::string topic;  // kHelp: "run", "show" ...; empty: the whole program
  std::string
      operand;  // kProfileCheck: FILE; kAllow: RULE; kWhy: TARGET; kHomeReset, kAudit: a name, or
  // empty
  std::string profile;  // kAllow: -u, or empty
  Selection selection;  // kRun, kShow, kWhy, kAllow, kHome*: directory is absolute, or empty when
                        // it is unknown
  Format format = Format::kText;
  bool dry_run = false;
  bool follow = false;  // kAudit
  bool quiet = false;
  int verbosity = 0;
};

// `arguments`: argv without the program's name. `current_directory`: absolute, or empty when it no
// longer exists. Errors: kUsage (64) when it cannot be parsed; else as flags_layer.
Result<Invocation> parse_options(const std::vector<std::string>& arguments,
                                 const std::string& current_directory);

}  // namespace redoubtful::cli
