#include "tests/support/report.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace redoubtful::test {

ProbeReport::ProbeReport(Outcome outcome) : outcome_(std::move(outcome)) {
  std::istringstream text(outcome_.out);
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();  // a terminal's
    lines_.push_back(std::move(line));
  }
}

testing::AssertionResult ProbeReport::complete() const {
  if (outcome_.status == 0 && std::ranges::find(lines_, "END") != lines_.end()) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "the probe did not reach its end: status " << outcome_.status << "\n"
         << outcome_.out << outcome_.err;
}

std::string ProbeReport::answer(std::string_view attempt) const {
  for (const std::string& line : lines_) {
    if (line.size() > attempt.size() + 2 && line.starts_with(attempt) &&
        line.compare(attempt.size(), 2, ": ") == 0) {
      return line.substr(attempt.size() + 2);
    }
  }
  return {};
}

testing::AssertionResult ProbeReport::refused(std::string_view attempt,
                                              std::vector<std::string_view> reasons) const {
  const std::string got = answer(attempt);
  for (const std::string_view kind : {"refused ", "killed "}) {
    if (!got.starts_with(kind)) continue;
    const std::string reason = got.substr(kind.size());
    if (reasons.empty() || std::ranges::find(reasons, reason) != reasons.end()) {
      return testing::AssertionSuccess();
    }
  }
  return testing::AssertionFailure()
         << attempt << ": " << (got.empty() ? "was not tried" : got) << "\n"
         << outcome_.err;
}

testing::AssertionResult ProbeReport::worked(std::string_view attempt) const {
  const std::string got = answer(attempt);
  if (got == "WORKED") return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << attempt << ": " << (got.empty() ? "was not tried" : got) << "\n"
         << outcome_.err;
}

std::vector<std::string> ProbeReport::attempts() const {
  std::vector<std::string> names;
  for (const std::string& line : lines_) {
    for (const std::string_view kind : {": WORKED", ": refused ", ": killed "}) {
      if (const auto at = line.find(kind); at != std::string::npos)
        names.push_back(line.substr(0, at));
    }
  }
  return names;
}

std::vector<std::string> ProbeReport::lines(std::string_view prefix) const {
  std::vector<std::string> found;
  for (const std::string& line : lines_) {
    if (line.starts_with(prefix)) found.push_back(line.substr(prefix.size()));
  }
  return found;
}

}  // namespace redoubtful::test
