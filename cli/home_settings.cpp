#include "cli/home_settings.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "cli/settings_merge.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxSettings = 16U << 20U;

class Writer {
 public:
  Writer(const HomeSettings& request, MountPlan& plan) : request_(request), plan_(plan) {
    facts_.cwd = plan.directory;
    facts_.project = request.facts->project_top;
    for (const auto& entry : *request.environment) {
      const std::size_t equals = entry.find('=');
      if (equals == std::string::npos) continue;
      facts_.variables.emplace(entry.substr(0, equals), entry.substr(equals + 1));
    }
  }

  Result<void> put(const SettingsFile& entry) {
    const std::string below = entry.file.substr(2);
    if (is_laid_over(plan_, plan_.home + "/" + below)) return {};
    const auto user = users_file(entry.from.empty() ? entry.file : entry.from);
    if (!persistent()) {
      plan_.steps.push_back({.kind = StepKind::kFile,
                             .part = StepPart::kHome,
                             .target = plan_.home + "/" + below,
                             .source = {},
                             .text = merged(entry, user, std::nullopt),
                             .permissions = 0600,
                             .facts = {},
                             .why = entry.origin.text()});
      return {};
    }
    auto directory = open_directory(parent_of("/" + below).substr(1));
    if (!directory) return std::move(directory).error();
    const std::string name(name_of(below));
    std::optional<std::string> earlier;
    if (auto file = open_beneath(directory->get(), name, O_RDONLY | O_NONBLOCK); file) {
      auto text = read_file(file->get(), kMaxSettings);
      if (text) earlier = *std::move(text);
    }
    const std::string text = merged(entry, user, earlier);
    if (earlier == text) return {};
    return replace_file(directory->get(), name, text, 0600, Durability::kQuick);
  }

  std::vector<std::string> notes;

 private:
  bool persistent() const { return !request_.facts->private_home.empty(); }

  std::string merged(const SettingsFile& entry, const std::optional<std::string>& user,
                     const std::optional<std::string>& earlier) {
    auto out =
        merge_settings(entry, user ? &*user : nullptr, earlier ? &*earlier : nullptr, facts_);
    if (!out.warning.empty()) notes.push_back(std::move(out.warning));
    return std::move(out.text);
  }

  // Never by a way that a box could have made.
  std::optional<std::string> users_file(const std::string& path) {
    const HostFacts& host = *request_.facts;
    const ResolvedPath found = resolve(*host.files, normalized(expand_home(path, host.home)));
    if (found.error == ENOENT || found.error == ENOTDIR) return std::nullopt;
    const auto refuse = [&](const std::string& why) {
      notes.push_back(shown(path) + " is not seen inside: " + why);
      return std::nullopt;
    };
    if (found.error != 0) return refuse(strerrordesc_np(found.error));
    const bool writable =
        link_below(found, host.written_roots) != nullptr ||
        std::any_of(host.written_roots.begin(), host.written_roots.end(),
                    [&](const std::string& root) { return is_within(found.real, root); });
    if (writable) return refuse("a box could have written it");
    auto file = open_resolved(AT_FDCWD, found.real, O_RDONLY | O_NONBLOCK,
                              RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (!file) return refuse(file.error().what());
    auto text = read_file(file->get(), kMaxSettings);
    if (!text) return refuse(text.error().what());
    return *std::move(text);
  }

  // The directory `path` of the persistent home, made where it is missing.
  Result<UniqueFd> open_directory(const std::string& path) {
    auto at = open_resolved(AT_FDCWD, request_.facts->private_home, O_RDONLY | O_DIRECTORY,
                            RESOLVE_NO_MAGICLINKS);
    std::size_t begin = 0;
    while (at && begin < path.size()) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      const std::string name = path.substr(begin, end - begin);
      begin = end + 1;
      if (::mkdirat(at->get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
        return Error::system_call("cannot make " + quoted(path) + " in the private home", errno);
      }
      at = open_beneath(at->get(), name, O_RDONLY | O_DIRECTORY);
    }
    if (at) return at;
    return Error(Errc::kInvalidMount, "the private home has " + quoted(path) +
                                          " in the place of a directory: " + at.error().what())
        .hint(
            "an earlier run put a link or a file there; `redoubtful home reset` makes the home "
            "new");
  }

  const HomeSettings& request_;
  MountPlan& plan_;
  SettingsFacts facts_;
};

}  // namespace

bool is_laid_over(const MountPlan& plan, const std::string& path) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const MountStep& step) {
    const bool laid = (step.kind == StepKind::kBind && step.part != StepPart::kHome) ||
                      step.kind == StepKind::kCover;
    return laid && is_within(path, step.target) && step.target != "/";
  });
}

Result<std::vector<std::string>> put_settings(const HomeSettings& request, MountPlan& plan) {
  Writer writer(request, plan);
  for (const auto& entry : *request.settings) {
    if (auto put = writer.put(entry); !put) {
      return std::move(put).error().during("putting " + shown(entry.file) + " in order (" +
                                           entry.origin.text() + ")");
    }
  }
  return std::move(writer.notes);
}

}  // namespace redoubtful::cli
