#include "proxy/json_reader.hpp"

#include <string.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <cmath>
#include <new>
#include <set>

#include "common/text.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBytes = 4 * 1024 * 1024;
constexpr std::size_t kMaxItems = 20'000;  // of one list
constexpr std::size_t kMaxDepth = 16;      // `show` needs 7

json::parse_options options() {
  json::parse_options out;
  out.max_depth = kMaxDepth;
  return out;
}

// What json::basic_parser reports; only the keys matter here.
struct KeyWatch {
  static constexpr std::size_t max_object_size = kMaxItems;
  static constexpr std::size_t max_array_size = kMaxItems;
  static constexpr std::size_t max_key_size = 4096;
  static constexpr std::size_t max_string_size = kMaxBytes;
  using error_code = json::error_code;
  using view = json::string_view;

  std::vector<std::set<std::string>> open;
  std::string key;
  std::optional<std::string> doubled;
  bool endless = false;  // a number is

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t, error_code&) { return true; }
  bool on_object_begin(error_code&) {
    open.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, error_code&) {
    open.pop_back();
    return true;
  }
  bool on_string_part(view, std::size_t, error_code&) { return true; }
  bool on_string(view, std::size_t, error_code&) { return true; }
  bool on_key_part(view part, std::size_t, error_code&) {
    key.append(part.data(), part.size());
    return true;
  }
  bool on_key(view part, std::size_t, error_code& failed) {
    key.append(part.data(), part.size());
    if (!open.back().insert(key).second) {
      doubled = key;
      failed = json::error::syntax;
      return false;
    }
    key.clear();
    return true;
  }
  bool on_number_part(view, error_code&) { return true; }
  bool on_int64(std::int64_t, view, error_code&) { return true; }
  bool on_uint64(std::uint64_t, view, error_code&) { return true; }
  bool on_double(double number, view, error_code& failed) {
    if (std::isfinite(number)) return true;
    endless = true;
    failed = json::error::syntax;
    return false;
  }
  bool on_bool(bool, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(view, error_code&) { return true; }
  bool on_comment(view, error_code&) { return true; }
};

std::string line_and_column(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return "line " + std::to_string(lines + 1) + ", column " + std::to_string(at - line_begin + 1);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_value(hex[i]);
    const int low = hex_value(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

class ErasingMemory final : public json::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return ::operator new(bytes, std::align_val_t(alignment));
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    ::explicit_bzero(memory, bytes);
    ::operator delete(memory, std::align_val_t(alignment));
  }
  bool do_is_equal(const json::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

}  // namespace

json::storage_ptr erasing_storage() { return json::make_shared_resource<ErasingMemory>(); }

Result<json::value> parse_json(std::string_view text, json::storage_ptr storage) {
  if (text.size() > kMaxBytes) {
    return Error(Errc::kInvalidProfile, "larger than 4 MiB");
  }
  json::error_code failed;
  json::basic_parser<KeyWatch> watch(options());
  const std::size_t read = watch.write_some(false, text.data(), text.size(), failed);
  if (const auto& doubled = watch.handler().doubled) {
    return Error(Errc::kInvalidProfile, "the key " + quoted(*doubled, 80) +
                                            " stands twice in one object (" +
                                            line_and_column(text, read) + ")");
  }
  // The library would write it as a word, which is no JSON: a file that is rewritten would be lost.
  if (watch.handler().endless) {
    return Error(Errc::kInvalidProfile,
                 "a number is too large (" + line_and_column(text, read) + ")");
  }
  if (!failed && read < text.size()) failed = json::error::extra_data;
  if (failed) {
    return Error(Errc::kInvalidProfile, "not JSON, or nested too deeply: " + failed.message() +
                                            " (" + line_and_column(text, read) + ")");
  }
  auto value = json::parse(json::string_view(text.data(), text.size()), failed, std::move(storage),
                           options());
  if (failed) return Error(Errc::kInvalidProfile, "not JSON: " + failed.message());
  return value;
}

void JsonFaults::add(const std::string& place, std::string_view what) {
  if (first_) return;
  first_ = Error(Errc::kInvalidProfile, place + ": " + std::string(what));
}

JsonNode JsonNode::at(std::string_view key) const {
  const json::value* member = nullptr;
  if (value_ == nullptr || !value_->is_object()) {
    fail("must be an object");
  } else {
    member = value_->get_object().if_contains(json::string_view(key.data(), key.size()));
  }
  return {*faults_, member, place_.empty() ? std::string(key) : place_ + "." + std::string(key)};
}

const JsonNode& JsonNode::only(std::initializer_list<std::string_view> keys) const {
  if (value_ == nullptr || !value_->is_object()) {
    fail("must be an object");
    return *this;
  }
  for (const auto& member : value_->get_object()) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    const std::vector<std::string_view> known(keys);
    fail("unknown key " + quoted(key, 80) + did_you_mean(key, known));
  }
  return *this;
}

std::vector<JsonNode> JsonNode::items() const {
  std::vector<JsonNode> out;
  if (value_ == nullptr || !value_->is_array()) {
    fail("must be a list");
    return out;
  }
  std::size_t index = 0;
  for (const auto& item : value_->get_array()) {
    out.emplace_back(*faults_, &item, place_ + "[" + std::to_string(index++) + "]");
  }
  return out;
}

bool JsonNode::flag() const {
  if (value_ != nullptr && value_->is_bool()) return value_->get_bool();
  fail("must be true or false");
  return {};
}

std::uint64_t JsonNode::number() const {
  if (value_ != nullptr && value_->is_uint64()) return value_->get_uint64();
  if (value_ != nullptr && value_->is_int64() && value_->get_int64() >= 0) {
    return static_cast<std::uint64_t>(value_->get_int64());
  }
  fail("must be a whole number, not below zero");
  return 0;
}

std::string JsonNode::text() const {
  std::optional<std::string> out;
  if (value_ != nullptr && value_->is_string()) {
    const auto& string = value_->get_string();
    out.emplace(string.data(), string.size());
  } else if (value_ != nullptr && value_->is_object() && value_->get_object().size() == 1) {
    const auto* hex = value_->get_object().if_contains("hex");
    if (hex != nullptr && hex->is_string()) {
      out = from_hex(std::string_view(hex->get_string().data(), hex->get_string().size()));
    }
  }
  if (!out) {
    fail("must be a text");
    return {};
  }
  if (out->find('\0') != std::string::npos) fail("holds a NUL byte");
  return *std::move(out);
}

std::vector<std::string> JsonNode::texts() const {
  std::vector<std::string> out;
  for (const auto& item : items()) out.push_back(item.text());
  return out;
}

}  // namespace redoubtful::proxy
