#include "cli/control_socket.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <string>
#include <utility>

#include "cli/passed_descriptors.hpp"
#include "common/scm_rights.hpp"

namespace redoubtful::cli {
namespace {

using protocol::Report;

Error broken(std::string what) {
  return Error(Errc::kPeerProtocol, "redoubtful-init " + std::move(what));
}

bool is_stop_signal(int number) {
  return number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU;
}

bool is_datagram_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

// Whether `report` is one that init may send, with values in range.
bool acceptable(const InitReport& report) {
  switch (report.type) {
    case Report::kReady:
    case Report::kStarted:
    case Report::kFrozen:
    case Report::kNotice:
      return true;
    case Report::kPageSocket:
      return report.descriptor && is_datagram_socket(report.descriptor.get());
    case Report::kFailed:
    case Report::kExecFailed:
      return report.value >= 0 && report.value < 4096;
    case Report::kStopped:
    case Report::kWantsTerminal:
      return is_stop_signal(report.value);
    case Report::kExited:
      return WIFEXITED(report.value) || WIFSIGNALED(report.value);
  }
  return false;
}

// The first descriptor of the packet is kept, whatever else came is closed.
UniqueFd take_descriptor(const msghdr& header) {
  auto all = take_rights(header);
  return all.empty() ? UniqueFd() : std::move(all.front());
}

bool is_terminal_master(int fd) {
  unsigned number = 0;
  return ::ioctl(fd, TIOCGPTN, &number) == 0;
}

}  // namespace

Result<InitReport> receive_report(int socket, bool& empty) {
  empty = false;
  protocol::Message message;
  iovec part{&message, sizeof message};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(4 * sizeof(int))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = ancillary;
  header.msg_controllen = sizeof ancillary;
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) {
    empty = true;
    return InitReport{};
  }
  if (got <= 0) return Error();
  InitReport report;
  report.descriptor = take_descriptor(header);
  if (got != static_cast<ssize_t>(sizeof message) || (header.msg_flags & MSG_TRUNC) != 0) {
    return broken("sent a message of the wrong size");
  }
  if (message.version != protocol::kProtocolVersion) {
    return broken("is of another version").hint("install redoubtful again, as a whole");
  }
  report.type = static_cast<Report>(message.type);
  report.value = message.value;
  report.detail = message.detail;
  if (!acceptable(report)) return broken("sent a message that means nothing");
  if (report.type == Report::kPageSocket) return report;
  if (report.type != Report::kReady) report.descriptor.reset();
  if (report.descriptor) {
    if (!is_terminal_master(report.descriptor.get())) return broken("sent no terminal");
    if (::fcntl(report.descriptor.get(), F_SETFL, O_RDWR | O_NONBLOCK) != 0) {
      return Error::system_call("cannot prepare the private terminal", errno);
    }
  }
  return report;
}

ControlSocket::ControlSocket(EventLoop& loop, UniqueFd socket,
                             std::function<void(InitReport)> received,
                             std::function<void(Error)> closed)
    : socket_(std::move(socket)), received_(std::move(received)), closed_(std::move(closed)) {
  watch_ = loop.watch(socket_.get(), POLLIN, [this](short) { poll(); });
}

Result<void> send_specification(int socket, const InitSpec& spec) {
  auto sealed = seal(spec);
  if (!sealed) return std::move(sealed).error();
  protocol::Message message;
  message.type = static_cast<std::uint16_t>(protocol::Order::kSpecification);
  const std::string_view bytes(reinterpret_cast<const char*>(&message), sizeof message);
  auto sent = pass_descriptors(socket, bytes, {sealed->get()});
  if (!sent && sent.error().system_errno() != EPIPE) return sent;
  return {};
}

void ControlSocket::send(protocol::Order order, int value, int detail) {
  if (!socket_) return;
  protocol::Message message;
  message.type = static_cast<std::uint16_t>(order);
  message.value = value;
  message.detail = detail;
  // Lost when init does not read; its end shows as the end of the conversation.
  [[maybe_unused]] const ssize_t sent =
      ::send(socket_.get(), &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void ControlSocket::poll() {
  // A flood must not keep the loop from everything else.
  for (int round = 0; round < 16 && socket_; ++round) {
    bool empty = false;
    auto report = receive_report(socket_.get(), empty);
    if (empty) return;
    if (!report) {
      close(std::move(report).error());
      return;
    }
    received_(std::move(*report));
  }
}

void ControlSocket::close(Error error) {
  watch_.reset();
  socket_.reset();
  if (closed_) std::exchange(closed_, nullptr)(std::move(error));
}

}  // namespace redoubtful::cli
