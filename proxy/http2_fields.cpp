#include "proxy/http2_fields.hpp"

#include <algorithm>
#include <array>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

// RFC 9113, section 6.5.2: what a field costs besides its bytes.
constexpr std::size_t kFieldOverhead = 32;

// How the names of fields that carry credentials end: authorization, cookie, x-api-key, job-token …
constexpr std::array kSecretEndings = {
    std::string_view("authorization"), std::string_view("cookie"), std::string_view("key"),
    std::string_view("token"),         std::string_view("secret"), std::string_view("password"),
};

// Of neighbours, of framing, of routing: no trailer may say them. RFC 9110, section 6.5.1.
constexpr std::array kNotInTrailers = {
    std::string_view("host"),
    std::string_view("content-length"),
    std::string_view("connection"),
    std::string_view("transfer-encoding"),
    std::string_view("upgrade"),
    std::string_view("te"),
    std::string_view("trailer"),
    std::string_view("keep-alive"),
    std::string_view("expect"),
    std::string_view("content-type"),
    std::string_view("authorization"),
    std::string_view("cookie"),
    std::string_view("content-encoding"),
    std::string_view("content-range"),
    std::string_view("set-cookie"),
    std::string_view("proxy-connection"),
};

// nghttp2 refuses most of these; this does not lean on it.
constexpr std::array kConnectionFields = {
    std::string_view("connection"),       std::string_view("keep-alive"),
    std::string_view("proxy-connection"), std::string_view("transfer-encoding"),
    std::string_view("upgrade"),          std::string_view("http2-settings"),
};

template <class Words>
bool is_one_of(const Words& words, std::string_view name) {
  return std::find(words.begin(), words.end(), name) != words.end();
}

bool may_be_secret(std::string_view name) {
  return std::any_of(kSecretEndings.begin(), kSecretEndings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

bool is_token_byte(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOthers.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_byte);
}

bool is_field_name(std::string_view name) {
  return is_token(name) &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// RFC 9110, section 5.5: no control bytes but the tab, no blank at either end.
bool is_field_value(std::string_view value) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!value.empty() && (blank(value.front()) || blank(value.back()))) return false;
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 18 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

BlockFault bad(std::string reason) { return {400, std::move(reason)}; }

const std::string* the_one(const Fields& fields, std::string_view name, std::size_t& count) {
  const std::string* found = nullptr;
  count = 0;
  for (const auto& field : fields) {
    if (field.name != name) continue;
    ++count;
    found = &field.value;
  }
  return found;
}

// What requests and responses have in common.
std::optional<BlockFault> check_fields(const Fields& fields) {
  std::size_t lengths = 0;
  const std::string* length = the_one(fields, "content-length", lengths);
  if (lengths > 1) return bad("content-length is there twice");
  if (length != nullptr && !is_number(*length)) return bad("content-length is not a number");
  for (const auto& field : fields) {
    if (is_one_of(kConnectionFields, field.name)) {
      return bad("\"" + field.name + "\" has no place in HTTP/2");
    }
  }
  return std::nullopt;
}

std::optional<BlockFault> check_request_line(const RequestHead& head, std::string_view scheme) {
  if (!is_token(head.method)) return bad(":method is missing or not a token");
  if (head.method == "CONNECT" || head.method == "TRACE") {
    return BlockFault{405, "the method " + head.method + " is not served here"};
  }
  if (scheme != "https") return bad(":scheme is not https");
  if (head.authority.empty()) return bad(":authority is missing");
  if (!is_visible(head.authority)) return bad(":authority has bytes that no host has");
  if (!is_visible(head.target)) return bad(":path has blanks, control or non-ASCII bytes");
  const bool asterisk = head.target == "*" && head.method == "OPTIONS";
  if (!asterisk && (head.target.empty() || head.target.front() != '/')) {
    return bad(":path does not begin with a slash");
  }
  return std::nullopt;
}

std::optional<BlockFault> check_host(const Fields& fields, std::string_view authority) {
  std::size_t hosts = 0;
  const std::string* host = the_one(fields, "host", hosts);
  if (hosts > 1) return bad("host is there twice");
  if (host != nullptr && !equals_ignoring_case(*host, authority)) {
    return bad("host and :authority differ");
  }
  return std::nullopt;
}

}  // namespace

void HeaderBlock::add(std::string_view name, std::string_view value, Indexing indexing) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
  if (bytes_ > limits::kHeadBytes) return reject({431, "the header fields are too large"});
  if (pseudo_.size() + fields_.size() >= limits::kFields) {
    return reject({431, "there are too many header fields"});
  }
  const bool pseudo = !name.empty() && name.front() == ':';
  if (!is_field_name(pseudo ? name.substr(1) : name)) {
    return reject(bad("the name of a header field is not a lower-case token"));
  }
  if (!is_field_value(value)) return reject(bad("the value of a header field has control bytes"));
  if (indexing == Indexing::kNever && !is_one_of(never_indexed_, name)) {
    never_indexed_.emplace_back(name);
  }
  Fields& fields = pseudo ? pseudo_ : fields_;
  fields.push_back({std::string(name), std::string(value)});
}

void HeaderBlock::reject(BlockFault fault) {
  if (!fault_) fault_ = std::move(fault);
}

