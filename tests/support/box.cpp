#include "tests/support/box.hpp"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

namespace redoubtful::test {
namespace fs = std::filesystem;
namespace {

std::string user_name() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::getuid());
}

}  // namespace

World::World() {
  // Not below /tmp, which inside is another one: most users' projects do not lie there.
  std::string name = "/var/tmp/redoubtful-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  top_ = name;
  home_ = top_ / "home";
  project_ = home_ / "project";
  fs::create_directories(project_);
  adopt_orphans();
}

World::~World() {
  EXPECT_EQ(remaining_descendants(std::chrono::seconds(1)), std::vector<std::string>{})
      << "processes outlived their run";
  end_descendants();  // or every test after this one fails as well
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(top_, ignored)) {
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) {
      fs::permissions(entry.path(), fs::perms::owner_all, fs::perm_options::add, ignored);
    }
  }
  std::error_code error;
  fs::remove_all(top_, error);
  EXPECT_FALSE(error) << "something is still mounted below " << top_ << ": " << error.message();
}

fs::path World::write(const fs::path& path, std::string_view content) const {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  EXPECT_TRUE(file.flush()) << path;
  return path;
}

Program World::redoubtful(std::vector<std::string> arguments) const {
  Program program;
  program.arguments = std::move(arguments);
  program.arguments.insert(program.arguments.begin(), redoubtful_program());
  program.environment = {"HOME=" + home_.string(),
                         "USER=" + user_name(),
                         "LOGNAME=" + user_name(),
                         "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                         "SHELL=/bin/bash",
                         "LANG=C.UTF-8",
                         "TERM=xterm"};
  program.directory = project_;
  return program;
}

Program World::program(const BoxRun& request) const {
  std::vector<std::string> arguments{"run"};
  arguments.insert(arguments.end(), request.options.begin(), request.options.end());
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), request.command.begin(), request.command.end());
  Program program = redoubtful(std::move(arguments));
  program.environment.insert(program.environment.end(), request.environment.begin(),
                             request.environment.end());
  if (!request.directory.empty()) program.directory = request.directory;
  program.input = request.input;
  program.streams = request.streams;
  program.group = request.group;
  program.descriptors = request.descriptors;
  return program;
}

Program World::bare(const BoxRun& request) const {
  Program program = this->program(request);
  program.arguments = request.command;
  return program;
}

Outcome World::run(const BoxRun& request, std::chrono::milliseconds deadline) const {
  return test::run(program(request), deadline);
}

BoxRun World::probe_run(std::string_view name, std::vector<std::string> arguments,
                        BoxRun request) const {
  request.options.insert(request.options.end(), {"-m", probe_directory()});
  request.command = std::move(arguments);
  request.command.insert(request.command.begin(), probe_directory() / name);
  return request;
}

ProbeReport World::probe(std::string_view name, std::vector<std::string> arguments,
                         BoxRun request) const {
  return ProbeReport(run(probe_run(name, std::move(arguments), std::move(request))));
}

ProbeReport World::probe_outside(std::string_view name, std::vector<std::string> arguments,
                                 BoxRun request) const {
  return ProbeReport(test::run(bare(probe_run(name, std::move(arguments), std::move(request)))));
}

TreeWatch::TreeWatch(const fs::path& root, const fs::path& except)
    : queue_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), except_(except) {
  EXPECT_TRUE(queue_.valid());
  add(root);
}

void TreeWatch::add(const fs::path& directory) {
  if (directory == except_) return;
  const int watch =
      ::inotify_add_watch(queue_.get(), directory.c_str(),
                          IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR);
  EXPECT_GE(watch, 0) << directory << ": " << std::strerror(errno);
  directories_[watch] = directory;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.is_directory() && !entry.is_symlink()) add(entry.path());
  }
}

std::vector<std::string> TreeWatch::changes() {
  std::vector<std::string> found;
  alignas(inotify_event) char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(queue_.get(), buffer, sizeof buffer);
    if (got <= 0) return found;
    for (const char* at = buffer; at < buffer + got;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof event);
      EXPECT_EQ(event.mask & IN_Q_OVERFLOW, 0u);
      const std::string name = event.len > 0 ? at + sizeof event : "";
      at += sizeof event + event.len;
      if ((event.mask & IN_IGNORED) != 0) continue;
      const fs::path path = directories_[event.wd] / name;
      const char* what = (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0 ? "appeared " : "vanished ";
      if (path != except_) found.push_back(what + path.string());
    }
  }
}

}  // namespace redoubtful::test
