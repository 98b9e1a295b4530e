#include "proxy/http1_format.hpp"

#include <boost/beast/http/status.hpp>
#include <charconv>

namespace redoubtful::proxy {
namespace {

void append_number(std::uint64_t number, std::string& out) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

void append_field(std::string_view name, std::string_view value, std::string& out) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// Ours to write, whatever a head brings.
bool is_framing(std::string_view name) noexcept {
  return equals_ignoring_case(name, "content-length") ||
         equals_ignoring_case(name, "transfer-encoding") ||
         equals_ignoring_case(name, "connection");
}

void append_fields(const Fields& fields, std::string& out) {
  for (const Field& field : fields) {
    if (!is_framing(field.name)) append_field(field.name, field.value, out);
  }
}

void append_framing(const Framing& framing, std::string& out) {
  if (framing.kind == Framing::Kind::kLength) {
    out.append("Content-Length: ");
    append_number(framing.length, out);
    out.append("\r\n");
  } else if (framing.kind == Framing::Kind::kChunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
}

void append_status_line(unsigned status, std::string_view reason, std::string& out) {
  out.append("HTTP/1.1 ");
  append_number(status, out);
  out.append(" ").append(reason).append("\r\n");
}

void append_persistence(HttpVersion client, Persistence persistence, std::string& out) {
  if (persistence == Persistence::kClose) {
    out.append("Connection: close\r\n");
  } else if (client == HttpVersion::k10) {
    out.append("Connection: keep-alive\r\n");
  }
}

}  // namespace

void format_request(const RequestHead& head, const Framing& framing, std::string& out) {
  out.append(head.method).append(" ").append(head.target).append(" HTTP/1.1\r\n");
  append_field("Host", head.authority, out);
  append_fields(head.fields, out);
  if (head.upgrade_websocket) {
    out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n");
  } else {
    const bool te = find_field(head.fields, "te") != nullptr;
    out.append(te ? "Connection: keep-alive, TE\r\n" : "Connection: keep-alive\r\n");
  }
  append_framing(framing, out);
  out.append("\r\n");
}

void format_response(const ResponseHead& head, const Framing& framing, HttpVersion client,
                     Persistence persistence, std::string& out) {
  append_status_line(head.status, head.reason, out);
  append_fields(head.fields, out);
  const std::string* length = find_field(head.fields, "content-length");
  if (framing.kind == Framing::Kind::kNone && length != nullptr && head.status != 204) {
    append_field("Content-Length", *length, out);
  }
  append_framing(framing, out);
  append_persistence(client, persistence, out);
  out.append("\r\n");
}

void format_upgraded(const ResponseHead& head, std::string& out) {
  append_status_line(head.status, head.reason, out);
  append_fields(head.fields, out);
  out.append("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

void format_interim(const ResponseHead& head, std::string& out) {
  append_status_line(head.status, head.reason, out);
  append_fields(head.fields, out);
  out.append("\r\n");
}

void format_refusal(const Refusal& refusal, std::string_view method, HttpVersion client,
                    Persistence persistence, std::string& out) {
  const auto reason =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(refusal.status));
  append_status_line(refusal.status, {reason.data(), reason.size()}, out);
  append_fields(refusal.fields, out);
  append_framing({Framing::Kind::kLength, refusal.body.size()}, out);
  append_persistence(client, persistence, out);
  out.append("\r\n");
  if (method != "HEAD") out.append(refusal.body);
}

}  // namespace redoubtful::proxy
