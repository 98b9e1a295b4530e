#include "cli/passed_descriptors.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "common/control_channel.hpp"
#include "common/scm_rights.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMostBytes = 256;

}  // namespace

Result<void> pass_descriptors(int channel, std::string_view bytes,
                              const std::vector<int>& descriptors) {
  std::vector<char> space(rights_bytes(descriptors.size()), '\0');
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  put_rights(message, descriptors);
  if (::sendmsg(channel, &message, MSG_NOSIGNAL) < 0) {
    return Error::system_call("cannot hand over descriptors", errno);
  }
  return {};
}

Result<PassedDescriptors> take_descriptors(int channel) {
  std::array<char, kMostBytes> bytes{};
  alignas(cmsghdr) std::array<char, rights_bytes(control::kMaxDescriptors)> space{};
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
  out.descriptors = take_rights(message);
  if (got == 0 || (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0) {
    return Error(Errc::kPeerProtocol, "the descriptors did not arrive whole");
  }
  return out;
}

}  // namespace redoubtful::cli
