#include "cli/flags.hpp"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cli/credential_loader.hpp"
#include "cli/value_syntax.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxSecretsBytes = 64 * 1024;

Origin from_option(std::string_view option, std::string_view value) {
  return {"command line", 0, 0, std::string(option) + " " + shown(value)};
}

Error during_option(Error error, std::string_view option, std::string_view value) {
  return std::move(error).during(std::string(option) + " " + shown(value.substr(0, 80)));
}

// Calls `use(text, origin)` for each; an error is prefixed with the option as it was typed.
template <class Use>
Result<void> for_each(const std::vector<std::string>& texts, std::string_view option, Use use) {
  for (const auto& text : texts) {
    if (auto used = use(text, from_option(option, text)); !used) {
      return during_option(std::move(used).error(), option, text);
    }
  }
  return {};
}

Result<void> add_rules(const std::vector<std::string>& texts, std::string_view option,
                       HostRule::List list, std::vector<Sourced<HostRule>>& out) {
  return for_each(texts, option, [&](const std::string& text, Origin origin) -> Result<void> {
    auto rule = HostRule::parse(text, list);
    if (!rule) return std::move(rule).error();
    out.push_back({*std::move(rule), std::move(origin)});
    return {};
  });
}

Result<void> add_ports(const std::vector<std::string>& texts, std::string_view option,
                       std::vector<PortForward>& out) {
  return for_each(texts, option, [&](const std::string& text, Origin origin) -> Result<void> {
    auto forward = parse_forward(text);
    if (!forward) return std::move(forward).error();
    forward->origin = std::move(origin);
    out.push_back(*std::move(forward));
    return {};
  });
}

template <class T, class Parse>
Result<void> set_mode(const std::string& text, std::string_view option, Parse parse,
                      std::optional<Sourced<T>>& out) {
  if (text.empty()) return {};
  auto value = parse(text);
  if (!value) return during_option(std::move(value).error(), option, text);
  out = Sourced<T>{*value, from_option(option, text)};
  return {};
}

Result<void> add_variable(const std::string& text, Layer& layer) {
  const std::size_t equals = text.find('=');
  const std::string name_text = text.substr(0, equals);
  const Origin origin = from_option("-e", name_text);
  auto name = parse_variable_name(name_text);
  if (!name) return during_option(std::move(name).error(), "-e", name_text);
  if (equals == std::string::npos) {
    layer.pass.push_back({*std::move(name), origin});
  } else {
    layer.set.push_back({*std::move(name), text.substr(equals + 1), origin});
  }
  return {};
}

// The option's words are not repeated in an error: they may hold what must not be shown.
Result<void> add_secret(std::string_view text, Origin origin, Layer& layer) {
  auto credential = parse_secret(text);
  if (!credential) return std::move(credential).error();
  for (const auto& other : layer.credentials) {
    if (other.name != credential->name) continue;
    return Error(Errc::kUsage, "-s names " + other.name + " twice");
  }
  credential->origin = std::move(origin);
  layer.credentials.push_back(*std::move(credential));
  return {};
}

// One to a line, empty lines and # comments between. It says where values are and holds none, but
// somebody may put one in by mistake: so nobody else may read it.
Result<void> add_secrets_of(const std::string& path, Layer& layer) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat facts {};
  if (!file || ::fstat(file.get(), &facts) != 0) {
    return Error(Errc::kInvalidProfile,
                 "cannot read " + quoted(path) + ": " + strerrordesc_np(errno));
  }
  if ((facts.st_mode & 077) != 0 || facts.st_uid != ::getuid()) {
    return Error(Errc::kInvalidProfile,
                 quoted(path) + " must belong to you, and be open to nobody else")
        .hint("chmod 600 " + shown(path));
  }
  auto content = read_file(file.get(), kMaxSecretsBytes);
  if (!content) return std::move(content).error().during(quoted(path));
  std::string_view rest = *content;
  for (int line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (text.ends_with('\r')) text.remove_suffix(1);
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    if (text.empty() || text.front() == '#') continue;
    const Origin origin{path, line, 0, {}};
    if (auto added = add_secret(text, origin, layer); !added) {
      return std::move(added).error().during(origin.text());
    }
  }
  return {};
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

}  // namespace

