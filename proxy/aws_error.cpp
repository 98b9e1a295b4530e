#include "proxy/aws_error.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "proxy/sigv4_request.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

constexpr std::string_view kXml = "application/xml";
constexpr std::string_view kJson = "application/json";

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

// "SlowDown" and the like are tried again; the others are not.
std::string_view code_of(unsigned status) {
  switch (status) {
    case 400:
    case 421:
      return "InvalidRequest";
    case 429:
      return "Throttling";
    case 502:
    case 503:
    case 504:
      return "ServiceUnavailable";
    default:
      return "AccessDenied";
  }
}

std::string_view field_of(const RequestHead& head, std::string_view name) {
  const std::string* value = find_field(head.fields, name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

// restXml, which the other protocols' clients do not read.
bool speaks_xml(const RequestHead& head) {
  constexpr std::array kRestXml{
      std::string_view("s3"),          std::string_view("s3express"),
      std::string_view("s3-outposts"), std::string_view("s3-object-lambda"),
      std::string_view("cloudfront"),  std::string_view("route53")};
  const auto read = read_sigv4(head);
  // Signed badly, or in a way that S3's oldest clients have.
  if (!read || !*read) return field_of(head, "content-type").empty();
  const std::string& service = (*read)->scope.service;
  return std::find(kRestXml.begin(), kRestXml.end(), service) != kRestXml.end();
}

}  // namespace

AwsError aws_error(unsigned status, std::string_view text, const RequestHead& request) {
  const std::string code(code_of(status));
  if (speaks_xml(request)) {
    return {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code +
                "</Code><Message>" + xml_escaped(text) +
                "</Message><RequestId>redoubtful</RequestId></Error>\n",
            kXml,
            {}};
  }
  if (field_of(request, "content-type").find("urlencoded") != std::string_view::npos) {
    return {"<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" +
                xml_escaped(text) + "</Message></Error><RequestId>redoubtful</RequestId>" +
                "</ErrorResponse>\n",
            kXml,
            {}};
  }
  const std::string exception = code + "Exception";
  const json::object body{{"__type", exception}, {"message", json::string(text)}};
  return {json::serialize(body) + "\n", kJson, {{"x-amzn-errortype", exception}}};
}

}  // namespace redoubtful::proxy
