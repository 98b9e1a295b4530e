#include "cli/audit_text.hpp"

#include <fmt/format.h>
#include <time.h>

#include <array>
#include <boost/json.hpp>
#include <cstdio>

#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kShownBytes = 400;  // of a line that cannot be read
constexpr int kTimeWidth = 12;
constexpr int kEventWidth = 8;
constexpr int kTargetWidth = 46;

std::string text(const json::object& line, std::string_view name) {
  const auto* value = line.if_contains(name);
  if (value == nullptr) return {};
  if (value->is_string()) return shown(std::string_view(value->get_string()));
  return value->is_number() ? json::serialize(*value) : std::string();
}

double number(const json::object& line, std::string_view name) {
  const auto* value = line.if_contains(name);
  if (value == nullptr || !value->is_number()) return 0;
  return value->to_number<double>();
}

// "2025-11-27T14:20:12.345Z" as the clock on the wall shows it.
std::string local_time(const std::string& stamp) {
  tm utc{};
  int milliseconds = 0;
  if (std::sscanf(stamp.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &utc.tm_year, &utc.tm_mon,
                  &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &milliseconds) != 7) {
    return stamp;
  }
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  const std::time_t at = ::timegm(&utc);
  tm local{};
  if (::localtime_r(&at, &local) == nullptr) return stamp;
  return fmt::format("{:02}:{:02}:{:02}.{:03}", local.tm_hour, local.tm_min, local.tm_sec,
                     milliseconds);
}

std::string size_text(double bytes) {
  constexpr std::array<const char*, 4> kUnits{"kB", "MB", "GB", "TB"};
  if (bytes < 1000) return fmt::format("{:.0f} B", bytes);
  std::size_t unit = 0;
  for (bytes /= 1000; bytes >= 999.95 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  return fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string duration_text(double milliseconds) {
  if (milliseconds < 1000) return fmt::format("{:.0f} ms", milliseconds);
  return fmt::format("{:.1f} s", milliseconds / 1000);
}

std::string target_of(const json::object& line) {
  std::string host = text(line, "host");
  const std::string method = text(line, "method");
  // A denial's target may be a request already: "DELETE https://api.example.com/x".
  if (host.find("://") != std::string::npos) return host;
  const auto port = number(line, "port");
  if (port != 0 && port != 443) {
    if (host.find(':') != std::string::npos) host = "[" + host + "]";
    host += fmt::format(":{:.0f}", port);
  }
  return (method.empty() ? "" : method + " ") + host + text(line, "path");
}

class Notes {
 public:
  void add(const std::string& note) {
    if (!note.empty()) text_ += (text_.empty() ? "" : ", ") + note;
  }
  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string rule_text(const json::object& line) {
  const std::string rule = text(line, "rule");
  const std::string place = text(line, "place");
  if (rule.empty()) return place;
  return "by " + rule + (place.empty() ? "" : " (" + place + ")");
}

std::string notes_of(const json::object& line, std::string_view event) {
  Notes notes;
  if (event == "request") notes.add(text(line, "status"));
  if (event == "request" || event == "tunnel") {
    if (const double up = number(line, "bytes_up"); up > 0) notes.add(size_text(up) + " up");
    if (const double down = number(line, "bytes_down"); down > 0) {
      notes.add(size_text(down) + " down");
    }
    notes.add(duration_text(number(line, "milliseconds")));
  }
  if (event == "start") notes.add("the session begins");
  if (event == "stop") notes.add("the session is over");
  if (event == "full") notes.add("the log is full: what follows is not in it");
  notes.add(text(line, "reason"));
  if (const auto name = text(line, "credential"); !name.empty()) notes.add("credential " + name);
  notes.add(text(line, "detail"));
  if (const double count = number(line, "count"); count > 1) {
    notes.add(fmt::format("{:.0f} times so far", count));
  }
  if (const double lost = number(line, "lost"); lost > 0) {
    notes.add(fmt::format("{:.0f} lines were lost: they could not be written", lost));
  }
  if (const double lost = number(line, "lost_in_syslog"); lost > 0) {
    notes.add(fmt::format("{:.0f} lines did not reach the host's log", lost));
  }
  notes.add(rule_text(line));
  return std::move(notes).take();
}

std::string_view colour_of(std::string_view event) {
  if (event == "alarm") return "\033[1;31m";
  if (event == "deny") return "\033[31m";
  if (event == "error" || event == "full" || event == "?") return "\033[33m";
  if (event == "inject" || event == "scrub") return "\033[36m";
  return {};
}

std::string row(const std::string& time, const std::string& event, const std::string& target,
                const std::string& notes, Colour colour) {
  std::string shown_event = fmt::format("{:<{}}", event, kEventWidth);
  if (const auto code = colour_of(event); colour == Colour::kAlways && !code.empty()) {
    shown_event = std::string(code) + shown_event + "\033[0m";
  }
  std::string out = fmt::format("{:<{}}  {}  {:<{}}  {}", time, kTimeWidth, shown_event, target,
                                kTargetWidth, notes);
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

}  // namespace

std::string audit_row(std::string_view line, Colour colour) {
  json::error_code failed;
  const json::value value = json::parse(line, failed);
  if (failed || !value.is_object()) {
    return row("", "?", "a line that cannot be read:", quoted(line, kShownBytes), colour);
  }
  const json::object& object = value.get_object();
  const std::string event = text(object, "event");
  return row(local_time(text(object, "time")), event, target_of(object), notes_of(object, event),
             colour);
}

std::string audit_heading() { return row("time", "event", "to", "result", Colour::kNever); }

}  // namespace redoubtful::cli
