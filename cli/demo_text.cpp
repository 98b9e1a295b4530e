#include "cli/demo_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace redoubtful::cli {
namespace {

const char* heading(std::string_view section) {
  if (section == "visible") return "Inside the box, an agent sees";
  if (section == "hidden") return "What it does not see";
  if (section == "refused") return "What it cannot do";
  return "What is there afterwards";
}

std::string sign(bool holds, const DemoStyle& style) {
  const bool unicode = style.signs == Signs::kUnicode;
  std::string text = holds ? (unicode ? "✓" : "ok ") : (unicode ? "✗" : "NOT");
  if (style.colour == Colour::kNever) return text;
  return (holds ? "\033[32m" : "\033[31m") + text + "\033[0m";
}

// What programs printed passes through here; none of it may steer the terminal.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

std::string demo_text(const std::vector<DemoLine>& lines, std::chrono::milliseconds took,
                      const DemoStyle& style) {
  std::string out =
      "A shell script plays the agent, once in a box and, where harmless, once outside.\n";
  std::string_view section;
  for (const auto& line : lines) {
    if (line.section != section) {
      section = line.section;
      out += fmt::format("{}\n", heading(section));
    }
    out += fmt::format("  {} {:<34} {}\n", sign(line.holds, style), line.what,
                       printable(line.measured));
  }
  const auto holding =
      std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line.holds; });
  out += fmt::format("{} of {} hold, in {} ms.\n", holding, lines.size(), took.count());
  if (holding != static_cast<std::ptrdiff_t>(lines.size())) {
    return out +
           "A line that does not hold is a hole or a bug: redoubtful doctor, then report it.\n";
  }
  return out +
         "Next, in a project of yours:\n"
         "  redoubtful run                 a shell in a box around it\n"
         "  redoubtful run --dry-run CMD   what a run would mount, set and start\n"
         "  redoubtful audit               what it connected, and what was refused\n";
}

}  // namespace redoubtful::cli
