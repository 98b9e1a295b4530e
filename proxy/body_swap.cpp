#include "proxy/body_swap.hpp"

#include <algorithm>
#include <optional>

#include "proxy/placing.hpp"
#include "proxy/request_fields.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxPartHeadBytes = 8 * 1024;

// The value of a field whose name fits, with what belongs into it.
std::optional<std::string> swapped(std::string_view name, std::string_view value,
                                   const std::vector<BodySwap>& swaps, Notation notation) {
  std::optional<std::string> out;
  for (const auto& swap : swaps) {
    if (swap.field != name) continue;
    auto next =
        placed(out ? std::string_view(*out) : value, *swap.surrogate, *swap.secret, notation);
    if (next) out = std::move(next);
  }
  return out;
}

class FormSwap final : public BodyFilter {
 public:
  explicit FormSwap(std::vector<BodySwap> swaps) : swaps_(std::move(swaps)) {}

  void feed(std::string_view in, std::string& out) override {
    while (!in.empty()) {
      const std::size_t end = in.find('&');
      take(in.substr(0, end), out);
      if (end == std::string_view::npos) return;
      settle(out);
      out += '&';
      in.remove_prefix(end + 1);
    }
  }
  void finish(std::string& out) override { settle(out); }
  bool keeps_length() const noexcept override { return keep_length(swaps_); }

 private:
  // A piece of one part.
  void take(std::string_view piece, std::string& out) {
    if (passing_) {
      out += piece;
      return;
    }
    held_ += piece;
    const std::size_t equals = held_.find('=');
    const bool named = equals != std::string::npos;
    const bool wanted =
        named && is_wanted(percent_decoded(std::string_view(held_).substr(0, equals)));
    if ((named && !wanted) || held_.size() > (named ? kMaxValueBytes : kMaxNameBytes)) {
      out += held_;
      held_.clear();
      passing_ = true;
    }
  }
  bool is_wanted(std::string_view name) const {
    return std::any_of(swaps_.begin(), swaps_.end(),
                       [&](const BodySwap& swap) { return swap.field == name; });
  }
  // The part is complete.
  void settle(std::string& out) {
    const std::size_t equals = held_.find('=');
    if (equals != std::string::npos) {
      const std::string name = percent_decoded(std::string_view(held_).substr(0, equals));
      const std::string_view value = std::string_view(held_).substr(equals + 1);
      if (auto by = swapped(name, value, swaps_, Notation::kPercent)) {
        held_.replace(equals + 1, std::string::npos, *by);
      }
    }
    out += held_;
    held_.clear();
    passing_ = false;
  }

  std::vector<BodySwap> swaps_;
  std::string held_;
  bool passing_ = false;  // the rest of this part
};

// Source: RFC 7578; RFC 2046, section 5.1.1.
class MultipartSwap final : public BodyFilter {
 public:
  MultipartSwap(std::string_view boundary, std::vector<BodySwap> swaps)
      : delimiter_("\r\n--" + std::string(boundary)), swaps_(std::move(swaps)) {
    held_ = "\r\n";  // the first delimiter has none before it
    invented_ = held_.size();
  }

  void feed(std::string_view in, std::string& out) override {
    held_ += in;
    while (step(out)) {
    }
  }
  void finish(std::string& out) override { give(held_.size(), out); }
  bool keeps_length() const noexcept override { return keep_length(swaps_); }

 private:
  enum class At { kBody, kHead, kValue, kOver };

  // True: there may be more to do.
  bool step(std::string& out) {
    switch (at_) {
      case At::kBody:
        return pass_body(out);
      case At::kHead:
        return read_head(out);
      case At::kValue:
        return read_value(out);
      case At::kOver:
        give(held_.size(), out);
        return false;
    }
    return false;
  }

  bool pass_body(std::string& out) {
    const std::size_t end = held_.find(delimiter_);
    if (end == std::string::npos) {
      // What could be the beginning of a delimiter stays.
      const std::size_t keep = std::min(held_.size(), delimiter_.size() - 1);
      give(held_.size() - keep, out);
      return false;
    }
    give(end + delimiter_.size(), out);
    at_ = At::kHead;
    return true;
  }

