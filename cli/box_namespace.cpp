#include "cli/box_namespace.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/keyctl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "common/file.hpp"

namespace redoubtful::cli {
namespace {

Result<void> write_proc(const std::string& path, const std::string& text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return Error::system_call("cannot open " + path, errno);
  // One write(2): the kernel takes a map whole or not at all.
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return Error::system_call("cannot write " + path, errno);
  }
  return {};
}

std::string user_namespace_hint(int reason) {
  const UniqueFd apparmor(
      ::open("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", O_RDONLY | O_CLOEXEC));
  char setting = '0';
  if (apparmor && ::read(apparmor.get(), &setting, 1) == 1 && setting == '1') {
    return "AppArmor keeps unprivileged programs from making user namespaces; install redoubtful's "
           "AppArmor profile (apparmor/README.md), then try again";
  }
  if (reason == ENOSPC) {
    return "the limit on user namespaces is reached: see /proc/sys/user/max_user_namespaces; "
           "inside "
           "another sandbox they may be forbidden on purpose";
  }
  return "this kernel or container forbids user namespaces; `redoubtful doctor` says what to "
         "change";
}

constexpr std::uint32_t kLoopback = 1;  // the first interface of every network namespace

// Sends one rtnetlink request and waits for the kernel's acknowledgement.
Result<void> ask_kernel(const nlmsghdr* message, const char* what) {
  mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
  if (socket == nullptr) return Error::system_call("cannot open a netlink socket", errno);
  std::array<char, 512> answer{};
  int result = -1;
  if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 &&
      mnl_socket_sendto(socket, message, message->nlmsg_len) >= 0) {
    const ssize_t got = mnl_socket_recvfrom(socket, answer.data(), answer.size());
    if (got > 0) {
      result = mnl_cb_run(answer.data(), static_cast<std::size_t>(got), 0,
                          mnl_socket_get_portid(socket), nullptr, nullptr);
    }
  }
  const int reason = errno;
  mnl_socket_close(socket);
  if (result < 0) return Error::system_call(what, reason);
  return {};
}

constexpr std::size_t kBytes4 = 4;

struct ParsedAddress {
  std::array<unsigned char, 16> bytes{};
  std::size_t size = 0;
};

Result<ParsedAddress> parse_address(const char* text) {
  ParsedAddress out;
  if (::inet_pton(AF_INET, text, out.bytes.data()) == 1) {
    out.size = kBytes4;
  } else if (::inet_pton(AF_INET6, text, out.bytes.data()) == 1) {
    out.size = out.bytes.size();
  } else {
    return Error(Errc::kSystemCall, std::string(text) + " is no address");
  }
  return out;
}

unsigned char family_of(std::size_t size) { return size == kBytes4 ? AF_INET : AF_INET6; }

}  // namespace

Result<ChildProcess> fork_into_box_namespaces(const std::function<int()>& body) {
  auto child =
      ChildProcess::fork_into(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET, body);
  if (child) return child;
  const int reason = child.error().system_errno();
  return std::move(child)
      .error()
      .during("making the box's namespaces")
      .hint(user_namespace_hint(reason));
}

Result<void> settle_in_box_namespaces(uid_t uid, gid_t gid) {
  const auto line = [](unsigned id) {
    return std::to_string(id) + " " + std::to_string(id) + " 1\n";
  };
  // gid_map may be written by an unprivileged process only once setgroups(2) is given up.
  for (const auto& [file, text] :
       std::array<std::pair<const char*, std::string>, 3>{{{"/proc/self/setgroups", "deny"},
                                                           {"/proc/self/uid_map", line(uid)},
                                                           {"/proc/self/gid_map", line(gid)}}}) {
    if (auto written = write_proc(file, text); !written) {
      const int reason = written.error().system_errno();
      return std::move(written)
          .error()
          .during("mapping the user id")
          .hint(user_namespace_hint(reason));
    }
  }
  // Nothing mounted from here on may travel back to the host, nor from it to us.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return Error::system_call("cannot make the mounts private", errno);
  }
  return {};
}

Result<void> mount_own_proc() {
  // bwrap 0.12 looks its child up in /proc, by the pid of our new namespace.
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return Error::system_call("cannot mount /proc for the box's processes", errno)
        .hint(
            "inside a container, /proc must not be partly hidden (podman: --security-opt "
            "unmask=/proc/*; docker: --security-opt systempaths=unconfined)");
  }
  return {};
}

Result<void> bring_loopback_up() {
  std::array<char, 512> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_NEWLINK;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* link = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  link->ifi_family = AF_UNSPEC;
  link->ifi_index = kLoopback;
  link->ifi_change = IFF_UP;
  link->ifi_flags = IFF_UP;
  return ask_kernel(message, "cannot set the loopback interface up");
}

Result<void> add_loopback_address(const char* address) {
  auto parsed = parse_address(address);
  if (!parsed) return std::move(parsed).error();
  const auto& [bytes, size] = *parsed;
  std::array<char, 512> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_NEWADDR;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  auto* entry = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifaddrmsg)));
  entry->ifa_family = family_of(size);
  entry->ifa_prefixlen = static_cast<unsigned char>(size * 8);
  entry->ifa_index = kLoopback;
  mnl_attr_put(message, IFA_LOCAL, size, bytes.data());
  mnl_attr_put(message, IFA_ADDRESS, size, bytes.data());
  return ask_kernel(message, "cannot give the loopback interface an address");
}

Result<void> make_range_local(const char* address, std::uint8_t prefix_length) {
  auto parsed = parse_address(address);
  if (!parsed) return std::move(parsed).error();
  const auto& [bytes, size] = *parsed;
  std::array<char, 512> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_NEWROUTE;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  route->rtm_family = family_of(size);
  route->rtm_dst_len = prefix_length;
  route->rtm_table = RT_TABLE_LOCAL;
  route->rtm_protocol = RTPROT_BOOT;
  route->rtm_scope = size == kBytes4 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
  route->rtm_type = RTN_LOCAL;
  mnl_attr_put(message, RTA_DST, size, bytes.data());
  mnl_attr_put_u32(message, RTA_OIF, kLoopback);
  return ask_kernel(message, "cannot make the addresses of names local");
}

Result<void> free_low_ports() {
  return write_proc("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
}

Result<void> leave_session_keyring() {
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0 && errno != ENOSYS) {
    return Error::system_call("cannot leave the session keyring", errno);
  }
  return {};
}

}  // namespace redoubtful::cli
