#include "cli/doctor_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

namespace json = boost::json;

struct Look {
  const char* word;
  const char* colour;
};

Look look_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return {.word = "ok", .colour = "\033[32m"};
    case Verdict::kNote:
      return {.word = "note", .colour = "\033[33m"};
    case Verdict::kProblem:
      return {.word = "problem", .colour = "\033[31m"};
    case Verdict::kNotTried:
      break;
  }
  return {.word = "not tried", .colour = "\033[2m"};
}

// Kernel and program messages pass through here; none of it may steer the terminal.
std::string printable(const std::string& text) {
  std::string out = text;
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

}  // namespace

int count(const std::vector<Check>& checks, Verdict verdict) {
  return static_cast<int>(std::count_if(
      checks.begin(), checks.end(), [&](const Check& check) { return check.verdict == verdict; }));
}

std::string doctor_text(const Surroundings& where, const std::vector<Check>& checks,
                        Colour colour) {
  std::string out = fmt::format("{}, Linux {}, as {}", printable(where.distribution), where.kernel,
                                where.root ? "root" : "an ordinary user");
  if (const std::string more = describe(where); !more.empty()) out += ", " + more;
  out += "\n\n";
  for (const auto& check : checks) {
    const Look look = look_of(check.verdict);
    const std::string word = fmt::format("{:<9}", look.word);
    out += fmt::format("  {}  {:<15}  {}\n",
                       colour == Colour::kAlways ? look.colour + word + "\033[0m" : word,
                       check.title, printable(check.found));
    if (!check.remedy.empty()) {
      out += fmt::format("             {:<15}  -> {}\n", "", printable(check.remedy));
    }
  }
  const int problems = count(checks, Verdict::kProblem);
  const int notes = count(checks, Verdict::kNote);
  const int untried = count(checks, Verdict::kNotTried);
  out +=
      fmt::format("\n{} ok, {} {}, {} {}", count(checks, Verdict::kOk), notes,
                  notes == 1 ? "note" : "notes", problems, problems == 1 ? "problem" : "problems");
  if (untried > 0) out += fmt::format(", {} not tried", untried);
  return out + "\n";
}

std::string doctor_json(const Surroundings& where, const std::vector<Check>& checks) {
  // JSON is UTF-8; what others wrote may not be.
  const auto text = [](const std::string& bytes) -> json::string {
    const std::string safe = quoted(bytes, 4096);
    const std::string_view inner = std::string_view(safe).substr(1, safe.size() - 2);
    return json::string(inner == bytes ? std::string_view(bytes) : std::string_view(safe));
  };
  json::array list;
  for (const auto& check : checks) {
    std::string verdict = look_of(check.verdict).word;
    std::replace(verdict.begin(), verdict.end(), ' ', '-');
    list.push_back({{"id", text(check.id)},
                    {"title", text(check.title)},
                    {"verdict", verdict},
                    {"found", text(check.found)},
                    {"remedy", text(check.remedy)}});
  }
  return json::serialize(json::object{{"distribution", text(where.distribution)},
                                      {"kernel", text(where.kernel)},
                                      {"surroundings", text(describe(where))},
                                      {"checks", std::move(list)},
                                      {"problems", count(checks, Verdict::kProblem)}}) +
         "\n";
}

}  // namespace redoubtful::cli
