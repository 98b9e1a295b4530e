#pragma once

// How `demo` tells what was measured. Pure.

#include <chrono>
#include <string>
#include <vector>

#include "cli/demo_script.hpp"
#include "cli/terminal_style.hpp"

namespace redoubtful::cli {

struct DemoStyle {
  Colour colour = Colour::kNever;
  Signs signs = Signs::kPlain;
};

// A tick or a cross for each line, by section; what to type next at the end.
std::string demo_text(const std::vector<DemoLine>& lines, std::chrono::milliseconds took,
                      const DemoStyle& style);

}  // namespace redoubtful::cli
