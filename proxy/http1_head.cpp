#include "proxy/http1_head.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;
using boost::system::error_code;

constexpr std::string_view kEndOfLine = "\r\n";

// Beast's parser, filling our own values: its container would copy every field once more.
template <bool isRequest>
class Parser final : public http::basic_parser<isRequest> {
 public:
  Parser() {
    this->header_limit(static_cast<std::uint32_t>(limits::kHeadBytes + 1));
    this->body_limit(boost::none);
    this->skip(true);
  }

  std::string_view method;
  std::string_view target;
  std::string_view reason;
  int code = 0;
  int version = 0;
  Fields fields;

 private:
  static std::string_view view(string_view text) { return {text.data(), text.size()}; }

  void on_request_impl(http::verb, string_view method_text, string_view target_text, int number,
                       error_code&) override {
    method = view(method_text);
    target = view(target_text);
    version = number;
  }
  void on_response_impl(int status, string_view reason_text, int number, error_code&) override {
    code = status;
    reason = view(reason_text);
    version = number;
  }
  void on_field_impl(http::field, string_view name, string_view value, error_code&) override {
    fields.push_back({std::string(view(name)), std::string(view(value))});
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}
};

// Of the fields that decide what a message is, as the raw bytes have them.
struct Decisive {
  std::size_t fields = 0;
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  std::string_view host;
  std::string_view length;
  std::string_view coding;
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;  // named by Connection
};

void note(Decisive& decisive, const FieldView& field) {
  ++decisive.fields;
  // Most fields differ in length from all of these.
  switch (field.name.size()) {
    case 4:
      if (equals_ignoring_case(field.name, "host")) {
        ++decisive.hosts;
        decisive.host = field.value;
      }
      break;
    case 10:
      if (equals_ignoring_case(field.name, "connection")) {
        decisive.close |= lists_token(field.value, "close");
        decisive.keep_alive |= lists_token(field.value, "keep-alive");
        decisive.upgrade |= lists_token(field.value, "upgrade");
      }
      break;
    case 14:
      if (equals_ignoring_case(field.name, "content-length")) {
        ++decisive.lengths;
        decisive.length = field.value;
      }
      break;
    case 17:
      if (equals_ignoring_case(field.name, "transfer-encoding")) {
        ++decisive.codings;
        decisive.coding = field.value;
      }
      break;
    default:
      break;
  }
}

// Checks each line of a head; `bytes` ends with the empty one.
std::variant<Decisive, HeadFault> check_lines(std::string_view bytes) {
  if (bytes.size() > limits::kHeadBytes) return HeadFault{431, "the head is over 64 KiB"};
  Decisive decisive;
  std::string_view rest = bytes.substr(bytes.find(kEndOfLine) + 2);
  for (;;) {
    const std::size_t end = rest.find(kEndOfLine);
    if (end == std::string_view::npos) return HeadFault{400, "the head is not complete"};
    if (end == 0) break;
    const auto parsed = parse_field_line(rest.substr(0, end));
    if (const auto* fault = std::get_if<HeadFault>(&parsed)) return *fault;
    note(decisive, std::get<FieldView>(parsed));
    if (decisive.fields > limits::kFields) return HeadFault{431, "over 256 header fields"};
    rest.remove_prefix(end + 2);
  }
  if (rest.size() != 2) return HeadFault{400, "there are bytes behind the head"};
  return decisive;
}

template <bool isRequest>
bool run(Parser<isRequest>& parser, std::string_view bytes, const Decisive& decisive) {
  parser.fields.reserve(decisive.fields);
  error_code error;
  const std::size_t taken = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  const bool complete = !error || error == http::error::need_more;
  // Whoever saw other fields than the check did was not checked.
  return complete && parser.is_header_done() && taken == bytes.size() &&
         parser.fields.size() == decisive.fields;
}

std::variant<Framing, HeadFault> framing_of(const Decisive& decisive, int version) {
  if (decisive.codings > 0 && decisive.lengths > 0) {
    return HeadFault{400, "it has both Content-Length and Transfer-Encoding"};
  }
  if (decisive.lengths > 1) return HeadFault{400, "it has more than one Content-Length"};
  if (decisive.codings > 1) return HeadFault{400, "it has more than one Transfer-Encoding"};
  if (decisive.codings == 1) {
    if (version != 11) return HeadFault{400, "HTTP/1.0 has no Transfer-Encoding"};
    if (!equals_ignoring_case(decisive.coding, "chunked")) {
      return HeadFault{400, "its Transfer-Encoding is not exactly \"chunked\""};
    }
    return Framing{Framing::Kind::kChunked, 0};
  }
  if (decisive.lengths == 1) {
    const auto length = parse_content_length(decisive.length);
    if (!length) return HeadFault{400, "its Content-Length is not a plain number"};
    return Framing{Framing::Kind::kLength, *length};
  }
  return Framing{};
}

bool is_method(std::string_view text) {
  return is_token(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return c >= 'a' && c <= 'z';  // methods have case: "get" is not GET, but to some origins
         });
}

bool is_target_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && c != '#';
}

