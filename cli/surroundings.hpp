#pragma once

// What kind of machine this is, as far as a remedy depends on it: the distribution's package
// manager, WSL, a container, another sandbox, and the switches that forbid user namespaces.
//
// Facts are read once; what follows from them is pure.

#include <map>
#include <string>
#include <string_view>

namespace redoubtful::cli {

enum class Container { kNone, kDocker, kPodman, kSystemd, kFlatpak, kOther };
enum class Wsl { kNone, kOne, kTwo };

struct Surroundings {
  std::string distribution;  // "Debian GNU/Linux 12 (bookworm)"
  std::string family;        // "debian", "fedora", "arch", "suse", "alpine", "nixos" or ""
  std::string kernel;        // uname -r
  bool root = false;
  bool in_box = false;          // one of our own
  bool in_chroot = false;       // the kernel makes no user namespaces there; root only can tell
  bool root_is_nobody = false;  // a user namespace that does not know the owner of /usr
  Container container = Container::kNone;
  Wsl wsl = Wsl::kNone;
  // Values of the switches, "" where there is none.
  std::string apparmor_restriction;  // kernel.apparmor_restrict_unprivileged_userns
  std::string user_namespace_limit;  // user.max_user_namespaces
  std::string debian_switch;         // kernel.unprivileged_userns_clone
};

Surroundings look_around();

// KEY=value lines, quotes taken off. Source: os-release(5).
std::map<std::string, std::string> parse_os_release(std::string_view text);

// The family of an os-release's ID and ID_LIKE, "" for one we do not know.
std::string family_of(const std::map<std::string, std::string>& os_release);

// By the kernel's release name: WSL 1 ends in "-Microsoft", WSL 2 in "-microsoft-standard-WSL2".
Wsl wsl_of(std::string_view kernel_release);

// "sudo apt install passt", or "install the package passt" where the manager is not known.
std::string install_remedy(const Surroundings& where, const std::string& package);

// What to change so that user namespaces can be made.
std::string user_namespace_remedy(const Surroundings& where);

// One sentence when a run is hindered or unusual here; else "".
std::string describe(const Surroundings& where);

}  // namespace redoubtful::cli
