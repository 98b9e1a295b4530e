#include "cli/allow.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "cli/layers.hpp"
#include "cli/profile_loader.hpp"
#include "cli/profile_store.hpp"
#include "cli/project.hpp"
#include "cli/rule_insertion.hpp"
#include "cli/value_syntax.hpp"
#include "cli/yaml_document.hpp"
#include "common/file.hpp"
#include "common/network_rules.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

using Rules = std::vector<Sourced<HostRule>>;

// The file that the rule goes to.
struct Destination {
  std::string path;
  std::string beginning;  // of the file, when there is none yet
  DocumentKind kind = DocumentKind::kConfig;
  std::string where;  // for people: "in ~/src/project"
};

std::string words_of(const std::vector<Sourced<std::string>>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + yaml_scalar(word.value);
  return out;
}

Result<Destination> project_destination(const Places& places, const std::string& directory) {
  auto project = find_project(places, directory);
  if (!project) return std::move(project).error();
  Destination out;
  out.path = project_config_path(places, *project);
  out.where = "in " + places.shown(*project);
  out.beginning = "# For " + places.shown(*project) +
                  ", whatever profile is used. `redoubtful allow` adds to it; so may you.\n";
  return out;
}

Result<Destination> profile_destination(const Places& places, const std::string& profile) {
  auto name = parse_profile_name(profile);
  if (!name) {
    return Error(Errc::kUsage, "-u " + shown(profile) + " is not the name of a profile")
        .hint("a profile's file is edited by hand; redoubtful profile check FILE reads it");
  }
  if (*name == "base") {
    return Error(Errc::kInvalidProfile, "the profile base is built in and under every run")
        .hint("what should hold everywhere stands in " + places.shown(places.config) +
              "/config.yaml");
  }
  const ProfileStore store(places);
  auto there = store.find(*name);
  if (!there) return std::move(there).error();
  Destination out;
  out.kind = DocumentKind::kProfile;
  out.path = places.config + "/profiles/" + *name + ".yaml";
  out.where = "in the profile " + *name;
  if (there->path == out.path) return out;
  auto layer = load_layer(there->bytes, *name, places.shown(there->path));
  if (!layer) return std::move(layer).error();
  const bool builtin = there->path.starts_with(places.builtin_profiles + "/");
  out.beginning = fmt::format("# {}, and what you add to it.\nextends: [{}]\n", *name,
                              builtin ? "builtin/" + *name : yaml_scalar(there->path));
  // The nearest file of a name decides which commands select it.
  if (!layer->commands.empty()) {
    out.beginning += fmt::format("commands: [{}]\n", words_of(layer->commands));
  }
  return out;
}

// Nothing that the rule would allow can be reached while this one stands.
bool overrules(const HostRule& other, const HostRule& rule) {
  const bool opaque = rule.scheme == Scheme::kTcp || rule.scheme == Scheme::kSsh;
  return other.methods.empty() && other.paths.empty() && other.pattern.covers(rule.pattern) &&
         (other.any_port || other.port == rule.port) &&
         (other.any_scheme || opaque || other.scheme == rule.scheme);
}

Result<void> refuse_overruled(const NetworkProfile& network, const HostRule& rule) {
  const auto by = [&](const Rules& rules, std::string_view list) -> Result<void> {
    for (const auto& other : rules) {
      if (!overrules(other.value, rule)) continue;
      return Error(Errc::kInvalidProfile,
                   fmt::format("{} would stay refused: the {} rule {} ({}) beats every allow",
                               rule.text, list, quoted(other.value.text), other.origin.text()))
          .hint("take that rule away first");
    }
    return {};
  };
  if (auto fine = by(network.deny, "deny"); !fine) return fine;
  return by(network.ask, "ask");
}

const Sourced<HostRule>* covering(const Rules& rules, const HostRule& rule) {
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const Sourced<HostRule>& other) {
    return other.value.covers(rule);
  });
  return found == rules.end() ? nullptr : &*found;
}

// Two rules in one list of which one covers the other are an error, and which of them the user
// wants is not for us to say.
Result<void> refuse_wider(const Layer& layer, const HostRule& rule) {
  for (const auto& other : layer.allow) {
    if (!rule.covers(other.value)) continue;
    return Error(Errc::kInvalidProfile,
                 fmt::format("{} covers {} ({}), which would never matter again", rule.text,
                             quoted(other.value.text), other.origin.text()))
        .hint("write " + yaml_scalar(rule.text) + " there in its place");
  }
  return {};
}

