#pragma once

// A directory for one test, gone afterwards, with files to order.

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "cli/places.hpp"

namespace redoubtful::cli {

class TemporaryTree {
 public:
  TemporaryTree() {
    std::string name = (std::filesystem::temp_directory_path() / "redoubtful-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    root_ = std::filesystem::canonical(name).string();
  }
  TemporaryTree(const TemporaryTree&) = delete;
  TemporaryTree& operator=(const TemporaryTree&) = delete;
  ~TemporaryTree() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  const std::string& root() const { return root_; }
  std::string path(const std::string& name) const { return root_ + "/" + name; }

  // With its directories; nobody else may write any of it.
  std::string write(const std::string& name, const std::string& text) const {
    const std::string file = path(name);
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file, std::ios::binary) << text;
    ::chmod(file.c_str(), 0644);
    return file;
  }
  std::string directory(const std::string& name) const {
    std::filesystem::create_directories(path(name));
    return path(name);
  }

  // All places in here: home/, etc/, builtin/ ...
  Places places() const {
    return {path("home"),
            path("home/.config/redoubtful"),
            path("home/.local/state/redoubtful"),
            path("runtime"),
            path("etc"),
            path("builtin")};
  }

 private:
  std::string root_;
};

}  // namespace redoubtful::cli
