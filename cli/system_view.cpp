// The part of the view that every box has. Lists, with the reason for each group; what is not
// listed does not exist inside.

#include <array>

#include "cli/browsers.hpp"
#include "cli/mount_plan.hpp"

namespace redoubtful::cli {
namespace {

// Directories whose whole content the distribution owns.
constexpr std::array kDistribution = {"/usr", "/opt", "/nix/store", "/gnu/store"};

// Links to /usr on a merged system, directories on an older one.
constexpr std::array kMerged = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};

// Entries of /etc that programs read to work, and that hold no secrets. Not here, and made by
// ourselves below: passwd and group (other users' names), hosts, hostname, resolv.conf,
// nsswitch.conf. Left out: anything with keys, passwords or network settings of the host.
constexpr std::array kEtc = {
    // the dynamic loader and Debian's alternatives, which /usr/bin links into
    "alternatives",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    // which system, which time zone, which language
    "os-release",
    "debian_version",
    "lsb-release",
    "fedora-release",
    "redhat-release",
    "arch-release",
    "alpine-release",
    "localtime",
    "timezone",
    "locale.alias",
    "locale.conf",
    "default/locale",
    // names of protocols, services, media types, file types, shells
    "protocols",
    "services",
    "rpc",
    "networks",
    "host.conf",
    "gai.conf",
    "mime.types",
    "magic",
    "magic.mime",
    "shells",
    "login.defs",
    // certificates that the host trusts (public halves only)
    "ssl/certs",
    "ssl/openssl.cnf",
    "ca-certificates",
    "ca-certificates.conf",
    "pki/tls/certs",
    "pki/tls/cert.pem",
    "pki/ca-trust/extracted",
    "crypto-policies",
    // shells, line editing, terminals, editors, manuals
    "profile",
    "profile.d",
    "bash.bashrc",
    "bash_completion.d",
    "bashrc",
    "zsh",
    "zshrc",
    "zshenv",
    "zprofile",
    "fish",
    "inputrc",
    "terminfo",
    "vim",
    "vimrc",
    "nanorc",
    "lesskey",
    "man_db.conf",
    "manpath.config",
    "DIR_COLORS",
    "screenrc",
    "tmux.conf",
    "gitconfig",
    "gitattributes",
    // language run times and build tools keep configuration here that /usr links to
    "java",
    "maven",
    "gradle",
    "ant",
    "groovy",
    "perl",
    "python",
    "python3",
    "python3.11",
    "python3.12",
    "python3.13",
    "php",
    "lua",
    "R",
    "emacs",
    "ghc",
    "ocaml",
    "texmf",
    "cmake",
    "jvm",
    "dotnet",
    "rustc",
    "go",
    "npmrc",
    "node",
    // fonts and graphics, which headless browsers and PDF tools need
    "fonts",
    "ImageMagick-6",
    "ImageMagick-7",
    "ghostscript",
    "papersize",
    "glvnd",
    "vulkan",
    "OpenCL",
    "gtk-3.0",
    "chromium/master_preferences",
    "chromium/initial_preferences",
    "X11/rgb.txt",
    "mailcap",
    // settings that an administrator sets for coding agents
    "claude-code",
    "codex",
    "opencode",
};

// Files of their own, for one of ours joins them (browsers.hpp).
constexpr const char* kChromium = "/etc/chromium.d";

// Debian names a JDK's configuration after its version: java-17-openjdk.
constexpr std::string_view kJavaPrefix = "java-";

class Builder {
 public:
  explicit Builder(const HostFiles& files) : files_(files) {}

  void add(StepKind kind, std::string target, std::string text = {}) {
    steps_.push_back(own_step(kind, std::move(target)));
    steps_.back().text = std::move(text);
  }

