#pragma once

// Strict reading of JSON: every value is asked for by type, and the first fault is kept with its
// place. [trusted core]
//
// After a fault the getters give empty values, so that a reader needs no branch per line; whoever
// reads must look at JsonFaults::first() before anything is used. Size and depth are bounded.
// Doubled keys, of which parsers keep the first or the last as they please, are refused.
//
// Lifetime: a JsonNode refers to the document and the JsonFaults that it was made from.

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::proxy {

// Errors: kInvalidProfile, with line and column for what is not JSON, and nothing of its values.
Result<boost::json::value> parse_json(std::string_view text, boost::json::storage_ptr storage = {});

// Memory for a document that holds secrets: overwritten as it is given back.
boost::json::storage_ptr erasing_storage();

class JsonFaults {
 public:
  void add(const std::string& place, std::string_view what);
  const std::optional<Error>& first() const noexcept { return first_; }

 private:
  std::optional<Error> first_;
};

class JsonNode {
 public:
  JsonNode(JsonFaults& faults, const boost::json::value* value, std::string place)
      : faults_(&faults), value_(value), place_(std::move(place)) {}

  // The member of an object; absent where there is none. A fault where this is no object.
  JsonNode at(std::string_view key) const;
  // A fault where it is no object, or has other keys than these.
  const JsonNode& only(std::initializer_list<std::string_view> keys) const;
  // Neither there nor null.
  bool absent() const noexcept { return value_ == nullptr || value_->is_null(); }
  bool is_there() const noexcept { return value_ != nullptr; }

  // A fault where it is anything else, absent included.
  std::vector<JsonNode> items() const;
  bool flag() const;
  std::uint64_t number() const;
  // A string, or {"hex": "…"} for bytes that are not UTF-8. Without NUL.
  std::string text() const;
  std::vector<std::string> texts() const;

  void fail(std::string_view what) const { faults_->add(place_, what); }
  void fail(const Error& error) const { faults_->add(place_, error.what()); }

 private:
  JsonFaults* faults_;
  const boost::json::value* value_;
  std::string place_;
};

}  // namespace redoubtful::proxy
