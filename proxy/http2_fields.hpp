#pragma once

// HTTP/2 header blocks: from what nghttp2 hands over to the heads that are judged, and back.
// [trusted core]
//
// Pure. nghttp2 checks what RFC 9113, section 8, says of the form (pseudo-header fields, lower
// case, connection-specific fields, content-length against DATA); here is the rest: what two
// servers could read in two ways is refused, never repaired. Which host may be named is the Gate's
// business.

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proxy/message.hpp"

namespace redoubtful::proxy {

enum class EndStream { kNo, kYes };

// May a header field enter the tables of HPACK, at the next hop as at this one? Secrets may not:
// what is in the table can be guessed at by its size. RFC 7541, section 7.1.
enum class Indexing { kAllowed, kNever };

struct BlockFault {
  unsigned status = 400;  // of the answer: 400 or 431
  std::string reason;
};

// One header block as it comes in. Bounded: beyond limits::kHeadBytes or kFields nothing more is
// kept.
class HeaderBlock {
 public:
  void add(std::string_view name, std::string_view value, Indexing indexing);
  // Something is wrong with it; what is said first stays.
  void reject(BlockFault fault);

  const Fields& pseudo() const noexcept { return pseudo_; }  // in their order, with the colon
  const Fields& fields() const noexcept { return fields_; }
  Fields take_fields() noexcept { return std::move(fields_); }
  const std::optional<BlockFault>& fault() const noexcept { return fault_; }
  // Names that came as never indexed.
  const std::vector<std::string>& never_indexed() const noexcept { return never_indexed_; }
  // What was added, kept or not, as SETTINGS_MAX_HEADER_LIST_SIZE counts.
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  Fields pseudo_;
  Fields fields_;
  std::vector<std::string> never_indexed_;
  std::optional<BlockFault> fault_;
  std::size_t bytes_ = 0;
};

std::variant<RequestHead, BlockFault> request_head(HeaderBlock block, EndStream end);
std::variant<ResponseHead, BlockFault> response_head(HeaderBlock block);
// Null: they may pass. Trailers must not say anything that the head should have said.
std::optional<BlockFault> check_trailers(const HeaderBlock& block);

// Is the answer to this request read by a gRPC library?
bool is_grpc(const Fields& fields) noexcept;
// A Refusal in the terms of HTTP/2: its head, with the length of the body that is to follow. For
// gRPC there is no body: trailers-only, with the status in the head.
struct RefusalAnswer {
  ResponseHead head;
  std::string body;
};
enum class AnswerKind { kPlain, kHead, kGrpc };  // kHead: to a HEAD request, without a body
RefusalAnswer refusal_answer(Refusal refusal, AnswerKind kind);

// What nghttp2 is given to send. Views into the heads that it was made from, which must stay until
// nghttp2 has copied them.
class NameValues {
 public:
  void add(std::string_view name, std::string_view value, Indexing indexing);
  const nghttp2_nv* data() const noexcept { return values_.data(); }
  std::size_t size() const noexcept { return values_.size(); }

 private:
  friend NameValues values_of(const RequestHead&, const std::vector<std::string>&);
  friend NameValues values_of(const ResponseHead&, const std::vector<std::string>&);
  friend NameValues values_of(const Fields&, const std::vector<std::string>&);
  void add_fields(const Fields& fields, const std::vector<std::string>& never_indexed);

  std::deque<std::string> owned_;  // a deque moves without moving its strings
  std::vector<nghttp2_nv> values_;
};

// `never_indexed`: names besides those of credentials.
NameValues values_of(const RequestHead& head, const std::vector<std::string>& never_indexed);
NameValues values_of(const ResponseHead& head, const std::vector<std::string>& never_indexed);
NameValues values_of(const Fields& trailers, const std::vector<std::string>& never_indexed);

}  // namespace redoubtful::proxy