Result<std::string> absolute_path(std::string_view text, const std::string& current_directory) {
  if (text.starts_with('/') || text.starts_with("~/")) return parse_path(text);
  if (text.empty()) return Error(Errc::kUsage, "the path is empty");
  if (current_directory.empty()) {
    return Error(Errc::kInvalidMount,
                 "the path " + quoted(text, 80) +
                     " is relative, but the current directory no longer exists")
        .hint("change to a directory that exists, or write an absolute path");
  }
  std::string base = current_directory;
  while (text == ".." || text.starts_with("../")) {
    if (!base.empty()) base.resize(base.rfind('/'));  // the root's ".." is the root
    text.remove_prefix(std::min<std::size_t>(text.size(), 3));
  }
  return parse_path(base + "/" + std::string(text));
}

Result<MountRequest> parse_mount(std::string_view text, const std::string& current_directory) {
  MountRequest mount;
  std::string_view rest = text;
  if (take_suffix(rest, ":cow")) {
    auto later = parse_mount_mode("cow");
    if (!later) return std::move(later).error();
  }
  if (take_suffix(rest, ":rw")) {
    mount.mode = MountMode::kReadWrite;
  } else {
    take_suffix(rest, ":ro");
  }
  if (rest.find(":~/") != std::string_view::npos) {
    return Error(Errc::kUsage, "TO must be an absolute path");
  }
  if (const std::size_t colon = rest.find(":/"); colon != std::string_view::npos) {
    if (rest.find(":/", colon + 1) != std::string_view::npos) {
      return Error(Errc::kUsage, "more than one \":/\", so it is unclear where TO begins")
          .hint("write it in a profile: filesystem: {mounts: [{path: ..., to: ...}]}");
    }
    auto to = parse_path(rest.substr(colon + 1));
    if (!to) return std::move(to).error();
    mount.to = *std::move(to);
    rest = rest.substr(0, colon);
  }
  auto path = absolute_path(rest, current_directory);
  if (!path) return std::move(path).error();
  mount.path = *std::move(path);
  return mount;
}

Result<Layer> flags_layer(const FlagTexts& texts, const std::string& current_directory) {
  Layer layer;
  layer.name = "command line";
  layer.file = "command line";
  const auto add_mount = [&](const std::string& text, Origin origin) -> Result<void> {
    auto mount = parse_mount(text, current_directory);
    if (!mount) return std::move(mount).error();
    mount->origin = std::move(origin);
    layer.mounts.push_back(*std::move(mount));
    return {};
  };
  const auto add_path = [&](const std::string& text, Origin origin) -> Result<void> {
    auto path = absolute_path(text, current_directory);
    if (!path) return std::move(path).error();
    if (path->find(':') != std::string::npos) {
      return Error(Errc::kInvalidProfile,
                   "a directory with a colon in its name cannot stand in PATH");
    }
    layer.path.push_back({*std::move(path), std::move(origin)});
    return {};
  };
  auto done = for_each(texts.mounts, "-m", add_mount);
  if (done) done = for_each(texts.path, "-p", add_path);
  if (done) done = add_ports(texts.forward, "-f", layer.forward);
  if (done) done = add_ports(texts.publish, "--publish", layer.publish);
  if (done) done = add_rules(texts.allow, "-a", HostRule::List::kAllow, layer.allow);
  if (done) done = add_rules(texts.deny, "--deny", HostRule::List::kDeny, layer.deny);
  if (done) done = add_rules(texts.ask, "--ask", HostRule::List::kAsk, layer.ask);
  for (const auto& text : texts.environment) {
    if (done) done = add_variable(text, layer);
  }
  for (const auto& text : texts.secrets) {
    if (done) {
      done = text.starts_with('@') ? add_secrets_of(text.substr(1), layer)
                                   : add_secret(text, from_option("-s", text), layer);
    }
    if (!done) return std::move(done).error().during("-s");
  }
  if (done) done = set_mode(texts.network, "--network", parse_network_mode, layer.mode);
  if (done) done = set_mode(texts.home, "--home", parse_home_mode, layer.home);
  if (done) done = set_mode(texts.cwd, "--cwd", parse_mount_mode, layer.cwd);
  if (!done) return std::move(done).error();
  return layer;
}

}  // namespace redoubtful::cli
