#pragma once

// Paths as text: nothing here looks at the disk.

#include <string>
#include <string_view>

namespace redoubtful::cli {

// `path` is `directory` or lies below it. Both absolute and normalised.
bool is_within(std::string_view path, std::string_view directory);

std::string parent_of(std::string_view path);     // "/" for "/" and "/a"; "" without a slash
std::string_view name_of(std::string_view path);  // the last component

}  // namespace redoubtful::cli
