#include <fcntl.h>
#include <fmt/format.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cli/agent_seccomp.hpp"
#include "cli/box_namespace.hpp"
#include "cli/captured_run.hpp"
#include "cli/doctor_check.hpp"
#include "cli/mount_attach.hpp"
#include "common/file.hpp"

namespace redoubtful::cli {
namespace {

constexpr const char* kNewerKernel = "a kernel from 5.12 on is needed: update the distribution";

Error refused(const char* what) { return Error::system_call(what, errno); }

Result<std::string> keep_user(uid_t uid) {
  if (::getuid() != uid) {
    return Error(Errc::kSystemCall, "the user id was not kept in the new user namespace");
  }
  if (auto left = leave_session_keyring(); !left) return std::move(left).error();
  return fmt::format("user, process, mount and network namespace made, uid {} kept", uid);
}

Result<std::string> use_loopback() {
  if (auto up = bring_loopback_up(); !up) return std::move(up).error();
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!listener || ::bind(listener.get(), generic, size) != 0 || ::listen(listener.get(), 1) != 0 ||
      ::getsockname(listener.get(), generic, &size) != 0) {
    return refused("cannot listen in the new network namespace");
  }
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!client || ::connect(client.get(), generic, size) != 0) {
    return refused("cannot connect in the new network namespace");
  }
  return std::string("its own loopback is up and connects");
}

// The attacher itself, on a view of three steps.
Result<std::string> mount_by_descriptor() {
  const Lookup usr = machine_files().look("/usr");
  if (!usr.found()) return Error::system_call("/usr", usr.error);
  const ResolvedPath program = resolve(machine_files(), "/proc/self/exe");
  MountPlan plan;
  const auto step = [&plan](StepKind kind, const char* target) -> MountStep& {
    MountStep& added = plan.steps.emplace_back();
    added.kind = kind;
    added.target = target;
    return added;
  };
  MountStep& bind = step(StepKind::kBind, "/usr");
  bind.source = "/usr";
  bind.facts = usr.facts;
  step(StepKind::kFile, "/etc/doctor").text = "kept";
  step(StepKind::kTmpfs, "/scratch");
  if (auto attached = attach_mounts(plan, {}, program.real); !attached) {
    return std::move(attached).error();
  }
  const std::string root = kStagingRoot;
  const auto text = read_file(root + "/etc/doctor", 16);
  if (!text || *text != "kept") {
    return Error(Errc::kSystemCall, "a file that was mounted does not have its content");
  }
  if (::mkdir((root + "/scratch/new").c_str(), 0755) != 0)
    return refused("a new tmpfs is not writable");
  if (::mkdir((root + "/usr/.redoubtful-doctor").c_str(), 0755) == 0) {
    ::rmdir((root + "/usr/.redoubtful-doctor").c_str());
    return Error(Errc::kSystemCall, "a mount that was made read-only can be written");
  }
  if (errno != EROFS) return refused("a read-only mount refuses for another reason");
  return std::string("tmpfs, open_tree, mount_setattr and move_mount work; read-only holds");
}

Result<std::string> mount_proc() {
  const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (::mount("proc", "/proc", "proc", flags, nullptr) != 0) {
    return refused("cannot mount a fresh /proc");
  }
  return std::string("a fresh one can be mounted");
}

Result<std::string> call_new_calls() {
  const UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self) return refused("pidfd_open");
  if (::syscall(SYS_pidfd_send_signal, self.get(), 0, nullptr, 0) != 0) {
    return refused("pidfd_send_signal");
  }
  auto beneath = open_beneath(AT_FDCWD, "..", O_PATH);
  if (beneath) return Error(Errc::kSystemCall, "openat2 does not keep below a directory");
  if (beneath.error().system_errno() != EXDEV) return std::move(beneath).error();
  return std::string("pidfd_open and openat2 work");
}

Result<void> install_filter(std::span<const sock_filter> program) {
  sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                    .filter = const_cast<sock_filter*>(program.data())};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) {
    return refused("cannot install a system-call filter");
  }
  return {};
}

Result<std::string> filter_calls() {
  const bool keys_before =
      ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) >= 0;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused("cannot give up new rights");
  for (const auto program :
       {calls_program(Nesting::kRefused), arguments_program(Nesting::kRefused)}) {
    if (auto installed = install_filter(program); !installed) return std::move(installed).error();
  }
  if (::unshare(CLONE_NEWUSER) == 0) {
    return Error(Errc::kSystemCall, "the filter is installed, but does not refuse namespaces");
  }
  if (::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) >= 0) {
    return Error(Errc::kSystemCall, "the filter is installed, but does not refuse keyrings");
  }
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return refused("the filter refuses an ordinary socket");
  return std::string(keys_before ? "both filters bite: namespaces and keyrings refused"
                                 : "both filters bite: namespaces refused");
}

