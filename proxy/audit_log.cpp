#include "proxy/audit_log.hpp"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>

#include "common/text.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

// Of one session. A week's work of requests fits; what an agent could write in a loop does not.
constexpr std::uint64_t kMaxBytes = 64ULL * 1024 * 1024;
// Different denials and alarms that are told apart; the rest are counted together.
constexpr std::size_t kMaxRepeated = 4096;
constexpr std::size_t kMaxRefusedHosts = 1024;
constexpr std::size_t kMaxAlarms = 64;
constexpr std::size_t kMaxTextBytes = 1024;  // of one field

// What has a byte to be escaped, or is not ASCII, is rare and left to Boost.
void append_quoted(std::string_view bytes, std::string& out) {
  bytes = bytes.substr(0, kMaxTextBytes);
  const bool plain = std::all_of(bytes.begin(), bytes.end(), [](char c) {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
  });
  if (plain) {
    out.append("\"").append(bytes).append("\"");
    return;
  }
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    if (length == 0) {  // JSON wants UTF-8; what is not is escaped as quoted() does
      out += json::serialize(json::string(quoted(bytes, kMaxTextBytes)));
      return;
    }
    rest.remove_prefix(length);
  }
  out += json::serialize(json::string(bytes));
}

// "api.example:8443" of "GET https://api.example:8443/x", and of itself.
std::string_view host_of(std::string_view target) {
  const std::size_t mark = target.find("://");
  if (mark == std::string_view::npos) return target;
  target.remove_prefix(mark + 3);
  return target.substr(0, target.find('/'));
}

// One JSON object, written front to back: there are two for every request, and a tree of each would
// cost more than the request's own parsing. Names are ours and need no escaping.
class Line {
 public:
  Line(std::string_view event, std::string_view time, std::string_view session) {
    text_.reserve(320);
    text_.append("{\"time\":\"").append(time).append("\"");
    text("event", event);
    text("session", session);
  }

  // Left out when empty.
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    begin(name);
    append_quoted(value, text_);
  }
  void number(std::string_view name, std::uint64_t value) {
    begin(name);
    fmt::format_to(std::back_inserter(text_), "{}", value);
  }
  void milliseconds(std::chrono::microseconds time) {
    begin("milliseconds");
    fmt::format_to(std::back_inserter(text_), "{}.{:03}", time.count() / 1000, time.count() % 1000);
  }
  std::string take() { return std::move(text_) + "}"; }

 private:
  void begin(std::string_view name) { text_.append(",\"").append(name).append("\":"); }

  std::string text_;
};

}  // namespace

AuditLog::AuditLog(UniqueFd fd, std::string session, std::optional<SystemLog> host)
    : fd_(std::move(fd)), host_(std::move(host)), session_(std::move(session)) {
  write(Line("start", now(), session_).take());
}

AuditLog::~AuditLog() { finish(); }

// RFC 3339. The date is made once a second.
std::string AuditLog::now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec != second_ || date_.empty()) {
    second_ = now.tv_sec;
    tm utc{};
    ::gmtime_r(&now.tv_sec, &utc);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    date_ = text;
  }
  return fmt::format("{}.{:03}Z", date_, now.tv_nsec / 1'000'000);
}

AuditLog::Repeated* AuditLog::repeat(std::string_view event, std::string key) {
  key.insert(0, "|").insert(0, event);
  if (repeated_.size() >= kMaxRepeated && !repeated_.contains(key)) {
    key = std::string(event) + ", the rest";
  }
  Repeated& repeated = repeated_[key];
  ++repeated.count;
  // The 1st, 2nd, 4th, 8th …: what repeats is seen to repeat, and fills nothing.
  if (!kept() || (repeated.count & (repeated.count - 1)) != 0) return nullptr;
  repeated.written = repeated.count;
  return &repeated;
}

void AuditLog::record(const AuditEvent& event) {
  if (!kept()) return;
  Line line(event.event, now(), session_);
  line.text("host", event.host);
  if (event.port != 0) line.number("port", event.port);
  line.text("method", event.method);
  line.text("path", event.path);
  const bool request = event.event == "request";
  if (request) line.number("status", event.status);
  if (request || event.event == "tunnel") {
    line.number("bytes_up", event.bytes_up);
    line.number("bytes_down", event.bytes_down);
    line.milliseconds(event.time);
  }
  line.text("rule", event.rule);
  line.text("place", event.place);
  line.text("reason", event.reason);
  line.text("detail", event.detail);
  line.text("credential", event.credential);
  if (event.count != 0) line.number("count", event.count);
  write(line.take());
}

std::shared_ptr<OpenRequest> AuditLog::open(AuditEvent event) {
  auto request = std::make_shared<OpenRequest>(
      OpenRequest{std::move(event), std::chrono::steady_clock::now(), ++requests_});
  open_.emplace(request->number, request);
  return request;
}

void AuditLog::close(OpenRequest& request) {
  if (open_.erase(request.number) == 0) return;
  request.event.time = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - request.begun);
  record(request.event);
}

