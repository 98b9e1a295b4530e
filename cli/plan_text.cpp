#include "cli/plan_text.hpp"

#include <fmt/format.h>

#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

std::string step_line(const MountStep& step) {
  const std::string target = quoted(step.target, 4096);
  switch (step.kind) {
    case StepKind::kDirectory:
      return fmt::format("  dir   {}", target);
    case StepKind::kSymlink:
      return fmt::format("  link  {} -> {}", target, quoted(step.text, 4096));
    case StepKind::kFile:
      return fmt::format("  file  {} ({} bytes)", target, step.text.size());
    case StepKind::kTmpfs:
      return fmt::format("  tmpfs {}", target);
    case StepKind::kCover:
      return fmt::format("  over  {} with {}", target, quoted(step.source, 4096));
    case StepKind::kBind:
      break;
  }
  std::string line =
      fmt::format("  {}    {}", step.mode == MountMode::kReadWrite ? "rw" : "ro", target);
  if (step.source != step.target) line += " from " + quoted(step.source, 4096);
  if (step.why != "built in" && !step.why.empty()) line += "  # " + step.why;
  return line;
}

const char* overlay_word(OverlayKind kind) {
  switch (kind) {
    case OverlayKind::kPin:
      return "pinned   ";
    case OverlayKind::kReadOnly:
      return "read-only";
    case OverlayKind::kMask:
      return "hidden   ";
  }
  return "";
}

const char* mode_word(NetworkMode mode) {
  switch (mode) {
    case NetworkMode::kNone:
      return "none";
    case NetworkMode::kFiltered:
      return "filtered (what is allowed, by the proxy alone)";
    case NetworkMode::kDiscover:
      return "discover (everything public, recorded)";
    case NetworkMode::kDangerouslyOpen:
      return "dangerously-open (everything, unchecked)";
  }
  return "";
}

void add_ports(std::string& out, const char* word, const std::vector<PortForward>& ports) {
  for (const auto& port : ports) {
    out += fmt::format("  {} {} host {} <-> inside {}  # {}\n", word,
                       port.transport == Transport::kTcp ? "tcp" : "udp", port.host, port.inside,
                       port.origin.text());
  }
}

}  // namespace

std::string plan_text(const MountPlan& plan, const std::vector<Overlay>& overlays,
                      const Profile& profile, const std::vector<std::string>& environment,
                      const std::vector<std::string>& command) {
  std::string out = "mounts:\n";
  for (const auto& step : plan.steps) out += step_line(step) + "\n";
  out += "guarded:\n";
  for (const auto& overlay : overlays) {
    out += fmt::format("  {} {}\n", overlay_word(overlay.kind),
                       quoted(overlay.mount + "/" + overlay.path, 4096));
  }
  out += "environment:\n";
  for (const auto& variable : environment) {
    out += "  " + variable.substr(0, variable.find('=')) + "\n";
  }
  out += fmt::format("network: {}\n", mode_word(profile.network.mode.value));
  add_ports(out, "forward", profile.network.forward);
  add_ports(out, "publish", profile.network.publish);
  out += fmt::format("directory: {}\ncommand:\n", quoted(plan.directory, 4096));
  for (const auto& word : command) out += "  " + quoted(word, 4096) + "\n";
  return out;
}

}  // namespace redoubtful::cli
