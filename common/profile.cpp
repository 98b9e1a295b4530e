#include "common/profile.hpp"

namespace redoubtful {

std::string Origin::text() const {
  std::string out = file;
  if (line > 0) {
    out += ':';
    out += std::to_string(line);
    if (column > 0) {
      out += ':';
      out += std::to_string(column);
    }
  }
  if (!option.empty()) out += " (" + option + ")";
  return out;
}

}  // namespace redoubtful
