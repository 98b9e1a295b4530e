#include "proxy/body_swap.hpp"

#include <algorithm>
#include <utility>

#include "proxy/placing.hpp"
#include "proxy/request_fields.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::size_t kMaxNameBytes = 1024;

class FormSwap final : public FieldSwap {
 public:
  using FieldSwap::FieldSwap;

 private:
  void take(std::string_view in, std::string& out) override {
    while (!in.empty() && !refused()) {
      const std::size_t end = in.find('&');
      take_part(in.substr(0, end), out);
      if (end == std::string_view::npos || refused()) return;
      settle(out);
      if (refused()) return;
      out += '&';
      in.remove_prefix(end + 1);
    }
  }
  void end(std::string& out) override { settle(out); }

  // A piece of one part.
  void take_part(std::string_view piece, std::string& out) {
    if (passing_ || blanking_) {
      if (blanking_) {
        out.append(piece.size(), kBlank);
      } else {
        out += piece;
      }
      return;
    }
    held_ += piece;
    const std::size_t equals = held_.find('=');
    const bool named = equals != std::string::npos;
    const auto wanted =
        named ? wanted_by(std::string_view(held_).substr(0, equals)) : std::vector<std::size_t>();
    if (refused()) return;
    if (!wanted.empty() && held_.size() > kMaxValueBytes) {
      foreign(wanted.front());
      if (refused()) return;
      out.append(held_, 0, equals + 1).append(held_.size() - equals - 1, kBlank);
      held_.clear();
      blanking_ = true;
    } else if (wanted.empty() && (named || held_.size() > kMaxNameBytes)) {
      out += held_;
      held_.clear();
      passing_ = true;
    }
  }
  std::vector<std::size_t> wanted_by(std::string_view name) {
    const std::string decoded = percent_decoded(name);
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < swaps().size(); ++i) {
      if (swaps()[i].field == decoded) {
        out.push_back(i);
      } else if (strict() && equals_ignoring_case(swaps()[i].field, decoded)) {
        refuse(kUnread);
      }
    }
    return out;
  }
  // The part is complete.
  void settle(std::string& out) {
    const std::size_t equals = held_.find('=');
    if (equals != std::string::npos) {
      const auto wanted = wanted_by(std::string_view(held_).substr(0, equals));
      const std::string value =
          sent_value(wanted, std::string_view(held_).substr(equals + 1), Notation::kPercent);
      if (refused()) return;
      held_.replace(equals + 1, std::string::npos, value);
    }
    out += held_;
    held_.clear();
    passing_ = blanking_ = false;
  }

  static constexpr char kBlank = '+';
  std::string held_;
  bool passing_ = false;   // the rest of this part
  bool blanking_ = false;  // the same, in its place
};

// "multipart/form-data; boundary=x": the parameter; empty where there is none.
std::string boundary_of(std::string_view type) {
  constexpr std::string_view kBoundary = "boundary=";
  for (std::size_t at = type.find(';'); at != std::string_view::npos; at = type.find(';', at + 1)) {
    std::string_view parameter = type.substr(at + 1);
    while (parameter.starts_with(' ')) parameter.remove_prefix(1);
    if (parameter.size() < kBoundary.size() ||
        !equals_ignoring_case(parameter.substr(0, kBoundary.size()), kBoundary)) {
      continue;
    }
    parameter.remove_prefix(kBoundary.size());
    if (parameter.starts_with('"')) {
      parameter.remove_prefix(1);
      return std::string(parameter.substr(0, parameter.find('"')));
    }
    return std::string(parameter.substr(0, parameter.find_first_of("; ")));
  }
  return {};
}

bool is_json(std::string_view type) {
  return equals_ignoring_case(type, "application/json") || type.ends_with("+json");
}

}  // namespace

FieldSwap::FieldSwap(std::vector<BodySwap> swaps, bool demanded)
    : swaps_(std::move(swaps)), demanded_(demanded), put_in_(swaps_.size(), false) {
  const auto exclusive = std::find_if(swaps_.begin(), swaps_.end(),
                                      [](const BodySwap& swap) { return swap.exclusive; });
  if (exclusive != swaps_.end()) strict_ = &*exclusive;
}

