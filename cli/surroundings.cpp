#include "cli/surroundings.hpp"

#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "cli/mount_attach.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxFile = 65536;

std::string read_line(const std::string& path) {
  auto text = read_file(path, kMaxFile);
  if (!text) return {};
  return text->substr(0, text->find('\n'));
}

bool exists(const char* path) { return ::access(path, F_OK) == 0; }

Container find_container() {
  if (exists("/.flatpak-info")) return Container::kFlatpak;
  if (exists("/run/.containerenv")) return Container::kPodman;
  if (exists("/.dockerenv")) return Container::kDocker;
  const std::string named = read_line("/run/systemd/container");
  if (named == "docker") return Container::kDocker;
  if (named == "podman") return Container::kPodman;
  if (named == "wsl") return Container::kNone;
  if (!named.empty()) return Container::kSystemd;
  const char* variable = std::getenv("container");
  return variable != nullptr && *variable != '\0' ? Container::kOther : Container::kNone;
}

// Only root may look at /proc/1/root; for others the question stays open.
bool find_chroot() {
  struct stat ours {};
  struct stat first {};
  return ::stat("/", &ours) == 0 && ::stat("/proc/1/root/.", &first) == 0 &&
         (ours.st_dev != first.st_dev || ours.st_ino != first.st_ino);
}

const char* container_options(Container container) {
  switch (container) {
    case Container::kDocker:
      return "start the container with --security-opt seccomp=unconfined --security-opt "
             "apparmor=unconfined --security-opt systempaths=unconfined";
    case Container::kPodman:
      return "start the container with --security-opt unmask=ALL --security-opt "
             "seccomp=unconfined";
    case Container::kFlatpak:
      return "start redoubtful outside of Flatpak: flatpak-spawn --host redoubtful ...";
    default:
      return "allow user namespaces and an unmasked /proc in the container's settings";
  }
}

}  // namespace

Surroundings look_around() {
  Surroundings out;
  auto release = read_file("/etc/os-release", kMaxFile);
  if (!release) release = read_file("/usr/lib/os-release", kMaxFile);
  const auto values = parse_os_release(release ? *release : std::string());
  const auto name = values.find("PRETTY_NAME");
  out.distribution = name == values.end() ? "an unknown distribution" : name->second;
  out.family = family_of(values);
  utsname kernel{};
  ::uname(&kernel);
  out.kernel = kernel.release;
  out.root = ::geteuid() == 0;
  out.in_box = exists(kInitPath) && std::getenv("REDOUBTFUL") != nullptr;
  out.in_chroot = find_chroot();
  struct stat usr {};
  out.root_is_nobody = ::stat("/usr", &usr) == 0 && usr.st_uid != 0 &&
                       std::to_string(usr.st_uid) == read_line("/proc/sys/kernel/overflowuid");
  out.container = find_container();
  out.wsl = wsl_of(out.kernel);
  out.apparmor_restriction = read_line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
  out.user_namespace_limit = read_line("/proc/sys/user/max_user_namespaces");
  out.debian_switch = read_line("/proc/sys/kernel/unprivileged_userns_clone");
  return out;
}

std::map<std::string, std::string> parse_os_release(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos || equals == 0) continue;
    std::string_view value = line.substr(equals + 1);
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
        value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    out[std::string(line.substr(0, equals))] = std::string(value);
  }
  return out;
}

std::string family_of(const std::map<std::string, std::string>& os_release) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kFamilies = {{
      {"debian", "debian"},
      {"ubuntu", "debian"},
      {"fedora", "fedora"},
      {"rhel", "fedora"},
      {"centos", "fedora"},
      {"rocky", "fedora"},
      {"almalinux", "fedora"},
      {"arch", "arch"},
      {"archlinux", "arch"},
      {"manjaro", "arch"},
      {"suse", "suse"},
      {"opensuse", "suse"},
      {"opensuse-tumbleweed", "suse"},
      {"opensuse-leap", "suse"},
      {"alpine", "alpine"},
      {"nixos", "nixos"},
  }};
  for (const char* key : {"ID", "ID_LIKE"}) {
    const auto found = os_release.find(key);
    if (found == os_release.end()) continue;
    std::string_view words = found->second;
    while (!words.empty()) {
      const std::size_t end = words.find(' ');
      const std::string_view word = words.substr(0, end);
      words.remove_prefix(end == std::string_view::npos ? words.size() : end + 1);
      for (const auto& [id, family] : kFamilies) {
        if (word == id) return std::string(family);
      }
    }
  }
  return {};
}

Wsl wsl_of(std::string_view kernel_release) {
  if (kernel_release.find("microsoft-standard") != std::string_view::npos ||
      kernel_release.find("WSL2") != std::string_view::npos) {
    return Wsl::kTwo;
  }
  return kernel_release.ends_with("-Microsoft") ? Wsl::kOne : Wsl::kNone;
}

std::string install_remedy(const Surroundings& where, const std::string& package) {
  const std::string sudo = where.root ? "" : "sudo ";
  if (where.family == "debian") return sudo + "apt install " + package;
  if (where.family == "fedora") return sudo + "dnf install " + package;
  if (where.family == "arch") return sudo + "pacman -S " + package;
  if (where.family == "suse") return sudo + "zypper install " + package;
  if (where.family == "alpine") return sudo + "apk add " + package;
  if (where.family == "nixos") {
    return "add pkgs." + package + " to environment.systemPackages, then nixos-rebuild switch";
  }
  return "install the package " + package;
}

std::string user_namespace_remedy(const Surroundings& where) {
  const std::string sudo = where.root ? "" : "sudo ";
  if (where.in_box) return "leave the box: it refuses further ones on purpose";
  if (where.wsl == Wsl::kOne) {
    return "WSL 1 has no Linux kernel; in Windows: wsl --set-version <distribution> 2";
  }
  if (where.apparmor_restriction == "1" && !where.root) {
    return "sudo apparmor/install (in redoubtful's source tree): AppArmor keeps programs without a "
           "profile from making user namespaces";
  }
  if (where.debian_switch == "0" && !where.root) {
    return "echo kernel.unprivileged_userns_clone=1 | sudo tee /etc/sysctl.d/50-userns.conf && "
           "sudo sysctl --system";
  }
  if (where.user_namespace_limit == "0") {
    return "echo user.max_user_namespaces=15000 | " + sudo +
           "tee /etc/sysctl.d/50-userns.conf && " + sudo +
           "sysctl --system (inside another sandbox: not possible)";
  }
  if (where.container != Container::kNone) return container_options(where.container);
  if (where.in_chroot) {
    return "the kernel makes no user namespaces in a chroot: enter the tree with pivot_root "
           "(systemd-nspawn, or unshare --mount and pivot_root)";
  }
  return "this kernel needs CONFIG_USER_NS; inside another sandbox it is refused on purpose";
}

std::string describe(const Surroundings& where) {
  if (where.in_box) return "inside a redoubtful box";
  if (where.wsl == Wsl::kOne) return "WSL 1, which is no Linux kernel";
  switch (where.container) {
    case Container::kDocker:
      return "in a Docker container";
    case Container::kPodman:
      return "in a Podman container";
    case Container::kSystemd:
      return "in a container";
    case Container::kFlatpak:
      return "in a Flatpak sandbox";
    case Container::kOther:
      return "in a container or sandbox";
    case Container::kNone:
      break;
  }
  if (where.root_is_nobody) return "in a user namespace without root's user id";
  if (where.in_chroot) return "in a chroot";
  return where.wsl == Wsl::kTwo ? "WSL 2" : "";
}

}  // namespace redoubtful::cli
