#pragma once

// The help texts: each fits a screen of 24 lines and 80 columns, ends with an example, and lists
// only what works in this version.

#include <string_view>

namespace redoubtful::cli {

// `topic`: a command, or empty for the program. Static text, ending in a newline.
std::string_view help_text(std::string_view topic);

}  // namespace redoubtful::cli