// What still stands in the rule's way in part, a line each.
std::string remaining_limits(const NetworkProfile& network, const HostRule& rule) {
  std::string out;
  for (const auto& [list, rules] :
       {std::pair{"deny", &network.deny}, std::pair{"ask", &network.ask}}) {
    for (const auto& other : *rules) {
      if (!rule.pattern.covers(other.value.pattern) && !other.value.pattern.covers(rule.pattern)) {
        continue;
      }
      out += fmt::format("  {} {} still holds ({})\n", list, shown(other.value.text),
                         other.origin.text());
    }
  }
  if (const auto host = Host::parse(rule.pattern.text()); host && host->is_address()) {
    out +=
        "  an address that is not a public one is reached only with `private` beside it, in a "
        "profile:\n"
        "  {host: ADDRESS, private: [RANGE]}\n";
  }
  if (network.mode.value == NetworkMode::kNone) {
    out += fmt::format("  but the network mode is none ({})\n", network.mode.origin.text());
  }
  return out;
}

struct OpenFile {
  UniqueFd directory;
  std::string name;
  std::string bytes;
  mode_t mode = 0600;
};

// The file behind any links of the user's own (a directory of dot-files), or that it is missing.
Result<OpenFile> open_destination(const Places& places, const Destination& destination) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(destination.path.c_str(), nullptr),
                                                    ::free);
  const std::string path = real ? real.get() : destination.path;
  const std::size_t slash = path.rfind('/');
  OpenFile out;
  out.name = path.substr(slash + 1);
  if (!real) {
    auto directory = open_private_directory(path.substr(0, slash));
    if (!directory) return std::move(directory).error();
    out.directory = std::move(*directory);
    out.bytes = destination.beginning;
    return out;
  }
  out.directory =
      UniqueFd(::open(path.substr(0, slash).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd file(::openat(out.directory.get(), out.name.c_str(),
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) {
    return Error::system_call("cannot open " + places.shown(path), errno);
  }
  out.mode = info.st_mode & 0755U;
  auto bytes = read_file(file.get(), kMaxYamlBytes);
  if (!bytes) return std::move(bytes).error().during(places.shown(path));
  out.bytes = *std::move(bytes);
  return out;
}

// Two that add at once would otherwise lose one of the rules.
Result<UniqueFd> lock_configuration(const Places& places) {
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(places.config.c_str(), nullptr),
                                                    ::free);
  auto directory = open_private_directory(real ? real.get() : places.config);
  if (!directory) return std::move(directory).error();
  if (::flock(directory->get(), LOCK_EX) != 0) {
    return Error::system_call("cannot lock " + places.shown(places.config), errno);
  }
  return directory;
}

}  // namespace

Result<std::string> allow(const Places& places, const AllowRequest& request) {
  auto rule = HostRule::parse(request.rule, HostRule::List::kAllow);
  if (!rule) return std::move(rule).error();
  auto destination = request.profile.empty() ? project_destination(places, request.directory)
                                             : profile_destination(places, request.profile);
  if (!destination) return std::move(destination).error();
  auto lock = lock_configuration(places);
  if (!lock) return std::move(lock).error();
  // What a run there would be allowed by now; in a profile, wherever it is used.
  Selection selection;
  if (request.profile.empty()) {
    selection.directory = request.directory;
  } else {
    selection.use = {request.profile};
  }
  auto composition = compose(places, selection);
  if (!composition) return std::move(composition).error();
  const NetworkProfile& network = composition->profile.network;
  if (auto fine = refuse_overruled(network, *rule); !fine) return std::move(fine).error();
  if (const auto* known = covering(network.allow, *rule)) {
    return fmt::format("{} is already allowed {} by {} ({})\n", shown(rule->text),
                       destination->where, shown(known->value.text), known->origin.text()) +
           remaining_limits(network, *rule);
  }
  const std::string file = places.shown(destination->path);
  auto open = open_destination(places, *destination);
  if (!open) return std::move(open).error();
  auto before = load_layer(open->bytes, "", file, destination->kind);
  if (!before) return std::move(before).error();
  if (auto fine = refuse_wider(*before, *rule); !fine) return std::move(fine).error();
  auto inserted = insert_allow_rule(open->bytes, rule->text, file);
  if (!inserted) return std::move(inserted).error();
  if (auto after = load_layer(inserted->yaml, "", file, destination->kind); !after) {
    return std::move(after).error().during("adding " + rule->text);
  }
  auto written = replace_file(open->directory.get(), open->name, inserted->yaml, open->mode);
  if (!written) return std::move(written).error();
  return fmt::format("{} is allowed {} from the next run on\n  {}:{}: - {}\n", shown(rule->text),
                     destination->where, file, inserted->line, yaml_scalar(rule->text)) +
         remaining_limits(network, *rule);
}

}  // namespace redoubtful::cli
