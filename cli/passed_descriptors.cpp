#include "cli/passed_descriptors.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/control_channel.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMostBytes = 256;

}  // namespace

Result<void> pass_descriptors(int channel, std::string_view bytes,
                              const std::vector<int>& descriptors) {
  std::vector<char> space(CMSG_SPACE(descriptors.size() * sizeof(int)), '\0');
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
  if (::sendmsg(channel, &message, MSG_NOSIGNAL) < 0) {
    return Error::system_call("cannot hand over descriptors", errno);
  }
  return {};
}

Result<PassedDescriptors> take_descriptors(int channel) {
  std::array<char, kMostBytes> bytes{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(control::kMaxDescriptors * sizeof(int))> space{};
  iovec part{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  const ssize_t got = ::recvmsg(channel, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return Error::system_call("cannot take over descriptors", errno);
  PassedDescriptors out;
  out.bytes.assign(bytes.data(), static_cast<std::size_t>(got));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      out.descriptors.emplace_back(fd);
    }
  }
  if (got == 0 || (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0) {
    return Error(Errc::kPeerProtocol, "the descriptors did not arrive whole");
  }
  return out;
}

}  // namespace redoubtful::cli
