#include "cli/start_errors.hpp"

#include <cerrno>

#include "common/text.hpp"

namespace redoubtful::cli {

using protocol::Notice;
using protocol::Stage;
using protocol::Step;

Error init_failure(int error, Stage stage) {
  const char* what = "redoubtful-init: cannot prepare the agent";
  switch (stage) {
    case Stage::kSpecification:
      return Error(Errc::kPeerProtocol, "redoubtful-init: cannot read what to start")
          .hint("install redoubtful again, as a whole: its parts are of different versions");
    case Stage::kLandlock:
      what = "redoubtful-init: cannot build the Landlock rules";
      break;
    case Stage::kDescriptors:
      what = "redoubtful-init: cannot arrange its descriptors";
      break;
    case Stage::kSession:
      what = "redoubtful-init: cannot start a session";
      break;
    case Stage::kTerminal:
      what = "redoubtful-init: cannot make the private terminal";
      break;
    case Stage::kFork:
      what = "redoubtful-init: cannot start a process";
      break;
  }
  Error failure = Error::system_call(what, error);
  if (stage == Stage::kFork && error == EAGAIN) {
    return std::move(failure).hint(
        "the limit of processes (limits: processes, ulimit -u) is reached");
  }
  return failure;
}

Error start_failure(int error, Step step, const std::string& command) {
  switch (step) {
    case Step::kExec:
      break;
    case Step::kProcessGroup:
      return Error::system_call("cannot give the agent a process group of its own", error);
    case Step::kDirectory:
      return Error::system_call("cannot enter the working directory inside the box", error);
    case Step::kLimit:
      return Error::system_call("cannot set the agent's limits", error)
          .hint("a limit may not be higher than the one redoubtful was started with (ulimit -H)");
    case Step::kPrivileges:
      return Error::system_call("cannot set no_new_privs", error);
    case Step::kLandlock:
      return Error::system_call("cannot confine the agent with Landlock", error);
  }
  const bool is_path = command.find('/') != std::string::npos;
  const std::string name = quoted(command);
  if (error == ENOENT && !is_path) {
    return Error(Errc::kInvalidMount, name + " was not found in the PATH of the box")
        .hint("make its directory visible with -p DIR, or name the program by its path");
  }
  Error failure = Error::system_call("cannot run " + name + " in the box", error);
  if (error == ENOENT) {
    return std::move(failure).hint(
        "mount it with -m, together with the interpreter that its first line or header names");
  }
  if (error == EACCES) return std::move(failure).hint("is it executable (chmod +x)?");
  if (error == ENOEXEC) return std::move(failure).hint("it is no program for this machine");
  return failure;
}

std::string notice_text(int notice, int detail, const std::vector<std::string>& writable) {
  if (static_cast<Notice>(notice) == Notice::kLandlockPathMissing) {
    const auto index = static_cast<std::size_t>(detail);
    const std::string path =
        detail >= 0 && index < writable.size() ? quoted(writable[index]) : "a path";
    return path + " cannot be opened inside the box and stays read-only";
  }
  return "this kernel has no usable Landlock (Linux 5.19 or newer has): the box's second wall is "
         "missing, the mounts still hold";
}

}  // namespace redoubtful::cli