bool same_place(const Authority& a, const Authority& b, std::string_view scheme) {
  const auto port = [&](const Authority& authority) {
    if (authority.port) return authority.port->number();
    return static_cast<std::uint16_t>(scheme == "https" ? 443 : 80);
  };
  return a.host == b.host && port(a) == port(b);
}

// "http://host/path" becomes "/path"; it must name the same origin as Host.
std::variant<std::string, HeadFault> absolute_target(std::string_view target, const Authority& host,
                                                     std::string_view method, Http1Entry entry) {
  const std::size_t mark = target.find("://");
  if (mark == std::string_view::npos) return HeadFault{400, "its target is not a path"};
  const std::string_view scheme = target.substr(0, mark);
  const bool https = equals_ignoring_case(scheme, "https");
  if (!https && !equals_ignoring_case(scheme, "http")) {
    return HeadFault{400, "its target has a scheme other than http"};
  }
  if (https && entry == Http1Entry::kExplicit) {
    return HeadFault{400, "https goes through a proxy by CONNECT only"};
  }
  std::string_view rest = target.substr(mark + 3);
  const std::size_t end = rest.find_first_of("/?");
  const std::string_view text = rest.substr(0, end);
  if (text.find('@') != std::string_view::npos) {
    return HeadFault{400, "its target has a user name or password"};
  }
  const auto authority = parse_authority(text);
  if (!authority) return HeadFault{400, "its target is not one of host[:port]"};
  if (!same_place(*authority, host, https ? "https" : "http")) {
    return HeadFault{421, "its target and its Host are not the same"};
  }
  if (end == std::string_view::npos) return std::string(method == "OPTIONS" ? "*" : "/");
  rest.remove_prefix(end);
  return rest.front() == '/' ? std::string(rest) : "/" + std::string(rest);
}

// RFC 6455, section 4.1. Whether the key is well-formed tells a client from a page's form.
bool is_websocket(const Parser<true>& parser, const Decisive& decisive, const Framing& framing) {
  if (!decisive.upgrade || parser.method != "GET" || parser.version != 11) return false;
  if (framing.has_body()) return false;
  std::size_t upgrades = 0;
  std::size_t keys = 0;
  std::size_t versions = 0;
  for (const Field& field : parser.fields) {
    if (equals_ignoring_case(field.name, "upgrade")) {
      if (!equals_ignoring_case(field.value, "websocket")) return false;
      ++upgrades;
    } else if (equals_ignoring_case(field.name, "sec-websocket-key")) {
      if (field.value.size() != 24 || !field.value.ends_with("==")) return false;
      ++keys;
    } else if (equals_ignoring_case(field.name, "sec-websocket-version")) {
      if (field.value != "13") return false;
      ++versions;
    }
  }
  return upgrades == 1 && keys == 1 && versions == 1;
}

// "HTTP/2 303 …" is somebody else's protocol; the raw bytes must be these.
HeadFault line_fault(std::string_view line) {
  const std::size_t version = line.rfind(" HTTP/");
  if (version != std::string_view::npos && line.size() == version + 9 &&
      line.substr(version + 1) != "HTTP/1.1" && line.substr(version + 1) != "HTTP/1.0") {
    return {505, "its HTTP version is neither 1.1 nor 1.0"};
  }
  return {400, "its first line is not METHOD TARGET HTTP/1.1"};
}

std::string_view version_name(int version) {
  return version == 11 ? " HTTP/1.1" : version == 10 ? " HTTP/1.0" : "";
}

bool is_request_line(std::string_view line, const Parser<true>& parser) {
  const std::string_view version = version_name(parser.version);
  return !version.empty() &&
         line.size() == parser.method.size() + 1 + parser.target.size() + version.size() &&
         line.starts_with(parser.method) && line[parser.method.size()] == ' ' &&
         line.substr(parser.method.size() + 1).starts_with(parser.target) &&
         line.ends_with(version) && is_method(parser.method) &&
         std::all_of(parser.target.begin(), parser.target.end(), is_target_byte);
}

}  // namespace

namespace {

// Two of them would be two answers to one question: then there is none.
std::string proxy_authorization_of(const Fields& fields) {
  const std::string* found = nullptr;
  for (const auto& field : fields) {
    if (!equals_ignoring_case(field.name, "proxy-authorization")) continue;
    if (found != nullptr) return {};
    found = &field.value;
  }
  return found != nullptr ? *found : std::string();
}

}  // namespace

