// The multipart part of body_swap.hpp: a reader that looks for the lines between parts, and at each
// part's head.

#include <algorithm>

#include "proxy/body_swap.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::size_t kMaxPartHeadBytes = 8 * 1024;
constexpr std::string_view kBlankLine = "\r\n\r\n";

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
    // A boundary that goes on is another text.
    if (!held_.starts_with("\r\n")) return lost();
    const std::string_view all = held_;
    const std::size_t end = all.find(kBlankLine);
    const std::size_t known =
        end == std::string::npos ? all.size() - std::min(all.size(), kBlankLine.size() - 1) : end;
    // Some take a delimiter in a head for the end of its part, and some do not.
    if (known > kMaxPartHeadBytes || all.substr(0, end).find(delimiter_) != std::string::npos) {
      return lost();
    }
    if (end == std::string::npos) return false;
    // The same where it stands in the place of the value: the line end before it is the head's.
    const std::string_view next = all.substr(end + 2, delimiter_.size());
    if (next == delimiter_) return lost();
    if (delimiter_.starts_with(next)) return false;  // it may be one yet
    wanted_ = wanted_by(all.substr(2, end));
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
    const std::string_view value = std::string_view(held_).substr(0, end);
    // A delimiter behind another line end, which some take for one.
    if (value.find(std::string_view(delimiter_).substr(2)) != std::string_view::npos) {
      foreign(wanted_.front());
      if (!refused()) out.append(end, ' ');
    } else {
      out += sent_value(wanted_, value, Notation::kPlain);
    }
    if (refused()) return false;
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
    std::vector<std::size_t> out;
    std::size_t dispositions = 0;
    bool plain = true;
    while (!head.empty()) {
      const std::size_t end = std::min(head.find("\r\n"), head.size());
      const std::string_view line = head.substr(0, end);
      head.remove_prefix(std::min(end + 2, head.size()));
      const std::size_t colon = line.find(':');
      // No field, one that is folded, and what some take for the end of a line.
      plain = plain && colon != std::string_view::npos && !line.starts_with(' ') &&
              !line.starts_with('\t') && line.find_first_of("\r\n") == std::string_view::npos;
      if (!plain) break;
      std::string_view name = line.substr(0, colon);
      while (name.ends_with(' ') || name.ends_with('\t')) name.remove_suffix(1);
      if (!equals_ignoring_case(name, "content-disposition")) continue;
      ++dispositions;
      const std::string_view rest = line.substr(colon + 1);
      for (std::size_t i = 0; i < swaps().size(); ++i) {
        const std::string& field = swaps()[i].field;
        if (rest == " form-data; name=\"" + field + "\"" || rest == " form-data; name=" + field) {
          out.push_back(i);
        }
      }
      if (strict() && out.empty() && !is_plainly_another(rest)) refuse(kUnread);
    }
    if (!plain || dispositions != 1) {
      out.clear();
      if (strict()) refuse(kUnread);
    }
    return out;
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

}  // namespace

std::unique_ptr<FieldSwap> multipart_swap(std::string_view boundary, std::vector<BodySwap> swaps,
                                          bool demanded) {
  return std::make_unique<MultipartSwap>(boundary, std::move(swaps), demanded);
}

}  // namespace redoubtful::proxy
