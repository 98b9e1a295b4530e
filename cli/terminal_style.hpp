#pragma once

// Whether the standard output may be coloured, and which signs it can show.

namespace redoubtful::cli {

enum class Colour { kNever, kAlways };
enum class Signs { kPlain, kUnicode };

// Colour only on a terminal, and never with a NO_COLOR that is not empty (no-color.org).
Colour colour_wanted();

// Unicode where LC_ALL, LC_CTYPE or LANG, the first that is set, names UTF-8.
Signs signs_wanted();

}  // namespace redoubtful::cli
