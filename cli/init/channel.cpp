#include "cli/init/channel.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace redoubtful::cli::init {

void report(protocol::Report type, int value, int detail, int descriptor) {
  protocol::Message message;
  message.type = static_cast<std::uint16_t>(type);
  message.value = value;
  message.detail = detail;
  iovec part{&message, sizeof message};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
  if (descriptor >= 0) {
    header.msg_control = ancillary;
    header.msg_controllen = sizeof ancillary;
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(kControl, &header, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) ::_exit(protocol::kExitBroken);
}

void fail(protocol::Stage stage, int error) {
  report(protocol::Report::kFailed, error, static_cast<int>(stage));
  ::_exit(protocol::kExitBroken);
}

int wait_for_specification() {
  protocol::Message message;
  iovec part{&message, sizeof message};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = ancillary;
  header.msg_controllen = sizeof ancillary;
  ssize_t got = 0;
  do {
    got = ::recvmsg(kControl, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  const cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  if (got != static_cast<ssize_t>(sizeof message) ||
      message.version != protocol::kProtocolVersion ||
      message.type != static_cast<std::uint16_t>(protocol::Order::kSpecification) ||
      rights == nullptr || rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) {
    ::_exit(protocol::kExitBroken);
  }
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(rights), sizeof descriptor);
  return descriptor;
}

bool next_order(protocol::Message& message) {
  ssize_t got = 0;
  do {
    got = ::recv(kControl, &message, sizeof message, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return false;
  if (got != static_cast<ssize_t>(sizeof message) ||
      message.version != protocol::kProtocolVersion) {
    ::_exit(protocol::kExitBroken);
  }
  return true;
}

}  // namespace redoubtful::cli::init
