#include "cli/guard_watch.hpp"

#include <fcntl.h>
#include <sys/inotify.h>

#include <cerrno>
#include <climits>

#include "cli/beneath.hpp"
#include "cli/owned_path.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {

Result<GuardWatch> GuardWatch::create() {
  UniqueFd inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify) {
    return Error::system_call("cannot watch the masked files", errno)
        .hint("raise fs.inotify.max_user_instances (sysctl)");
  }
  return GuardWatch(std::move(inotify));
}

Result<void> GuardWatch::add(int mount, Place place) {
  auto parent = open_parent(mount, place.path);
  if (!parent) return std::move(parent).error().during("watching " + quoted(place.path));
  // The descriptor's own entry in /proc: a magic link to what was opened, not a walk by name.
  const std::string link = "/proc/self/fd/" + std::to_string(parent->get());
  const int watch = ::inotify_add_watch(
      inotify_.get(), link.c_str(),
      IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR | IN_EXCL_UNLINK);
  if (watch < 0) {
    Error error = Error::system_call("cannot watch the directory of " + quoted(place.path), errno);
    if (errno == ENOSPC) return std::move(error).hint("raise fs.inotify.max_user_watches (sysctl)");
    return error;
  }
  const std::string name(name_of(place.path));
  directories_[watch].names[name].insert(std::move(place));
  return {};
}

std::vector<GuardWatch::Place> GuardWatch::replaced() {
  std::set<Place> changed;
  alignas(inotify_event) char buffer[16 * 1024];
  for (;;) {
    const ssize_t got = ::read(inotify_.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        for (const auto& [watch, directory] : directories_) {
          for (const auto& [name, places] : directory.names) {
            changed.insert(places.begin(), places.end());
          }
        }
        continue;
      }
      const auto directory = directories_.find(event->wd);
      if (directory == directories_.end()) continue;
      if ((event->mask & IN_IGNORED) != 0) {
        // The directory itself is gone: so is everything that was watched in it.
        for (const auto& [name, places] : directory->second.names) {
          changed.insert(places.begin(), places.end());
        }
        directories_.erase(directory);
        continue;
      }
      if (event->len == 0) continue;
      const auto places = directory->second.names.find(std::string_view(event->name));
      if (places != directory->second.names.end()) {
        changed.insert(places->second.begin(), places->second.end());
      }
    }
  }
  return {changed.begin(), changed.end()};
}

}  // namespace redoubtful::cli