Result<std::string> confine_writes() {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 0) return refused("no Landlock");
  if (abi < 2) return Error(Errc::kSystemCall, "Landlock ABI 1 cannot let files be moved");
  landlock_ruleset_attr rules{};
  rules.handled_access_fs = LANDLOCK_ACCESS_FS_WRITE_FILE;
  const UniqueFd set(static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules.handled_access_fs, 0)));
  if (!set || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_landlock_restrict_self, set.get(), 0) != 0) {
    return refused("cannot confine a process");
  }
  const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (null || errno != EACCES) {
    return Error(Errc::kSystemCall, "Landlock is there, but does not confine");
  }
  if (abi < 6) return fmt::format("ABI {}: files; signals and abstract sockets from ABI 6", abi);
  return fmt::format("ABI {}: files, signals and abstract sockets", abi);
}

Result<std::string> mount_overlay() {
  const std::string top = kStagingRoot;
  if (::mount("tmpfs", top.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0) {
    return refused("cannot mount a tmpfs");
  }
  for (const char* name : {"/lower", "/upper", "/work", "/merged"}) {
    if (::mkdir((top + name).c_str(), 0755) != 0) return refused("cannot make a directory");
  }
  const std::string options =
      fmt::format("lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work,userxattr", top);
  if (::mount("overlay", (top + "/merged").c_str(), "overlay", 0, options.c_str()) != 0) {
    return refused("cannot mount an overlay");
  }
  const UniqueFd file(::open((top + "/merged/x").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!file || ::access((top + "/upper/x").c_str(), F_OK) != 0) {
    return refused("an overlay does not keep what is written");
  }
  return std::string("works without root");
}

}  // namespace

std::string not_ok(const Checks& checks, std::initializer_list<std::string_view> ids) {
  std::string out;
  for (const auto& check : checks) {
    if (check.verdict == Verdict::kOk || std::find(ids.begin(), ids.end(), check.id) == ids.end()) {
      continue;
    }
    out += (out.empty() ? "" : ", ") + check.title;
  }
  return out;
}

Check not_tried(std::string id, std::string title, const std::string& needed) {
  return {.id = std::move(id),
          .title = std::move(title),
          .verdict = Verdict::kNotTried,
          .found = "needs " + needed,
          .remedy = {}};
}

Check judged(std::string id, std::string title, Result<std::string> result, Verdict otherwise,
             const std::string& remedy) {
  Check check{.id = std::move(id), .title = std::move(title), .found = {}, .remedy = {}};
  if (result) {
    check.found = std::move(*result);
    return check;
  }
  check.verdict = otherwise;
  check.found = result.error().what();
  check.remedy = remedy.empty() ? result.error().hint() : remedy;
  return check;
}

void check_kernel(const Surroundings& where, Checks& checks) {
  const std::string user_remedy = user_namespace_remedy(where);
  checks.push_back(judged("user-namespaces", "namespaces",
                          try_in_namespaces([uid = ::getuid()] { return keep_user(uid); }),
                          Verdict::kProblem, user_remedy));
  const std::string missing = not_ok(checks, {"user-namespaces"});
  const auto inside = [&](const char* id, const char* title,
                          const std::function<Result<std::string>()>& attempt, Verdict otherwise,
                          const std::string& remedy) {
    checks.push_back(missing.empty()
                         ? judged(id, title, try_in_namespaces(attempt), otherwise, remedy)
                         : not_tried(id, title, missing));
  };
  inside("loopback", "network inside", use_loopback, Verdict::kProblem,
         where.container == Container::kNone ? kNewerKernel : user_remedy);
  inside("mounts", "mounts", mount_by_descriptor, Verdict::kProblem, kNewerKernel);
  inside("proc", "/proc inside", mount_proc, Verdict::kProblem,
         where.container == Container::kNone
             ? "something covers parts of /proc here, as containers and sandboxes do; run outside "
               "of it"
             : user_remedy);
  checks.push_back(judged("calls", "system calls", try_in_child(call_new_calls), Verdict::kProblem,
                          kNewerKernel));
  checks.push_back(judged("seccomp", "call filters", try_in_child(filter_calls), Verdict::kProblem,
                          "the kernel needs CONFIG_SECCOMP_FILTER"));
  checks.push_back(judged("landlock", "Landlock", try_in_child(confine_writes), Verdict::kNote,
                          "the second wall is missing; the first holds. A kernel from 5.19 on has "
                          "it, with lsm=landlock,... on its command line"));
  inside("overlay", "overlay", mount_overlay, Verdict::kNote,
         "only copy-on-write mounts will need it; a kernel from 5.11 on has it");
}

}  // namespace redoubtful::cli
