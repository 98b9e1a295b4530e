#pragma once

// Puts real values into named fields of a request's body as it passes: JSON, forms, multipart.
// [trusted core]
//
// Only the value of a named field is ever changed. All else passes byte for byte and at once; of
// the field no more than kMaxValueBytes are held back. What does not read as the body's type says
// is a body that servers may read in other ways: from there on nothing is put in any more. A
// surrogate that was not replaced is worth nothing.
//
// What stands in a named field and has no surrogate in it may be an attacker's own credential: it
// is overwritten with blanks. Where a credential is exclusive, the body is refused instead, at
// that field; and so is one that ends without it, if it is demanded; one that servers may read in
// other ways; and one that names the field in another spelling. Of such a body the last byte is
// held back until it ends, so that none that was refused has left whole.
//
// JSON: a name without '/' is a member of the outermost object, one with it a JSON pointer (RFC
// 6901); escapes in keys are read. Multipart: form-data whose part has that name and no file name.
// Bodies with a Content-Encoding are left alone.
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
#include "proxy/placing.hpp"
#include "proxy/swap_observer.hpp"

namespace redoubtful::proxy {

inline constexpr std::size_t kMaxValueBytes = 64 * 1024;  // four of the longest secrets
inline constexpr std::string_view kUnread =
    "the body reads in more than one way, and this host is only reached with a credential";

struct BodySwap {
  std::string field;
  const std::string* surrogate = nullptr;
  const Secret* secret = nullptr;
  std::string credential{};  // its name
  bool exclusive = false;
};

// What the three have in common: what is done to a value, and what is refused.
class FieldSwap : public BodyFilter {
 public:
  FieldSwap(std::vector<BodySwap> swaps, bool demanded);
  // Must outlive it, and be there before the first byte.
  void report_to(SwapObserver& observer) noexcept { observer_ = &observer; }

  void feed(std::string_view in, std::string& out) final;
  void finish(std::string& out) final;
  bool keeps_length() const noexcept final;
  std::string_view fault() const noexcept final { return fault_; }
  unsigned fault_status() const noexcept final { return 403; }

 protected:
  virtual void take(std::string_view in, std::string& out) = 0;
  virtual void end(std::string& out) = 0;

  const std::vector<BodySwap>& swaps() const noexcept { return swaps_; }
  bool strict() const noexcept { return strict_ != nullptr; }  // one is exclusive
  bool refused() const noexcept { return !fault_.empty(); }

  // What is to stand in the field that `swaps` name: the value with the real one in the surrogate's
  // place, else blanks. Nothing may be sent once it was refused.
  std::string sent_value(const std::vector<std::size_t>& swaps, std::string_view value,
                         Notation notation);
  // Foreign, and too long to be held: blanks go on in its place.
  void foreign(std::size_t swap);
  // Only where strict(): what is there may be read in other ways.
  void refuse(std::string_view why);

 private:
  std::vector<BodySwap> swaps_;
  const BodySwap* strict_ = nullptr;  // the first exclusive one
  bool demanded_;
  std::vector<bool> put_in_;
  std::string last_;  // where strict(): the byte that is held back
  std::string fault_;
  SwapObserver* observer_ = nullptr;
};

// By the fields' Content-Type; null where it is none of the three, or there are two. `demanded`: an
// exclusive one must be in it.
std::unique_ptr<FieldSwap> body_swap(const Fields& fields, std::vector<BodySwap> swaps,
                                     bool demanded = false);

std::unique_ptr<FieldSwap> json_swap(std::vector<BodySwap> swaps, bool demanded = false);
std::unique_ptr<FieldSwap> form_swap(std::vector<BodySwap> swaps, bool demanded = false);
std::unique_ptr<FieldSwap> multipart_swap(std::string_view boundary, std::vector<BodySwap> swaps,
                                          bool demanded = false);

}  // namespace redoubtful::proxy
