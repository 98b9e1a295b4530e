#pragma once

// A file tree in a table, for units that plan and never touch the disk.

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>

#include "cli/host_files.hpp"

namespace redoubtful::cli {

class FakeFiles final : public HostFiles {
 public:
  FakeFiles() { add("/", FileType::kDirectory, {}); }

  FakeFiles& directory(const std::string& path) {
    add(path, FileType::kDirectory, {});
    return *this;
  }
  FakeFiles& file(const std::string& path, mode_t permissions = 0644) {
    add(path, FileType::kRegular, {});
    entries_[path].facts.permissions = permissions;
    return *this;
  }
  FakeFiles& link(const std::string& path, const std::string& to) {
    add(path, FileType::kSymlink, to);
    return *this;
  }
  FakeFiles& special(const std::string& path, FileType type) {
    add(path, type, {});
    return *this;
  }
  FakeFiles& unreadable(const std::string& path) {
    add(path, FileType::kDirectory, {});
    entries_[path].readable = false;
    return *this;
  }
  // Another path of the same directory, as a bind mount makes it.
  FakeFiles& alias(const std::string& path, const std::string& of) {
    add(path, FileType::kDirectory, {});
    entries_[path].facts = entries_[of].facts;
    return *this;
  }

  Lookup look(const std::string& path) const override {
    const auto found = entries_.find(path);
    if (found == entries_.end()) return {.error = ENOENT, .facts = {}};
    return {.error = 0, .facts = found->second.facts};
  }
  std::optional<std::string> read_link(const std::string& path) const override {
    const auto found = entries_.find(path);
    if (found == entries_.end()) return std::nullopt;
    return found->second.target;
  }
  bool readable(const std::string& path, FileType) const override {
    return entries_.at(path).readable;
  }
  std::vector<std::string> list(const std::string& directory) const override {
    std::vector<std::string> names;
    for (const auto& [path, entry] : entries_) {
      if (path != "/" && parent_of(path) == directory) names.emplace_back(name_of(path));
    }
    return names;
  }

 private:
  struct Entry {
    FileFacts facts;
    std::string target;
    bool readable = true;
  };

  void add(const std::string& path, FileType type, const std::string& target) {
    if (path != "/") {
      const std::string parent = parent_of(path);
      if (!entries_.contains(parent)) add(parent, FileType::kDirectory, {});
    }
    Entry entry;
    entry.facts.type = type;
    entry.facts.permissions = type == FileType::kDirectory ? 0755 : 0644;
    entry.facts.device = 1;
    entry.facts.inode = ++inode_;
    entry.target = target;
    entries_[path] = entry;
  }

  std::map<std::string, Entry> entries_;
  ino_t inode_ = 0;
};

}  // namespace redoubtful::cli
