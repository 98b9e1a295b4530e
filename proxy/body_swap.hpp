#pragma once

// Puts real values into named fields of a request's body as it passes: JSON, forms, multipart.
// [trusted core]
//
// Only the value of a named field is ever changed, and of it only the surrogate. All else passes
// byte for byte and at once; of the field no more than kMaxValueBytes are held back, and a longer
// value passes as it is. What does not read as the body's type says is a body that servers may read
// in other ways: from there on nothing is put in any more. A surrogate that was not replaced is
// worth nothing, so no fault is a refusal.
//
// JSON: a name without '/' is a member of the outermost object, one with it a JSON pointer (RFC
// 6901). Multipart: form-data whose part has that name and no file name. Bodies with a
// Content-Encoding are left alone.
//
// A real value is as long as its surrogate. So the body keeps its length, but for values that need
// an escape somewhere.
//
// Lifetime: what a BodySwap points to must outlive the filter.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/secret.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {

inline constexpr std::size_t kMaxValueBytes = 64 * 1024;  // four of the longest secrets

struct BodySwap {
  std::string field;
  const std::string* surrogate = nullptr;
  const Secret* secret = nullptr;
};

// None of these changes the length of a body, whichever field it meets.
bool keep_length(const std::vector<BodySwap>& swaps) noexcept;

// By the fields' Content-Type; null where it is none of the three.
std::unique_ptr<BodyFilter> body_swap(const Fields& fields, std::vector<BodySwap> swaps);

std::unique_ptr<BodyFilter> json_swap(std::vector<BodySwap> swaps);
std::unique_ptr<BodyFilter> form_swap(std::vector<BodySwap> swaps);
std::unique_ptr<BodyFilter> multipart_swap(std::string_view boundary, std::vector<BodySwap> swaps);

}  // namespace redoubtful::proxy
