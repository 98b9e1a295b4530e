#pragma once

// What the planning code may ask about the host's file tree, and how a path is followed through it.
//
// The interface exists so that the mount plan stays a function of values: tests answer from a
// table. Following links here is *for planning only*; what is mounted is opened again by its real
// path, without following anything, and must be the same inode (mount_attach.hpp).

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/path_text.hpp"

namespace redoubtful::cli {

enum class FileType { kRegular, kDirectory, kSymlink, kSocket, kFifo, kDevice };

struct FileFacts {
  FileType type = FileType::kRegular;
  uid_t owner = 0;
  mode_t permissions = 0;  // the low 12 bits
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileFacts&, const FileFacts&) = default;
};

// The same file or directory, whatever its path.
inline bool same_file(const FileFacts& a, const FileFacts& b) {
  return a.device == b.device && a.inode == b.inode;
}

// `facts`, or why there are none.
struct Lookup {
  int error = 0;  // errno; 0: found
  FileFacts facts;
  bool found() const noexcept { return error == 0; }
};

class HostFiles {
 public:
  virtual ~HostFiles() = default;
  virtual Lookup look(const std::string& path) const = 0;  // lstat(2)
  virtual std::optional<std::string> read_link(const std::string& path) const = 0;
  // May this user read it (and enter it, for a directory)? access(2).
  virtual bool readable(const std::string& path, FileType type) const = 0;
  virtual std::vector<std::string> list(const std::string& directory) const = 0;  // sorted names
};

// The machine's own files.
const HostFiles& machine_files();

struct FollowedLink {
  std::string at;  // real path of the link itself
  std::string to;  // its text
};

struct ResolvedPath {
  int error = 0;     // errno of the component that could not be followed; ELOOP after 40 links
  std::string real;  // without links, "." or ".."; as far as it went
  FileFacts facts;   // of `real`
  std::vector<FollowedLink> links;  // in the order met
};

// realpath(3), keeping the links it went through.
ResolvedPath resolve(const HostFiles& files, const std::string& path);

// The first link of `path` that lies in or below one of `directories`; none: nullptr. Borrowed.
const FollowedLink* link_below(const ResolvedPath& path,
                               const std::vector<std::string>& directories);

// `path` made absolute against `base`, without ".", ".." or doubled slashes; lexical.
std::string normalized(std::string_view path, std::string_view base = "/");

}  // namespace redoubtful::cli
