// Frames over the socket: sent whole, collected piece by piece, descriptors with their first byte.

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "common/control_channel.hpp"
#include "common/scm_rights.hpp"

namespace redoubtful::control {
namespace {

Error broken(const std::string& what) {
  return Error(Errc::kPeerProtocol, "the control channel: " + what);
}

Result<void> wait_for(int socket, short events) {
  pollfd waiting{.fd = socket, .events = events, .revents = 0};
  while (::poll(&waiting, 1, -1) < 0) {
    if (errno != EINTR) return Error::system_call("cannot wait for the control channel", errno);
  }
  return {};
}

using ControlBuffer = std::array<char, rights_bytes(kMaxDescriptors + 1)>;

}  // namespace

Result<void> send(int socket, const Message& message) {
  auto encoded = encode(message);
  if (!encoded) return std::move(encoded).error();
  std::string_view rest = encoded->bytes;
  ControlBuffer control{};
  std::size_t descriptors = encoded->descriptors.size();
  while (!rest.empty()) {
    iovec piece{.iov_base = const_cast<char*>(rest.data()), .iov_len = rest.size()};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    if (descriptors > 0) {
      header.msg_control = control.data();
      header.msg_controllen = rights_bytes(descriptors);
      put_rights(header, std::span(encoded->descriptors).first(descriptors));
    }
    const ssize_t sent = ::sendmsg(socket, &header, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (auto waited = wait_for(socket, POLLOUT); !waited) return waited;
      continue;
    }
    if (sent < 0) return Error::system_call("cannot write to the control channel", errno);
    descriptors = 0;  // they went with the first byte
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<Message> Receiver::receive() {
  for (;;) {
    auto message = collect(0);
    if (!message) return std::move(message).error();
    if (*message) return std::move(**message);
    if (auto waited = wait_for(socket_, POLLIN); !waited) return std::move(waited).error();
  }
}

Result<std::optional<Message>> Receiver::poll() { return collect(MSG_DONTWAIT); }

Result<std::optional<Message>> Receiver::collect(int flags) {
  for (;;) {
    const std::size_t wanted = header_ ? header_->length : kHeaderBytes;
    if (bytes_.size() == wanted) {
      if (header_) {
        auto message = decode(*header_, bytes_, std::move(descriptors_));
        ::explicit_bzero(bytes_.data(), bytes_.size());  // it may have held secrets
        bytes_.clear();
        descriptors_.clear();
        header_.reset();
        if (!message) return std::move(message).error();
        return std::optional<Message>(std::move(*message));
      }
      auto header = decode_header(bytes_);
      if (!header) return std::move(header).error();
      header_ = *header;
      bytes_.clear();
      // Never grown while it fills, so that no copy of a secret is left behind.
      bytes_.reserve(header_->length);
      continue;
    }
    std::array<char, 16384> buffer;
    ControlBuffer control;
    iovec piece{.iov_base = buffer.data(),
                .iov_len = std::min(buffer.size(), wanted - bytes_.size())};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket_, &header, flags | MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::optional<Message>();
    if (got < 0) return Error::system_call("cannot read the control channel", errno);
    for (auto& descriptor : take_rights(header)) descriptors_.push_back(std::move(descriptor));
    if ((header.msg_flags & MSG_CTRUNC) != 0) return broken("descriptors were lost");
    if (got == 0) return broken("the other end is gone");
    bytes_.append(buffer.data(), static_cast<std::size_t>(got));
    ::explicit_bzero(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace redoubtful::control
