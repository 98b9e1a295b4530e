#include "proxy/login_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/file.hpp"
#include "common/text.hpp"
#include "proxy/random.hpp"

namespace redoubtful::proxy {
namespace {

// As Claude Code names its own, so that what a power cut leaves is known for what it is.
std::string name_beside(const std::string& path) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = path + ".tmp.";
  for (int i = 0; i < 8; ++i) out += kDigits[random_below(kDigits.size())];
  return out;
}

Result<void> cannot(const std::string& what, int error) {
  return Error::system_call("cannot write " + quoted(what), error);
}

// With the group and mode of the old one. False: it cannot have them.
bool made_alike(int fd, const struct stat& old) {
  struct stat now {};
  if (::fstat(fd, &now) != 0 || now.st_uid != old.st_uid) return false;
  if (now.st_gid != old.st_gid && ::fchown(fd, static_cast<uid_t>(-1), old.st_gid) != 0) {
    return false;
  }
  return ::fchmod(fd, old.st_mode & 07777U) == 0;
}

}  // namespace

LoginWriter::LoginWriter(std::string path, UniqueFd own, UniqueFd beside, std::string beside_path)
    : path_(std::move(path)),
      own_(std::move(own)),
      beside_(std::move(beside)),
      beside_path_(std::move(beside_path)) {}

LoginWriter::LoginWriter(LoginWriter&& other) noexcept
    : path_(std::move(other.path_)),
      own_(std::move(other.own_)),
      beside_(std::move(other.beside_)),
      beside_path_(std::exchange(other.beside_path_, {})) {}

LoginWriter::~LoginWriter() {
  if (!beside_path_.empty()) ::unlink(beside_path_.c_str());
}

Result<LoginWriter> LoginWriter::prepare(const std::string& path, std::size_t bytes) {
  struct stat old {};
  if (::stat(path.c_str(), &old) != 0) {
    return Error::system_call("cannot look at " + quoted(path), errno);
  }
  UniqueFd own(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  std::string beside_path = name_beside(path);
  UniqueFd beside(
      ::open(beside_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  const int why = errno;
  if (!beside) beside_path.clear();
  LoginWriter out(path, std::move(own), std::move(beside), std::move(beside_path));
  if (out.beside_) {
    const bool room = ::fallocate(out.beside_.get(), 0, 0, static_cast<off_t>(bytes)) == 0;
    if (!room && errno != EOPNOTSUPP && errno != ENOSYS) {
      return Error::system_call("there is no room to write " + quoted(path) + " anew", errno);
    }
    // One file with several names, or that its directory's owner would make another's.
    if (old.st_nlink == 1 && made_alike(out.beside_.get(), old)) return out;
    ::unlink(std::exchange(out.beside_path_, {}).c_str());
    out.beside_.reset();
  }
  if (!out.own_) return Error::system_call("cannot write " + quoted(path), why);
  // In place nothing may fail half way.
  const int mode = FALLOC_FL_KEEP_SIZE;
  if (::fallocate(out.own_.get(), mode, 0, static_cast<off_t>(bytes)) != 0 && errno == ENOSPC) {
    return Error::system_call("there is no room to write " + quoted(path) + " anew", ENOSPC);
  }
  return out;
}

Result<void> LoginWriter::write(std::string_view text) {
  if (!beside_) return overwrite(text);
  auto there = write_all(beside_.get(), text);
  if (!there) return std::move(there).error().during(quoted(beside_path_));
  const bool kept = ::ftruncate(beside_.get(), static_cast<off_t>(text.size())) == 0 &&
                    ::fsync(beside_.get()) == 0;
  if (!kept) return cannot(beside_path_, errno);
  if (::rename(beside_path_.c_str(), path_.c_str()) != 0) {
    const int why = errno;  // it became a mount of its own …
    return own_ ? overwrite(text) : cannot(path_, why);
  }
  beside_path_.clear();
  const std::string directory = path_.substr(0, path_.rfind('/'));
  const UniqueFd parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent) ::fsync(parent.get());
  return {};
}

Result<void> LoginWriter::overwrite(std::string_view text) {
  if (::lseek(own_.get(), 0, SEEK_SET) != 0) return cannot(path_, errno);
  auto there = write_all(own_.get(), text);
  if (!there) return std::move(there).error().during(quoted(path_));
  if (::ftruncate(own_.get(), static_cast<off_t>(text.size())) != 0 || ::fsync(own_.get()) != 0) {
    return cannot(path_, errno);
  }
  return {};
}

}  // namespace redoubtful::proxy
