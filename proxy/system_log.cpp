#include "proxy/system_log.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/text.hpp"

namespace redoubtful::proxy {
namespace {

constexpr int kUserFacility = 1;

}  // namespace

SystemLog::SystemLog(UniqueFd fd)
    : fd_(std::move(fd)), tag_(fmt::format("redoubtful-proxy[{}]: ", ::getpid())) {}

Result<SystemLog> SystemLog::open(const std::string& path) {
  const auto absent = [&](int error) {
    return Error(Errc::kInvalidProfile, fmt::format("nobody takes log lines at {}: {}", shown(path),
                                                    ::strerrordesc_np(error)))
        .hint("start journald or a syslog daemon, or take the key out");
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return absent(ENAMETOOLONG);
  path.copy(address.sun_path, path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Error::system_call("cannot open a socket", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return absent(errno);
  }
  return SystemLog(std::move(fd));
}

void SystemLog::write(Severity severity, std::string_view line) {
  std::string datagram = fmt::format("<{}>", kUserFacility * 8 + static_cast<int>(severity));
  datagram.reserve(datagram.size() + tag_.size() + line.size());
  datagram.append(tag_).append(line);
  ssize_t sent = 0;
  do {
    sent = ::send(fd_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return;
  if (errno == EAGAIN || errno == ENOBUFS) {
    ++busy_;
  } else {
    if (gone_++ == 0) error_ = errno;
  }
}

std::string SystemLog::losses() const {
  std::string out;
  if (busy_ > 0) out = fmt::format("{} while its receiver was busy", busy_);
  if (gone_ > 0) {
    out += fmt::format(
        "{}{} because its receiver was gone ({}), which only the next run connects "
        "to again",
        out.empty() ? "" : ", ", gone_, ::strerrordesc_np(error_));
  }
  return out;
}

}  // namespace redoubtful::proxy
