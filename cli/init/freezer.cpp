#include "cli/init/freezer.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace redoubtful::cli::init {
namespace {

// Fields 3 (state) and 22 (start time) of /proc/PID/stat; the name in field 2 may contain anything,
// so counting begins behind the last ')'. Source: proc(5).
bool read_stat(int directory, const char* name, char& state, unsigned long long& start) {
  char path[32];
  std::snprintf(path, sizeof path, "%.16s/stat", name);
  const int fd = ::openat(directory, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[1024];
  const ssize_t got = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (got <= 0) return false;
  text[got] = '\0';
  const char* at = std::strrchr(text, ')');
  if (at == nullptr || at[1] != ' ') return false;
  at += 2;
  state = *at;
  for (int field = 3; field < 22; ++field) {
    at = std::strchr(at, ' ');
    if (at == nullptr) return false;
    ++at;
  }
  start = std::strtoull(at, nullptr, 10);
  return true;
}

}  // namespace

bool Freezer::list(Process*& processes, std::size_t& count) {
  processes = nullptr;
  count = 0;
  DIR* const proc = ::opendir("/proc");
  if (proc == nullptr) return false;
  std::size_t room = 0;
  bool complete = true;
  while (const dirent* const entry = ::readdir(proc)) {
    char* end = nullptr;
    const long pid = std::strtol(entry->d_name, &end, 10);
    if (pid <= 1 || *end != '\0' || pid == ::getpid()) continue;
    char state = 0;
    Process process{static_cast<pid_t>(pid), 0, false};
    if (!read_stat(::dirfd(proc), entry->d_name, state, process.start)) continue;
    process.stopped = state == 'T';
    if (count == room) {
      room = room == 0 ? 64 : room * 2;
      void* const grown = std::realloc(processes, room * sizeof(Process));
      if (grown == nullptr) {
        complete = false;
        break;
      }
      processes = static_cast<Process*>(grown);
    }
    processes[count++] = process;
  }
  ::closedir(proc);
  return complete;
}

void Freezer::freeze() {
  if (frozen_) return;
  Process* processes = nullptr;
  std::size_t count = 0;
  list(processes, count);
  ::kill(-1, SIGSTOP);
  frozen_ = true;
  std::free(stopped_before_);
  stopped_before_ = processes;
  stopped_count_ = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (processes[i].stopped) stopped_before_[stopped_count_++] = processes[i];
  }
}

bool Freezer::was_stopped(const Process& process) const {
  for (std::size_t i = 0; i < stopped_count_; ++i) {
    if (stopped_before_[i].pid == process.pid && stopped_before_[i].start == process.start) {
      return true;
    }
  }
  return false;
}

void Freezer::thaw() {
  if (!frozen_) return;
  frozen_ = false;
  Process* processes = nullptr;
  std::size_t count = 0;
  if (!list(processes, count) || processes == nullptr) {
    // Better to continue too much than to leave the box standing still.
    ::kill(-1, SIGCONT);
    std::free(processes);
    return;
  }
  // Youngest first.
  std::qsort(processes, count, sizeof(Process), [](const void* left, const void* right) {
    const auto* const a = static_cast<const Process*>(left);
    const auto* const b = static_cast<const Process*>(right);
    if (a->start != b->start) return a->start < b->start ? 1 : -1;
    return a->pid < b->pid ? 1 : -1;
  });
  for (std::size_t i = 0; i < count; ++i) {
    if (!was_stopped(processes[i])) ::kill(processes[i].pid, SIGCONT);
  }
  std::free(processes);
}

}  // namespace redoubtful::cli::init
