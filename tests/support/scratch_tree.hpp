#pragma once

// A directory for one test, removed with everything in it, and the few things tests do there.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/unique_fd.hpp"

namespace redoubtful::test {

class ScratchTree {
 public:
  ScratchTree() {
    std::string name = (std::filesystem::temp_directory_path() / "redoubtful-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = std::filesystem::canonical(name).string();
  }
  ScratchTree(const ScratchTree&) = delete;
  ScratchTree& operator=(const ScratchTree&) = delete;
  ~ScratchTree() {
    std::error_code ignored;
    // A test may have taken permissions away.
    for (auto i = std::filesystem::recursive_directory_iterator(
             path_, std::filesystem::directory_options::skip_permission_denied, ignored);
         i != std::filesystem::recursive_directory_iterator(); i.increment(ignored)) {
      if (i->is_directory(ignored) && !i->is_symlink(ignored)) {
        std::filesystem::permissions(i->path(), std::filesystem::perms::owner_all,
                                     std::filesystem::perm_options::add, ignored);
      }
    }
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string at(const std::string& relative) const { return path_ + "/" + relative; }

  void make_directory(const std::string& relative) const {
    std::filesystem::create_directories(at(relative));
  }
  void write(const std::string& relative, const std::string& bytes, mode_t mode = 0644) const {
    const auto parent = std::filesystem::path(at(relative)).parent_path();
    std::filesystem::create_directories(parent);
    std::ofstream(at(relative), std::ios::binary | std::ios::trunc) << bytes;
    ::chmod(at(relative).c_str(), mode);
  }
  void link(const std::string& target, const std::string& relative) const {
    std::filesystem::create_directories(std::filesystem::path(at(relative)).parent_path());
    std::filesystem::create_symlink(target, at(relative));
  }
  std::string read(const std::string& relative) const {
    std::ifstream file(at(relative), std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
  }
  bool has(const std::string& relative) const {
    return std::filesystem::exists(std::filesystem::symlink_status(at(relative)));
  }
  UniqueFd open(const std::string& relative = "") const {
    return UniqueFd(::open(at(relative).c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }

 private:
  std::string path_;
};

struct GitResult {
  int status = -1;
  std::string output;  // stdout
};

// Runs the real git in `directory`, without the user's or the system's configuration.
inline GitResult git(const std::string& directory, const std::vector<std::string>& arguments) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  std::vector<std::string> words = {"git", "-c", "protocol.file.allow=always"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::chdir(directory.c_str()) != 0) ::_exit(120);
    ::dup2(in.get(), 1);
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 0);
    ::dup2(null, 2);
    for (const char* name : {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CONFIG"}) {
      ::unsetenv(name);
    }
    ::setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    ::setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    ::setenv("HOME", "/nonexistent", 1);
    for (const char* name : {"GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"}) ::setenv(name, "t", 1);
    for (const char* name : {"GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"}) ::setenv(name, "t@t", 1);
    ::execvp("git", argv.data());
    ::_exit(121);
  }
  in.reset();
  GitResult result;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(out.get(), buffer, sizeof buffer)) > 0;) {
    result.output.append(buffer, static_cast<std::size_t>(got));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace redoubtful::test