void AuditLog::deny(const Denial& denial, std::string_view way, std::string_view method,
                    std::string_view path) {
  const std::string name(host_of(denial.target));
  if (refused_.size() < kMaxRefusedHosts || refused_.contains(name)) {
    auto& host = refused_[name];
    host.target = name;
    ++host.count;
    if (host.remedy.empty()) host.remedy = denial.remedy;
  }
  Repeated* repeated = repeat("deny", fmt::format("{}|{}|{}|{}|{}", deny_reason_name(denial.reason),
                                                  denial.target, way, method, path.substr(0, 256)));
  if (repeated == nullptr) return;
  Line line("deny", now(), session_);
  line.text("host", denial.target);
  line.text("way", way);
  line.text("method", method);
  line.text("path", path);
  line.text("reason", deny_reason_name(denial.reason));
  line.text("rule", denial.rule);
  line.text("place", denial.place);
  line.text("detail", denial.detail);
  if (repeated->count > 1) line.number("count", repeated->count);
  repeated->line = line.take();
  write(repeated->line, repeated->severity);
}

void AuditLog::alarm(std::string_view host, std::string_view credential, std::string_view detail) {
  const std::string text = fmt::format("{}: credential {}: {}", host, credential, detail);
  if (alarms_.size() < kMaxAlarms || alarms_.contains(text)) ++alarms_[text];
  Repeated* repeated = repeat("alarm", text);
  if (repeated == nullptr) return;
  Line line("alarm", now(), session_);
  line.text("host", host);
  line.text("detail", detail);
  line.text("credential", credential);
  if (repeated->count > 1) line.number("count", repeated->count);
  repeated->line = line.take();
  repeated->severity = Severity::kWarning;
  write(repeated->line, repeated->severity);
}

void AuditLog::refreshed(const std::string& credential, std::string_view reason,
                         std::string detail) {
  unrenewed_.erase(credential);
  if (!reason.empty()) {
    unrenewed_.emplace(credential,
                       (reason == "failed" ? "could not be renewed: " : "was ") + detail);
  }
  AuditEvent event;
  event.event = "refresh";
  event.credential = credential;
  event.reason = reason;
  event.detail = std::move(detail);
  record(event);
}

void AuditLog::discovered(const std::string& rule) {
  if (discovered_.size() < kMaxRefusedHosts || discovered_.contains(rule)) ++discovered_[rule];
}

control::Summary AuditLog::summary() const {
  control::Summary out;
  for (const auto& [target, host] : refused_) out.refused.push_back(host);
  std::stable_sort(out.refused.begin(), out.refused.end(),
                   [](const auto& a, const auto& b) { return a.count > b.count; });
  for (const auto& [rule, count] : discovered_) out.discovered.push_back(rule);
  for (const auto& [text, count] : alarms_) {
    out.alarms.push_back(count == 1 ? text : fmt::format("{} ({} times)", text, count));
  }
  for (const auto& [credential, why] : unrenewed_) {
    out.alarms.push_back(fmt::format("credential {} {}", credential, why));
  }
  if (lost_ > 0) {
    out.alarms.push_back(
        fmt::format("the audit log lost {} lines: it could not be written", lost_));
  }
  if (host_ && host_->lost() > 0) {
    out.alarms.push_back(fmt::format("the host's log lost {} lines of this session: {}",
                                     host_->lost(), host_->losses()));
  }
  if (full_) out.alarms.push_back("the audit log is full: later lines were left out");
  return out;
}

void AuditLog::finish() {
  if (finished_) return;
  finished_ = true;
  const auto under_way = open_;
  for (const auto& [number, weak] : under_way) {
    const auto request = weak.lock();
    if (!request) continue;
    request->event.detail = "it was under way when the run ended, its bytes not counted";
    close(*request);
  }
  for (const auto& [key, repeated] : repeated_) {
    if (repeated.count == repeated.written || repeated.line.empty()) continue;
    json::object out = json::parse(repeated.line).as_object();
    out["time"] = now();
    out["count"] = repeated.count;
    write(json::serialize(out), repeated.severity);
  }
  Line line("stop", now(), session_);
  if (lost_ > 0) line.number("lost", lost_);
  if (host_ && host_->lost() > 0) line.number("lost_in_syslog", host_->lost());
  if (kept()) put(line.take(), Severity::kInformational);  // the last line always has room
}

void AuditLog::write(std::string line, Severity severity) {
  if (!kept()) return;
  if (!full_ && bytes_ + line.size() + 1 <= kMaxBytes) {
    bytes_ += line.size() + 1;
    put(std::move(line), severity);
  } else if (!full_) {
    full_ = true;
    put(Line("full", now(), session_).take(), Severity::kWarning);
  }
}

void AuditLog::put(std::string line, Severity severity) {
  if (host_) host_->write(severity, line);
  if (!fd_) return;
  line += '\n';
  // One write(2) a line: readers never see half of one, but where the disk is full.
  ssize_t written = 0;
  do {
    written = ::write(fd_.get(), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line.size())) return;
  ++lost_;
  // The rest of a line that was cut must not spoil the next one.
  if (written > 0 && ::write(fd_.get(), "\n", 1) < 0) ++lost_;
}

}  // namespace redoubtful::proxy