bool FieldSwap::keeps_length() const noexcept {
  return std::all_of(swaps_.begin(), swaps_.end(), [](const BodySwap& swap) {
    return proxy::keeps_length(*swap.surrogate, *swap.secret);
  });
}

void FieldSwap::feed(std::string_view in, std::string& out) {
  if (refused()) return;
  const std::size_t begin = out.size();
  out += std::exchange(last_, {});
  take(in, out);
  if (refused()) out.resize(begin);
  if (!strict() || out.size() == begin) return;
  last_ = out.back();
  out.pop_back();
}

void FieldSwap::finish(std::string& out) {
  if (refused()) return;
  const std::size_t begin = out.size();
  out += std::exchange(last_, {});
  end(out);
  if (demanded_ && !refused()) {
    refuse("the body does not carry the credential that this host is only reached with");
  }
  if (refused()) out.resize(begin);
}

void FieldSwap::refuse(std::string_view why) {
  if (refused()) return;
  fault_ = why;
  if (observer_ != nullptr) observer_->refused(strict_->credential, why);
}

void FieldSwap::foreign(std::size_t swap) {
  const std::string where = "the field " + swaps_[swap].field + " of the body";
  if (strict()) return refuse(where + " holds another credential, and this one is exclusive");
  if (observer_ != nullptr) observer_->taken_out(where);
}

std::string FieldSwap::sent_value(const std::vector<std::size_t>& swaps, std::string_view value,
                                  Notation notation) {
  std::string out(value);
  bool ours = false;
  for (const std::size_t i : swaps) {
    const BodySwap& swap = swaps_[i];
    auto next = placed(out, *swap.surrogate, *swap.secret, notation);
    if (!next) continue;
    out = *std::move(next);
    ours = true;
    if (swap.exclusive) demanded_ = false;
    if (!put_in_[i] && observer_ != nullptr) {
      observer_->put_in(swap.credential, "the field " + swap.field + " of the body");
    }
    put_in_[i] = true;
  }
  if (swaps.empty() || value.empty()) return out;
  std::vector<std::string_view> surrogates;
  for (const std::size_t i : swaps) surrogates.push_back(*swaps_[i].surrogate);
  if (ours && !(strict() && holds_another(std::string(value), surrogates))) return out;
  foreign(swaps.front());
  return std::string(value.size(), notation == Notation::kPercent ? '+' : ' ');
}

std::unique_ptr<FieldSwap> form_swap(std::vector<BodySwap> swaps, bool demanded) {
  return std::make_unique<FormSwap>(std::move(swaps), demanded);
}

std::unique_ptr<FieldSwap> body_swap(const Fields& fields, std::vector<BodySwap> swaps,
                                     bool demanded) {
  const auto types = std::count_if(fields.begin(), fields.end(), [](const Field& field) {
    return equals_ignoring_case(field.name, "content-type");
  });
  if (types != 1 || find_field(fields, "content-encoding") != nullptr) return nullptr;
  const std::string* type = find_field(fields, "content-type");
  std::string_view essence = std::string_view(*type).substr(0, type->find(';'));
  while (essence.ends_with(' ')) essence.remove_suffix(1);
  if (is_json(essence)) return json_swap(std::move(swaps), demanded);
  if (equals_ignoring_case(essence, "application/x-www-form-urlencoded")) {
    return form_swap(std::move(swaps), demanded);
  }
  if (equals_ignoring_case(essence, "multipart/form-data")) {
    const std::string boundary = boundary_of(*type);
    // Source: RFC 2046, section 5.1.1: at most 70 bytes.
    if (!boundary.empty() && boundary.size() <= 70) {
      return multipart_swap(boundary, std::move(swaps), demanded);
    }
  }
  return nullptr;
}

}  // namespace redoubtful::proxy
