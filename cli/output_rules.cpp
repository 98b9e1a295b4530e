#include "cli/output_rules.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>

namespace redoubtful::cli {
namespace {

bool is_printable(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; }

std::string printable(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), is_printable);
  return out;
}

// The letters of `word`, lower case.
std::string letters(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (c >= 'A' && c <= 'Z') out += static_cast<char>(c - 'A' + 'a');
    if (c >= 'a' && c <= 'z') out += c;
  }
  return out;
}

constexpr std::string_view kITermQuestions[] = {"report", "request"};
constexpr std::string_view kITermCopy = "copy";

bool may_ask(std::uint32_t number) {
  // 4, 5: palette; 10–19: text, cursor, highlight colours; 21, 22, 99, 5113: kitty; 50: font;
  // 60–62: what is allowed; 702: rxvt's version.
  constexpr std::uint32_t kNumbers[] = {4, 5, 6, 21, 22, 50, 60, 61, 62, 99, 702, 5113};
  if (number >= 10 && number <= 19) return true;
  return std::find(std::begin(kNumbers), std::end(kNumbers), number) != std::end(kNumbers);
}

OscKind classify_digits(std::string_view digits) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.size() > 5) return OscKind::kRefused;
  std::uint32_t value = 0;
  for (const char c : digits) value = value * 10 + static_cast<std::uint32_t>(c - '0');
  if (value == 52) return OscKind::kClipboard;
  if (value % 256 == 52 || value == 5522) return OscKind::kRefused;
  if (value == 1337) return OscKind::kITerm;
  return may_ask(value) ? OscKind::kMayAsk : OscKind::kHarmless;
}

}  // namespace

bool is_query_control(std::string_view body) {
  const std::string clean = printable(body);
  if (clean.empty()) return false;
  const char final = clean.back();
  std::string_view rest(clean.data(), clean.size() - 1);
  const std::size_t intermediate_at =
      std::min(rest.find_first_of(" !\"#$%&'()*+,-./"), rest.size());
  const std::string_view intermediates = rest.substr(intermediate_at);
  const std::string_view parameters = rest.substr(0, intermediate_at);
  const char prefix = parameters.empty() ? '\0' : parameters.front();
  if (intermediates == "$") return final == 'p' || final == 'w' || final == 'u';
  if (intermediates == "&") return final == 'u';
  if (intermediates == "*") return final == 'y';
  if (intermediates == "'") return final == '|';
  if (intermediates == "#") return final == 'R' || final == 'S' || final == '|';
  if (!intermediates.empty()) return false;
  switch (final) {
    case 'c':  // DA1, DA2, DA3
    case 'n':  // DSR, in all its forms
    case 'x':  // DECREQTPARM
      return true;
    case 't':  // window reports; some terminals take the first parameter, some any
      return parameters.find_first_of("12") != std::string_view::npos;
    case 'q':  // XTVERSION
      return prefix == '>';
    case 'u':  // kitty keyboard flags
    case 'S':  // XTSMGRAPHICS
    case 'm':  // XTQMODKEYS
    case 'f':  // XTQFMTKEYS
    case 'g':
      return prefix == '?';
    default:
      return false;
  }
}

OscKind classify_osc(std::string_view number) {
  // Parsers differ in what they skip and where they stop, so the worst reading counts.
  std::string all;
  std::string up_to_gap;
  std::string up_to_anything;
  bool gap = false;
  bool anything = false;
  for (const char c : number) {
    if (c >= '0' && c <= '9') {
      all += c;
      if (!gap) up_to_gap += c;
      if (!anything) up_to_anything += c;
    } else if (!all.empty()) {
      anything = true;
      gap = gap || is_printable(c);
    }
  }
  const OscKind kinds[] = {classify_digits(all), classify_digits(up_to_gap),
                           classify_digits(up_to_anything)};
  if (std::all_of(std::begin(kinds), std::end(kinds), [&](auto k) { return k == kinds[0]; })) {
    return kinds[0];
  }
  for (const OscKind kind : {OscKind::kRefused, OscKind::kClipboard}) {
    if (std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds)) {
      return OscKind::kRefused;
    }
  }
  for (const OscKind kind : {OscKind::kITerm, OscKind::kMayAsk}) {
    if (std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds)) return kind;
  }
  return OscKind::kHarmless;
}

bool is_undecided_iterm_word(std::string_view word) {
  const std::string name = letters(word);
  if (name.size() < kITermCopy.size() && kITermCopy.substr(0, name.size()) == name) return true;
  return std::any_of(std::begin(kITermQuestions), std::end(kITermQuestions), [&](auto question) {
    return name.size() < question.size() && question.substr(0, name.size()) == name;
  });
}

ITermWord classify_iterm_word(std::string_view word) {
  const std::string name = letters(word);
  if (name.rfind(kITermCopy, 0) == 0) return ITermWord::kCopy;
  for (const std::string_view question : kITermQuestions) {
    if (name.rfind(question, 0) == 0) return ITermWord::kReport;
  }
  return ITermWord::kOther;
}

DeviceControl classify_device_control(std::string_view start) {
  const std::string clean = printable(start);
  if (clean.empty()) return DeviceControl::kOther;
  const char final = clean.back();
  const std::size_t intermediate_at = clean.find_first_of(" !\"#$%&'()*+,-./");
  if (intermediate_at == std::string::npos) {
    return final == '|' && clean.front() != '>' ? DeviceControl::kRedefinesKeys
                                                : DeviceControl::kOther;
  }
  const std::string_view kind = std::string_view(clean).substr(intermediate_at);
  const bool asks = kind == "$q" || kind == "+q" || kind == "+Q";
  return asks ? DeviceControl::kQuery : DeviceControl::kOther;
}

}  // namespace redoubtful::cli
