#include "cli/git_index.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "cli/git_config.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxIndexBytes = 512u << 20;
constexpr std::size_t kMaxConfigBytes = 4u << 20;
constexpr std::size_t kMaxPath = 4096;
constexpr std::uint32_t kModeDirectory = 0040000;

class Reader {
 public:
  Reader(std::string_view bytes, std::size_t hash_bytes) : bytes_(bytes), hash_bytes_(hash_bytes) {}

  Result<void> read(std::vector<std::string>& paths, std::string& shared_index) {
    if (bytes_.size() < 12 + hash_bytes_) return bad("too short for an index");
    end_ = bytes_.size() - hash_bytes_;
    if (bytes_.substr(0, 4) != "DIRC") return bad("not an index (no DIRC)");
    const std::uint32_t version = number(4);
    if (version < 2 || version > 4) return bad("index version " + std::to_string(version));
    const std::uint32_t count = number(8);
    at_ = 12;
    // Extensions decide whether an entry may be nameless, but come behind the entries.
    std::size_t nameless = 0;
    std::string previous;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (auto one = entry(version, previous, paths, nameless); !one) return one;
    }
    if (auto rest = extensions(shared_index); !rest) return rest;
    if (nameless > 0 && shared_index.empty()) return bad("an entry without a path");
    return {};
  }

 private:
  Result<void> entry(std::uint32_t version, std::string& previous, std::vector<std::string>& paths,
                     std::size_t& nameless) {
    const std::size_t begin = at_;
    const std::size_t fixed = 40 + hash_bytes_ + 2;
    if (end_ - at_ < fixed) return bad("an entry runs over the end");
    const std::uint32_t mode = number(at_ + 24);
    const std::uint32_t flags = half(at_ + 40 + hash_bytes_);
    at_ += fixed;
    if ((flags & 0x4000) != 0) {
      if (version < 3) return bad("extended flags in version 2");
      if (end_ - at_ < 2) return bad("an entry runs over the end");
      at_ += 2;
    }
    std::string path;
    if (version == 4) {
      std::uint64_t strip = 0;
      if (!offset(strip) || strip > previous.size()) return bad("a path prefix that is too long");
      path.assign(previous, 0, previous.size() - static_cast<std::size_t>(strip));
    }
    const std::size_t nul = bytes_.substr(0, end_).find('\0', at_);
    if (nul == std::string_view::npos) return bad("a path without an end");
    path.append(bytes_.substr(at_, nul - at_));
    if (path.size() > kMaxPath) return bad("a path longer than 4,096 bytes");
    const std::size_t stated = flags & 0xFFF;
    if (stated != std::min<std::size_t>(path.size(), 0xFFF)) return bad("a path of another length");
    at_ = nul + 1;
    if (version < 4) {
      // 1 to 8 NUL bytes bring the entry to a multiple of eight.
      const std::size_t padded = begin + ((nul - begin + 8) & ~std::size_t{7});
      if (padded > end_) return bad("an entry runs over the end");
      at_ = padded;
    }
    if (version == 4) previous = path;
    if (path.empty()) {
      ++nameless;  // split index: only the other fields are replaced
      return {};
    }
    const bool folded = (mode & 0170000) == kModeDirectory;
    if (folded != (path.back() == '/')) return bad("a directory entry without a slash");
    if (!is_clean(path)) return bad("the path " + quoted(path));
    paths.push_back(std::move(path));
    return {};
  }

  Result<void> extensions(std::string& shared_index) {
    while (at_ < end_) {
      if (end_ - at_ < 8) return bad("an extension runs over the end");
      const std::string_view name = bytes_.substr(at_, 4);
      const std::size_t size = number(at_ + 4);
      at_ += 8;
      if (end_ - at_ < size) return bad("an extension runs over the end");
      if (name == "link") {
        if (size < hash_bytes_) return bad("a short link extension");
        constexpr char kHex[] = "0123456789abcdef";
        bool absent = true;
        for (const char c : bytes_.substr(at_, hash_bytes_)) {
          const auto byte = static_cast<unsigned char>(c);
          shared_index += kHex[byte >> 4];
          shared_index += kHex[byte & 15];
          absent = absent && byte == 0;
        }
        if (absent) shared_index.clear();
      } else if (name != "sdir" && !(name[0] >= 'A' && name[0] <= 'Z')) {
        // A small first letter means: whoever does not know it must not go on.
        return bad("the unknown extension " + quoted(name));
      }
      at_ += size;
    }
    return {};
  }

  static bool is_clean(std::string_view path) {
    if (path.back() == '/') path.remove_suffix(1);
    while (true) {
      const std::size_t slash = path.find('/');
      const std::string_view component = path.substr(0, slash);
      if (component.empty() || component == "." || component == "..") return false;
      if (slash == std::string_view::npos) return true;
      path.remove_prefix(slash + 1);
    }
  }

  // git's variable-length offsets (varint.c): each further byte adds one before the shift.
  bool offset(std::uint64_t& value) {
    for (int i = 0; at_ < end_ && i < 8; ++i) {
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value = (value << 7) + (byte & 0x7F);
      if ((byte & 0x80) == 0) return true;
      ++value;
    }
    return false;
  }

  std::uint32_t number(std::size_t at) const { return (half(at) << 16) | half(at + 2); }
  std::uint32_t half(std::size_t at) const {
    return (std::uint32_t{static_cast<unsigned char>(bytes_[at])} << 8) |
           static_cast<unsigned char>(bytes_[at + 1]);
  }

  Error bad(const std::string& what) const {
    return Error(Errc::kInvalidProfile, "at byte " + std::to_string(at_) + ": " + what);
  }

  const std::string_view bytes_;
  const std::size_t hash_bytes_;
  std::size_t end_ = 0;
  std::size_t at_ = 0;
};

