#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "cli/box_namespace.hpp"
#include "cli/captured_run.hpp"
#include "cli/doctor_check.hpp"
#include "cli/pasta_command.hpp"
#include "cli/programs.hpp"
#include "common/child_process.hpp"
#include "common/pipe.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr int kStepMilliseconds = 5000;
constexpr std::string_view kGreeting = "through";
constexpr std::uint16_t kInside = 18080;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool readable(int fd) {
  pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
  int ready = 0;
  while ((ready = ::poll(&wait, 1, kStepMilliseconds)) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

Result<std::string> open_tun() {
  const UniqueFd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (!tun) return Error::system_call("cannot open /dev/net/tun", errno);
  ifreq request{};
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI);
  if (::ioctl(tun.get(), TUNSETIFF, &request) != 0) {
    return Error::system_call("cannot make a tap device", errno);
  }
  return std::string("/dev/net/tun opens and makes a device in the box's network");
}

// The box's side: waits for the word that pasta is there, then connects to the forwarded port.
int connect_from_inside(int ready, int go, uid_t uid, gid_t gid) {
  if (!settle_in_box_namespaces(uid, gid) || !bring_loopback_up()) return 1;
  const auto attempt = [](std::string& text) {
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(kInside);
    if (!socket ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return false;
    }
    char buffer[32];
    ssize_t got = 0;
    while (readable(socket.get()) && (got = ::read(socket.get(), buffer, sizeof buffer)) > 0) {
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text == kGreeting;
  };
  std::string text;
  // The control: without pasta nobody answers there.
  if (attempt(text)) return 2;
  char word = 'r';
  if (::write(ready, &word, 1) != 1 || !readable(go) || ::read(go, &word, 1) != 1) return 3;
  return attempt(text) ? 0 : 4;
}

Result<void> wait_until_ready(int output, pid_t pasta) {
  const std::string line = std::to_string(pasta) + "\n";
  std::string text;
  char buffer[512];
  while (text.find(line) == std::string::npos) {
    const ssize_t got = readable(output) ? ::read(output, buffer, sizeof buffer) : 0;
    if (got <= 0) {
      return Error(Errc::kSystemCall,
                   "it could not be attached: " + quoted(text.empty() ? "no message" : text));
    }
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return {};
}

Result<std::string> forward_a_port(const std::string& program) {
  const UniqueFd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!server || ::bind(server.get(), generic, size) != 0 || ::listen(server.get(), 1) != 0 ||
      ::getsockname(server.get(), generic, &size) != 0) {
    return Error::system_call("cannot listen on the host's loopback", errno);
  }
  auto ready = make_pipe();
  auto go = make_pipe();
  auto output = make_pipe();
  if (!ready || !go || !output) return Error::system_call("cannot make a pipe", errno);
  auto inside = fork_into_box_namespaces([&, uid = ::getuid(), gid = ::getgid()]() -> int {
    return connect_from_inside(ready->write.get(), go->read.get(), uid, gid);
  });
  if (!inside) return std::move(inside).error();
  ready->write.reset();
  char word = 0;
  if (!readable(ready->read.get()) || ::read(ready->read.get(), &word, 1) != 1) {
    return Error(Errc::kSystemCall, "the namespace to attach it to could not be made");
  }
  NetworkProfile network;
  PortForward forward;
  forward.host = ntohs(address.sin_port);
  forward.inside = kInside;
  network.forward.push_back(forward);
  const auto command = pasta_command(
      {.program = program, .box = inside->pid(), .network = &network, .as_root = ::geteuid() == 0});
  auto pasta = ChildProcess::fork([&]() -> int {
    const int null = ::open("/dev/null", O_RDWR);
    if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(null, 1) < 0 ||
        ::dup2(output->write.get(), 2) < 0) {
      return 125;
    }
    exec_program(command.front(), command, {"PATH=/usr/bin:/bin"});
    return 125;
  });
  if (!pasta) return std::move(pasta).error();
  output->write.reset();
  if (auto attached = wait_until_ready(output->read.get(), pasta->pid()); !attached) {
    return std::move(attached).error();
  }
  if (::write(go->write.get(), &word, 1) != 1 || !readable(server.get())) {
    return Error(Errc::kSystemCall, "nothing arrived on the forwarded port");
  }
  {
    const UniqueFd client(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client || ::write(client.get(), kGreeting.data(), kGreeting.size()) < 0) {
      return Error::system_call("cannot answer on the forwarded port", errno);
    }
  }
  if (!readable(inside->pidfd()) || shell_status(inside->wait()) != 0) {
    return Error(Errc::kSystemCall, "the answer did not come back through the forwarded port");
  }
  return program + " attached to a box's network; a forwarded port answers";
}

}  // namespace

void check_ports(const Surroundings& where, Checks& checks) {
  constexpr const char* kOnly = " (needed for -f, --publish and dangerously-open only)";
  if (const auto missing = not_ok(checks, {"user-namespaces", "loopback"}); !missing.empty()) {
    checks.push_back(not_tried("tun", "tun device", missing));
    checks.push_back(not_tried("pasta", "pasta", missing));
    return;
  }
  const std::string device = where.container == Container::kNone
                                 ? std::string(where.root ? "" : "sudo ") + "modprobe tun"
                                 : "start the container with --device /dev/net/tun";
  checks.push_back(
      judged("tun", "tun device", try_in_namespaces(open_tun), Verdict::kProblem, device + kOnly));
  const auto pasta = find_system_program("pasta");
  if (!pasta) {
    const bool absent = pasta.error().what().ends_with("is not installed");
    checks.push_back(judged("pasta", "pasta", Error(pasta.error()), Verdict::kProblem,
                            absent ? install_remedy(where, "passt") + kOnly : ""));
    return;
  }
  if (const auto missing = not_ok(checks, {"tun"}); !missing.empty()) {
    checks.push_back(not_tried("pasta", "pasta", missing));
    return;
  }
  checks.push_back(judged("pasta", "pasta", forward_a_port(*pasta), Verdict::kProblem,
                          "a newer one may help: " + install_remedy(where, "passt") +
                              "; with AppArmor look for \"passt\" in dmesg (apparmor/README.md)"));
}

}  // namespace redoubtful::cli