  bool read_head(std::string& out) {
    if (held_.size() < 2) return false;
    if (held_.starts_with("--")) {  // the closing delimiter
      at_ = At::kOver;
      return true;
    }
    const std::size_t end = held_.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (held_.size() > kMaxPartHeadBytes) at_ = At::kOver;
      return at_ == At::kOver;
    }
    // A boundary that goes on is another text.
    if (!held_.starts_with("\r\n")) {
      at_ = At::kOver;
      return true;
    }
    name_ = name_of(std::string_view(held_).substr(0, end + 2));
    give(end + 4, out);
    at_ = name_ ? At::kValue : At::kBody;
    return true;
  }

  bool read_value(std::string& out) {
    const std::size_t end = held_.find(delimiter_);
    if (end == std::string::npos) {
      if (held_.size() <= kMaxValueBytes) return false;
      at_ = At::kBody;
      return true;
    }
    if (auto by =
            swapped(*name_, std::string_view(held_).substr(0, end), swaps_, Notation::kPlain)) {
      out += *by;
      held_.erase(0, end);
    }
    at_ = At::kBody;
    return true;
  }

  // The name in "Content-Disposition: form-data; name="x"", of a wanted part that is no file.
  std::optional<std::string> name_of(std::string_view head) const {
    constexpr std::string_view kDisposition = "content-disposition:";
    std::optional<std::string> found;
    std::size_t dispositions = 0;
    while (!head.empty()) {
      const std::size_t end = std::min(head.find("\r\n"), head.size());
      const std::string_view line = head.substr(0, end);
      head.remove_prefix(std::min(end + 2, head.size()));
      if (line.size() < kDisposition.size() ||
          !equals_ignoring_case(line.substr(0, kDisposition.size()), kDisposition)) {
        continue;
      }
      ++dispositions;
      for (const auto& swap : swaps_) {
        const std::string_view rest = line.substr(kDisposition.size());
        if (rest == " form-data; name=\"" + swap.field + "\"" ||
            rest == " form-data; name=" + swap.field) {
          found = swap.field;
        }
      }
    }
    return dispositions == 1 ? found : std::nullopt;
  }

  // Passes bytes on, but for those that were never there.
  void give(std::size_t count, std::string& out) {
    const std::size_t skip = std::min(invented_, count);
    out.append(held_, skip, count - skip);
    invented_ -= skip;
    held_.erase(0, count);
  }

  std::string delimiter_;
  std::vector<BodySwap> swaps_;
  std::string held_;
  std::size_t invented_ = 0;  // at the front of held_
  std::optional<std::string> name_;
  At at_ = At::kBody;
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

bool keep_length(const std::vector<BodySwap>& swaps) noexcept {
  return std::all_of(swaps.begin(), swaps.end(), [](const BodySwap& swap) {
    return keeps_length(*swap.surrogate, *swap.secret);
  });
}

std::unique_ptr<BodyFilter> form_swap(std::vector<BodySwap> swaps) {
  return std::make_unique<FormSwap>(std::move(swaps));
}

std::unique_ptr<BodyFilter> multipart_swap(std::string_view boundary, std::vector<BodySwap> swaps) {
  return std::make_unique<MultipartSwap>(boundary, std::move(swaps));
}

std::unique_ptr<BodyFilter> body_swap(const Fields& fields, std::vector<BodySwap> swaps) {
  const std::string* type = find_field(fields, "content-type");
  if (type == nullptr || find_field(fields, "content-encoding") != nullptr) return nullptr;
  std::string_view essence = std::string_view(*type).substr(0, type->find(';'));
  while (essence.ends_with(' ')) essence.remove_suffix(1);
  if (is_json(essence)) return json_swap(std::move(swaps));
  if (equals_ignoring_case(essence, "application/x-www-form-urlencoded")) {
    return form_swap(std::move(swaps));
  }
  if (equals_ignoring_case(essence, "multipart/form-data")) {
    const std::string boundary = boundary_of(*type);
    // Source: RFC 2046, section 5.1.1: at most 70 bytes.
    if (!boundary.empty() && boundary.size() <= 70) {
      return multipart_swap(boundary, std::move(swaps));
    }
  }
  return nullptr;
}

}  // namespace redoubtful::proxy
