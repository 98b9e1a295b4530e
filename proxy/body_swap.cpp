#include "proxy/body_swap.hpp"

#include <algorithm>
#include <utility>

#include "proxy/placing.hpp"
#include "proxy/request_fields.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxPartHeadBytes = 8 * 1024;

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

// Source: RFC 7578; RFC 2046, section 5.1.1.
class MultipartSwap final : public FieldSwap {
 public:
  MultipartSwap(std::string_view boundary, std::vector<BodySwap> swaps, bool demanded)
      : FieldSwap(std::move(swaps), demanded), delimiter_("\r\n--" + std::string(boundary)) {
    held_ = "\r\n";  // the first delimiter has none before it
    invented_ = held_.size();
  }

 private:
  void take(std::string_view in, std::string& out) override {
    held_ += in;
    while (!refused() && step(out)) {
    }
  }
  void end(std::string& out) override {
    if (strict() && at_ != At::kOver) return refuse(kUnread);
    give(held_.size(), out);
  }

  enum class At { kBody, kHead, kValue, kBlank, kOver };

  // True: there may be more to do.
  bool step(std::string& out) {
    switch (at_) {
      case At::kBody:
        return pass_body(out);
      case At::kHead:
        return read_head(out);
      case At::kValue:
        return read_value(out);
      case At::kBlank:
        return pass_blanks(out);
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
      return held_.size() > kMaxPartHeadBytes && lost();
    }
    // A boundary that goes on is another text.
    if (!held_.starts_with("\r\n")) return lost();
    wanted_ = wanted_by(std::string_view(held_).substr(2, end));
    if (refused()) return false;
    give(end + 4, out);
    at_ = wanted_.empty() ? At::kBody : At::kValue;
    return true;
  }

  // Nothing is put in any more.
  bool lost() {
    at_ = At::kOver;
    if (strict()) refuse(kUnread);
    return true;
  }

  bool read_value(std::string& out) {
    const std::size_t end = held_.find(delimiter_);
    // What is there may be the beginning of a delimiter.
    const std::size_t most =
        kMaxValueBytes + (end == std::string::npos ? delimiter_.size() - 1 : 0);
    if (std::min(end, held_.size()) > most) {
      foreign(wanted_.front());
      at_ = At::kBlank;
      return true;
    }
    if (end == std::string::npos) return false;
    const std::string value =
        sent_value(wanted_, std::string_view(held_).substr(0, end), Notation::kPlain);
    if (refused()) return false;
    out += value;
    held_.erase(0, end);
    at_ = At::kBody;
    return true;
  }

  // The rest of a value that is too long.
  bool pass_blanks(std::string& out) {
    const std::size_t end = held_.find(delimiter_);
    const std::size_t count = end == std::string::npos
                                  ? held_.size() - std::min(held_.size(), delimiter_.size() - 1)
                                  : end;
    out.append(count, ' ');
    held_.erase(0, count);
    if (end != std::string::npos) at_ = At::kBody;
    return end != std::string::npos;
  }

  // Whom `Content-Disposition: form-data; name="x"` of a part that is no file names.
  std::vector<std::size_t> wanted_by(std::string_view head) {
    constexpr std::string_view kDisposition = "content-disposition:";
    if (strict() && has_odd_line_end(head)) refuse(kUnread);
    std::vector<std::size_t> out;
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
      const std::string_view rest = line.substr(kDisposition.size());
      for (std::size_t i = 0; i < swaps().size(); ++i) {
        const std::string& field = swaps()[i].field;
        if (rest == " form-data; name=\"" + field + "\"" || rest == " form-data; name=" + field) {
          out.push_back(i);
        }
      }
      if (strict() && out.empty() && !is_plainly_another(rest)) refuse(kUnread);
    }
    if (dispositions != 1) {
      out.clear();
      if (strict()) refuse(kUnread);
    }
    return out;
  }

  // One that some readers take for the end of a line, and some do not.
  static bool has_odd_line_end(std::string_view head) {
    for (std::size_t i = 0; i < head.size(); ++i) {
      if (head[i] == '\n' && (i == 0 || head[i - 1] != '\r')) return true;
      if (head[i] == '\r' && (i + 1 == head.size() || head[i + 1] != '\n')) return true;
    }
    return false;
  }

  // ` form-data; name="x"`, perhaps with `; filename="y"`, in the one spelling that all read alike.
  bool is_plainly_another(std::string_view rest) const {
    constexpr std::string_view kName = " form-data; name=\"";
    constexpr std::string_view kFile = "; filename=\"";
    if (!rest.starts_with(kName)) return false;
    rest.remove_prefix(kName.size());
    const std::string_view name = rest.substr(0, rest.find('"'));
    const bool plain = name.find_first_of("\\%=") == std::string_view::npos;
    const bool wanted = std::any_of(swaps().begin(), swaps().end(), [&](const BodySwap& swap) {
      return equals_ignoring_case(swap.field, name);
    });
    if (!plain || wanted || name.size() == rest.size()) return false;
    rest.remove_prefix(name.size() + 1);
    if (rest.empty()) return true;
    if (!rest.starts_with(kFile)) return false;
    rest.remove_prefix(kFile.size());
    return rest.find('"') == rest.size() - 1 && !rest.empty();
  }

  // Passes bytes on, but for those that were never there.
  void give(std::size_t count, std::string& out) {
    const std::size_t skip = std::min(invented_, count);
    out.append(held_, skip, count - skip);
    invented_ -= skip;
    held_.erase(0, count);
  }

  std::string delimiter_;
  std::string held_;
  std::size_t invented_ = 0;  // at the front of held_
  std::vector<std::size_t> wanted_;
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
  if (!strict() || refused() || out.size() == begin) return;
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
  if (ours || swaps.empty() || value.empty()) return out;
  foreign(swaps.front());
  return std::string(value.size(), notation == Notation::kPercent ? '+' : ' ');
}

std::unique_ptr<FieldSwap> form_swap(std::vector<BodySwap> swaps, bool demanded) {
  return std::make_unique<FormSwap>(std::move(swaps), demanded);
}

std::unique_ptr<FieldSwap> multipart_swap(std::string_view boundary, std::vector<BodySwap> swaps,
                                          bool demanded) {
  return std::make_unique<MultipartSwap>(boundary, std::move(swaps), demanded);
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