std::variant<RequestHead, BlockFault> request_head(HeaderBlock block, EndStream end) {
  if (block.fault()) return *block.fault();
  RequestHead head;
  head.version = HttpVersion::k2;
  head.has_body = end == EndStream::kNo;
  std::string scheme;
  for (const auto& field : block.pseudo()) {
    std::string* place = nullptr;
    if (field.name == ":method") place = &head.method;
    if (field.name == ":scheme") place = &scheme;
    if (field.name == ":authority") place = &head.authority;
    if (field.name == ":path") place = &head.target;
    if (place == nullptr) return bad("\"" + field.name + "\" is not served here");
    if (!place->empty()) return bad("\"" + field.name + "\" is there twice");
    *place = field.value;
  }
  if (auto fault = check_request_line(head, scheme)) return *std::move(fault);
  if (auto fault = check_host(block.fields(), head.authority)) return *std::move(fault);
  if (auto fault = check_fields(block.fields())) return *std::move(fault);
  const auto* te = find_field(block.fields(), "te");
  if (te != nullptr && *te != "trailers") return bad("te is other than \"trailers\"");
  const auto* length = find_field(block.fields(), "content-length");
  if (!head.has_body && length != nullptr && length->find_first_not_of('0') != std::string::npos) {
    return bad("content-length promises a body, and there is none");
  }
  head.fields = block.take_fields();
  remove_fields(head.fields, "host");
  remove_hop_by_hop(head.fields);
  return head;
}

std::variant<ResponseHead, BlockFault> response_head(HeaderBlock block) {
  if (block.fault()) return *block.fault();
  if (block.pseudo().size() != 1 || block.pseudo().front().name != ":status") {
    return bad("an answer has :status and no other pseudo-header field");
  }
  const std::string& text = block.pseudo().front().value;
  if (text.size() != 3 || !is_number(text) || text < "100" || text > "599" || text == "101") {
    return bad(":status is not one that HTTP/2 has");
  }
  if (auto fault = check_fields(block.fields())) return *std::move(fault);
  ResponseHead head;
  head.version = HttpVersion::k2;
  head.status = static_cast<unsigned>(std::stoul(text));
  head.fields = block.take_fields();
  remove_hop_by_hop(head.fields);
  return head;
}

std::optional<BlockFault> check_trailers(const HeaderBlock& block) {
  if (block.fault()) return block.fault();
  if (!block.pseudo().empty()) return bad("a pseudo-header field among the trailers");
  for (const auto& field : block.fields()) {
    if (is_one_of(kNotInTrailers, field.name)) {
      return bad("\"" + field.name + "\" has no place among the trailers");
    }
  }
  return std::nullopt;
}

bool is_grpc(const Fields& fields) noexcept {
  constexpr std::string_view kGrpc = "application/grpc";
  const auto* type = find_field(fields, "content-type");
  if (type == nullptr) return false;
  const std::string_view text = *type;
  if (!equals_ignoring_case(text.substr(0, kGrpc.size()), kGrpc)) return false;
  // "application/grpc-web" is read by browsers' libraries, which do with a plain answer.
  return text.size() == kGrpc.size() || text[kGrpc.size()] == '+' || text[kGrpc.size()] == ';';
}

RefusalAnswer refusal_answer(Refusal refusal, AnswerKind kind) {
  RefusalAnswer answer;
  answer.head.version = HttpVersion::k2;
  answer.head.status = refusal.status;
  answer.head.fields = std::move(refusal.fields);
  remove_fields(answer.head.fields, "content-length");
  if (kind == AnswerKind::kGrpc) {
    // UNAVAILABLE where the origin failed, so that a client may try again; else PERMISSION_DENIED.
    const char* status = refusal.status >= 500 ? "14" : "7";
    remove_fields(answer.head.fields, "content-type");
    answer.head.status = 200;
    answer.head.fields.push_back({"content-type", "application/grpc"});
    answer.head.fields.push_back({"grpc-status", status});
    answer.head.fields.push_back({"grpc-message", std::move(refusal.grpc_message)});
    return answer;
  }
  answer.head.fields.push_back({"content-length", std::to_string(refusal.body.size())});
  if (kind == AnswerKind::kPlain) answer.body = std::move(refusal.body);
  return answer;
}

void NameValues::add(std::string_view name, std::string_view value, Indexing indexing) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (std::any_of(name.begin(), name.end(), upper)) {
    std::string lower(name);
    for (char& c : lower) {
      if (upper(c)) c = static_cast<char>(c - 'A' + 'a');
    }
    name = owned_.emplace_back(std::move(lower));
  }
  // nghttp2 reads them only; its type has no const.
  nghttp2_nv pair{};
  pair.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data()));
  pair.namelen = name.size();
  pair.value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data()));
  pair.valuelen = value.size();
  const bool never = indexing == Indexing::kNever || may_be_secret(name);
  pair.flags = never ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
  values_.push_back(pair);
}

void NameValues::add_fields(const Fields& fields, const std::vector<std::string>& never_indexed) {
  for (const auto& field : fields) {
    add(field.name, field.value,
        is_one_of(never_indexed, field.name) ? Indexing::kNever : Indexing::kAllowed);
  }
}

NameValues values_of(const RequestHead& head, const std::vector<std::string>& never_indexed) {
  NameValues values;
  values.add(":method", head.method, Indexing::kAllowed);
  values.add(":scheme", "https", Indexing::kAllowed);
  values.add(":authority", head.authority, Indexing::kAllowed);
  values.add(":path", head.target, Indexing::kAllowed);
  values.add_fields(head.fields, never_indexed);
  return values;
}

NameValues values_of(const ResponseHead& head, const std::vector<std::string>& never_indexed) {
  NameValues values;
  const std::string& status = values.owned_.emplace_back(std::to_string(head.status));
  values.add(":status", status, Indexing::kAllowed);
  values.add_fields(head.fields, never_indexed);
  return values;
}

NameValues values_of(const Fields& trailers, const std::vector<std::string>& never_indexed) {
  NameValues values;
  values.add_fields(trailers, never_indexed);
  return values;
}

}  // namespace redoubtful::proxy