Result<std::string> read_beneath(int directory, const std::string& name, std::size_t max_bytes) {
  auto file = open_beneath(directory, name, O_RDONLY | O_NONBLOCK);
  if (!file) return std::move(file).error();
  auto bytes = read_file(file->get(), max_bytes);
  if (!bytes) return std::move(bytes).error().during(quoted(name));
  return bytes;
}

bool exists(int directory, const std::string& name) {
  return ::faccessat(directory, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

ObjectFormat object_format(int git_directory) {
  auto bytes = read_beneath(git_directory, "config", kMaxConfigBytes);
  if (!bytes) return ObjectFormat::kSha1;
  auto entries = parse_git_config(*bytes);
  if (!entries) return ObjectFormat::kSha1;
  ObjectFormat format = ObjectFormat::kSha1;
  for (const auto& entry : *entries) {
    if (entry.key == "extensions.objectformat") {
      format = entry.value == "sha256" ? ObjectFormat::kSha256 : ObjectFormat::kSha1;
    }
  }
  return format;
}

}  // namespace

Result<GitIndex> GitIndex::parse(std::string_view bytes, ObjectFormat format) {
  GitIndex index;
  Reader reader(bytes, format == ObjectFormat::kSha1 ? 20 : 32);
  if (auto read = reader.read(index.paths_, index.shared_index_); !read) {
    return std::move(read).error();
  }
  std::sort(index.paths_.begin(), index.paths_.end());
  index.paths_.erase(std::unique(index.paths_.begin(), index.paths_.end()), index.paths_.end());
  return index;
}

bool GitIndex::tracks(std::string_view path) const {
  if (std::binary_search(paths_.begin(), paths_.end(), path, std::less<>())) return true;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (std::binary_search(paths_.begin(), paths_.end(), path.substr(0, slash + 1),
                           std::less<>())) {
      return true;
    }
  }
  return false;
}

std::string GitIndex::first_below(std::string_view directory) const {
  std::string prefix(directory);
  prefix += '/';
  const auto found = std::lower_bound(paths_.begin(), paths_.end(), prefix);
  if (found != paths_.end() && found->starts_with(prefix)) return *found;
  return tracks(directory) ? std::string(directory) : std::string();
}

void GitIndex::merge(GitIndex&& shared) {
  paths_.insert(paths_.end(), std::make_move_iterator(shared.paths_.begin()),
                std::make_move_iterator(shared.paths_.end()));
  std::sort(paths_.begin(), paths_.end());
  paths_.erase(std::unique(paths_.begin(), paths_.end()), paths_.end());
}

Result<GitIndex> read_git_index(int git_directory) {
  if (!exists(git_directory, "index")) return GitIndex();
  const ObjectFormat format = object_format(git_directory);
  const auto read = [&](const std::string& name) -> Result<GitIndex> {
    auto bytes = read_beneath(git_directory, name, kMaxIndexBytes);
    if (!bytes) return std::move(bytes).error();
    auto index = GitIndex::parse(*bytes, format);
    if (!index) return std::move(index).error().during("reading git's " + quoted(name));
    return index;
  };
  auto index = read("index");
  if (!index) return index;
  if (!index->shared_index().empty()) {
    auto shared = read("sharedindex." + index->shared_index());
    if (!shared) {
      return std::move(shared).error().hint("run git update-index --no-split-index there");
    }
    index->merge(std::move(*shared));
  }
  return index;
}

}  // namespace redoubtful::cli