  // Shows `path` as the host has it: a link as a link where it leads to what is visible anyway.
  void show(const std::string& path) {
    const Lookup here = files_.look(path);
    if (!here.found()) return;
    if (here.facts.type == FileType::kSymlink) {
      const auto target = files_.read_link(path);
      const ResolvedPath end = resolve(files_, path);
      if (!target || end.error != 0) return;
      if (is_within(end.real, "/usr") || is_within(end.real, "/nix/store")) {
        add(StepKind::kSymlink, path, *target);
        return;
      }
      // Elsewhere (Stow-like /etc, /run): the content, at the asked-for place.
      bind(end.real, path, end.facts);
      return;
    }
    bind(path, path, here.facts);
  }

  void bind(const std::string& source, const std::string& target, const FileFacts& facts) {
    if (facts.type != FileType::kDirectory && facts.type != FileType::kRegular) return;
    if (!files_.readable(source, facts.type)) return;
    add(StepKind::kBind, target);
    steps_.back().source = source;
    steps_.back().facts = facts;
  }

  std::vector<MountStep> take() { return std::move(steps_); }

 private:
  const HostFiles& files_;
  std::vector<MountStep> steps_;
};

std::string passwd_of(const HostFacts& facts, const std::string& home, const std::string& shell) {
  std::string out;
  if (facts.uid != 0) out += "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n";
  out += facts.user + ":x:" + std::to_string(facts.uid) + ":" + std::to_string(facts.gid) +
         "::" + home + ":" + shell + "\n";
  if (facts.uid != 65534) out += "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
  return out;
}

std::string group_of(const HostFacts& facts) {
  std::string out;
  if (facts.gid != 0) out += "root:x:0:\n";
  out += facts.user + ":x:" + std::to_string(facts.gid) + ":\n";
  if (facts.gid != 65534) out += "nogroup:x:65534:\n";
  return out;
}

}  // namespace

std::vector<MountStep> system_steps(const HostFacts& facts, const std::string& home) {
  Builder view(*facts.files);
  for (const char* path : kDistribution) view.show(path);
  for (const char* path : kMerged) view.show(path);
  view.show("/run/current-system");  // NixOS: a link into /nix/store, where PATH begins
  for (const char* name : kEtc) view.show(std::string("/etc/") + name);
  for (const auto& name : facts.files->list("/etc")) {
    if (name.starts_with(kJavaPrefix)) view.show("/etc/" + name);
  }
  for (const auto& name : facts.files->list(kChromium))
    view.show(std::string(kChromium) + "/" + name);
  // Read by run times to count processors; they hold nothing about the user.
  view.show("/sys/devices/system/cpu");
  view.show("/sys/devices/system/node");

  view.add(StepKind::kFile, "/etc/passwd", passwd_of(facts, home, facts.shell));
  view.add(StepKind::kFile, "/etc/group", group_of(facts));
  view.add(StepKind::kFile, "/etc/hosts",
           "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 " +
               facts.host_name + "\n");
  view.add(StepKind::kFile, "/etc/hostname", facts.host_name + "\n");
  // The host's resolver and name-service plug-ins live behind sockets that do not exist inside.
  view.add(StepKind::kFile, "/etc/resolv.conf", "nameserver 127.0.0.1\n");
  view.add(StepKind::kFile, "/etc/nsswitch.conf",
           "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n"
           "protocols: files\nservices: files\nethers: files\nrpc: files\n");
  view.add(StepKind::kSymlink, "/etc/mtab", "/proc/self/mounts");

  view.add(StepKind::kTmpfs, "/tmp");
  view.add(StepKind::kDirectory, "/proc");
  view.add(StepKind::kDirectory, "/dev");
  view.add(StepKind::kDirectory, "/run/redoubtful");
  for (auto& step : opener_steps()) view.add(step.kind, step.target, step.text);
  view.add(StepKind::kSymlink, "/var/run", "/run");
  view.add(StepKind::kSymlink, "/var/lock", "/run");
  view.add(StepKind::kTmpfs, "/var/tmp");  // a link would keep projects that lie there out
  return view.take();
}

}  // namespace redoubtful::cli