std::variant<ParsedRequest, ParsedConnect, HeadFault> parse_request_head(std::string_view bytes,
                                                                         Http1Entry entry) {
  const std::string_view line = bytes.substr(0, bytes.find(kEndOfLine));
  if (line.size() + 2 >= bytes.size()) return HeadFault{400, "the head is not complete"};
  const auto lines = check_lines(bytes);
  if (const auto* fault = std::get_if<HeadFault>(&lines)) return *fault;
  const auto& decisive = std::get<Decisive>(lines);
  const auto framed = framing_of(decisive, line.ends_with(version_name(10)) ? 10 : 11);
  if (const auto* fault = std::get_if<HeadFault>(&framed)) return *fault;

  Parser<true> parser;
  const bool parsed = run(parser, bytes, decisive);
  if (!parsed || !is_request_line(line, parser)) return line_fault(line);
  const std::string_view method = parser.method;
  const std::string_view target = parser.target;
  if (decisive.hosts > 1) return HeadFault{400, "it has more than one Host"};
  if (method == "CONNECT") {
    if (entry == Http1Entry::kDirect) return HeadFault{405, "CONNECT belongs to a proxy's port"};
    if (std::get<Framing>(framed).has_body()) return HeadFault{400, "CONNECT has no body"};
    if (!parse_authority(target)) return HeadFault{400, "its target is not host:port"};
    return ParsedConnect{std::string(target), proxy_authorization_of(parser.fields)};
  }
  if (method == "TRACE") return HeadFault{405, "TRACE is not passed on"};
  if (method == "PRI") return HeadFault{505, "HTTP/2 was not agreed on"};
  if (decisive.hosts == 0) return HeadFault{400, "it has no Host"};
  const auto host = parse_authority(decisive.host);
  if (!host) return HeadFault{400, "its Host is not one of host[:port]"};

  ParsedRequest request;
  request.framing = std::get<Framing>(framed);
  RequestHead& head = request.head;
  if (target == "*") {
    if (method != "OPTIONS") return HeadFault{400, "only OPTIONS has the target \"*\""};
    if (entry == Http1Entry::kExplicit) {
      return HeadFault{400, "a proxy is asked with an absolute target"};
    }
    head.target = "*";
  } else if (target.front() == '/') {
    if (entry == Http1Entry::kExplicit) {
      return HeadFault{400, "a proxy is asked with an absolute target"};
    }
    head.target = target;
  } else {
    auto absolute = absolute_target(target, *host, method, entry);
    if (const auto* fault = std::get_if<HeadFault>(&absolute)) return *fault;
    head.target = std::get<std::string>(std::move(absolute));
  }
  head.version = parser.version == 11 ? HttpVersion::k11 : HttpVersion::k10;
  head.method = method;
  head.authority = decisive.host;
  head.has_body = request.framing.has_body();
  head.upgrade_websocket = is_websocket(parser, decisive, request.framing);
  request.keep_alive = !decisive.close && (parser.version == 11 || decisive.keep_alive);
  head.fields = std::move(parser.fields);
  remove_fields(head.fields, "host");
  if (const std::string* expect = find_field(head.fields, "expect")) {
    if (!equals_ignoring_case(*expect, "100-continue")) {
      return HeadFault{417, "it expects something other than 100-continue"};
    }
    request.expects_continue = head.has_body && parser.version == 11;
    // One that waits for nothing must not make the origin wait. Source: RFC 9110, section 10.1.1.
    if (!request.expects_continue) remove_fields(head.fields, "expect");
  }
  if (entry == Http1Entry::kExplicit) {
    head.proxy_authorization = proxy_authorization_of(head.fields);
  }
  remove_hop_by_hop(head.fields);
  return request;
}

std::variant<ParsedResponse, HeadFault> parse_response_head(std::string_view bytes,
                                                            std::string_view method) {
  const std::string_view line = bytes.substr(0, bytes.find(kEndOfLine));
  if (line.size() + 2 >= bytes.size()) return HeadFault{502, "the head is not complete"};
  const auto broken = [](const HeadFault& fault) { return HeadFault{502, fault.reason}; };
  const auto lines = check_lines(bytes);
  if (const auto* fault = std::get_if<HeadFault>(&lines)) return broken(*fault);
  const auto& decisive = std::get<Decisive>(lines);

  Parser<false> parser;
  if (!run(parser, bytes, decisive) || version_name(parser.version).empty() ||
      !line.starts_with(version_name(parser.version).substr(1)) || parser.code < 100) {
    // Its lengths and codings have reasons of their own.
    const auto framed = framing_of(decisive, 11);
    if (const auto* fault = std::get_if<HeadFault>(&framed)) return broken(*fault);
    return HeadFault{502, "it is not HTTP/1"};
  }
  ParsedResponse response;
  ResponseHead& head = response.head;
  head.status = static_cast<unsigned>(parser.code);
  const bool bodiless =
      method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304;
  const auto framed = framing_of(decisive, parser.version);
  if (const auto* fault = std::get_if<HeadFault>(&framed)) return broken(*fault);
  if (!bodiless) response.framing = std::get<Framing>(framed);
  if (!bodiless && response.framing.kind == Framing::Kind::kNone) {
    response.framing.kind = Framing::Kind::kUntilClose;
  }
  head.version = parser.version == 11 ? HttpVersion::k11 : HttpVersion::k10;
  head.reason = parser.reason;
  head.fields = std::move(parser.fields);
  if (head.status == 101) {
    const std::string* upgrade = find_field(head.fields, "upgrade");
    response.upgraded =
        decisive.upgrade && upgrade != nullptr && equals_ignoring_case(*upgrade, "websocket");
  }
  response.keep_alive = parser.version == 11 && !decisive.close &&
                        response.framing.kind != Framing::Kind::kUntilClose;
  remove_hop_by_hop(head.fields);
  return response;
}

}  // namespace redoubtful::proxy
