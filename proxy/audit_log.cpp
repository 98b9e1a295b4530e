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
// Different denials that are told apart; the rest are counted together.
constexpr std::size_t kMaxDenials = 4096;
constexpr std::size_t kMaxRefusedHosts = 1024;
constexpr std::size_t kMaxAlarms = 64;
constexpr std::size_t kMaxTextBytes = 1024;  // of one field

std::string now_text() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", text, now.tv_nsec / 1'000'000);
}

// JSON wants UTF-8; what is not is escaped as quoted() does.
json::string text_of(std::string_view bytes) {
  bytes = bytes.substr(0, kMaxTextBytes);
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    if (length == 0) return json::string(quoted(bytes, kMaxTextBytes));
    rest.remove_prefix(length);
  }
  return json::string(bytes);
}

void put(json::object& out, std::string_view name, std::string_view value) {
  if (!value.empty()) out[name] = text_of(value);
}

json::object head_of(std::string_view event, std::string_view session) {
  json::object out;
  out["time"] = now_text();
  out["event"] = event;
  out["session"] = session;
  return out;
}

}  // namespace

AuditLog::AuditLog(UniqueFd fd, std::string session)
    : fd_(std::move(fd)), session_(std::move(session)) {
  write(json::serialize(head_of("start", session_)));
}

AuditLog::~AuditLog() { finish(); }

void AuditLog::record(const AuditEvent& event) {
  if (!fd_) return;
  json::object out = head_of(event.event, session_);
  put(out, "host", event.host);
  if (event.port != 0) out["port"] = event.port;
  put(out, "method", event.method);
  put(out, "path", event.path);
  if (event.event == "request") {
    out["status"] = event.status;
    out["bytes_up"] = event.bytes_up;
    out["bytes_down"] = event.bytes_down;
  }
  if (event.event != "session") {
    out["milliseconds"] = static_cast<double>(event.time.count()) / 1000.0;
  }
  put(out, "rule", event.rule);
  put(out, "place", event.place);
  put(out, "reason", event.reason);
  put(out, "detail", event.detail);
  put(out, "credential", event.credential);
  write(json::serialize(out));
}

void AuditLog::deny(const Denial& denial, std::string_view way, std::string_view method,
                    std::string_view path) {
  if (refused_.size() < kMaxRefusedHosts || refused_.contains(denial.target)) {
    auto& host = refused_[denial.target];
    host.target = denial.target;
    ++host.count;
    if (host.remedy.empty()) host.remedy = denial.remedy;
  }
  std::string key = fmt::format("{}|{}|{}|{}|{}", deny_reason_name(denial.reason), denial.target,
                                way, method, path.substr(0, 256));
  if (denials_.size() >= kMaxDenials && !denials_.contains(key)) key = "the rest";
  auto& repeated = denials_[key];
  ++repeated.count;
  // The 1st, 2nd, 4th, 8th …: what repeats is seen to repeat, and fills nothing.
  if (!fd_ || (repeated.count & (repeated.count - 1)) != 0) return;
  json::object out = head_of("deny", session_);
  put(out, "host", denial.target);
  put(out, "way", way);
  put(out, "method", method);
  put(out, "path", path);
  out["reason"] = deny_reason_name(denial.reason);
  put(out, "rule", denial.rule);
  put(out, "place", denial.place);
  put(out, "detail", denial.detail);
  if (repeated.count > 1) out["count"] = repeated.count;
  repeated.written = repeated.count;
  repeated.line = json::serialize(out);
  write(repeated.line);
}

void AuditLog::alarm(std::string_view host, std::string_view credential, std::string_view detail) {
  if (alarms_.size() < kMaxAlarms) {
    alarms_.push_back(fmt::format("{}: the credential {} {}", host, credential, detail));
  }
  AuditEvent event;
  event.event = "alarm";
  event.host = host;
  event.credential = credential;
  event.detail = detail;
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
  out.alarms = alarms_;
  if (lost_ > 0) {
    out.alarms.push_back(
        fmt::format("the audit log lost {} lines: it could not be written", lost_));
  }
  if (full_) out.alarms.push_back("the audit log is full: later lines were left out");
  return out;
}

void AuditLog::finish() {
  if (finished_) return;
  finished_ = true;
  for (const auto& [key, repeated] : denials_) {
    if (repeated.count == repeated.written || repeated.line.empty()) continue;
    json::object out = json::parse(repeated.line).as_object();
    out["time"] = now_text();
    out["count"] = repeated.count;
    write(json::serialize(out));
  }
  json::object out = head_of("stop", session_);
  if (lost_ > 0) out["lost"] = lost_;
  full_ = false;  // the last line always has room
  write(json::serialize(out));
}

void AuditLog::write(std::string line) {
  if (!fd_) return;
  line += '\n';
  if (full_ || bytes_ + line.size() > kMaxBytes) {
    if (!full_) {
      full_ = true;
      std::string last = json::serialize(head_of("full", session_)) + "\n";
      if (::write(fd_.get(), last.data(), last.size()) < 0) ++lost_;
    }
    return;
  }
  // One write(2) a line: readers never see half of one, but where the disk is full.
  ssize_t put = 0;
  do {
    put = ::write(fd_.get(), line.data(), line.size());
  } while (put < 0 && errno == EINTR);
  if (put == static_cast<ssize_t>(line.size())) {
    bytes_ += line.size();
    return;
  }
  ++lost_;
  // The rest of a line that was cut must not spoil the next one.
  if (put > 0 && ::write(fd_.get(), "\n", 1) < 0) ++lost_;
}

}  // namespace redoubtful::proxy
