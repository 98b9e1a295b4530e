#pragma once

// A refusal in the shape that AWS's programs read: they print its message, and show nothing of any
// other.
//
// Source: botocore/parsers.py; Smithy's AWS protocols (restXml, awsQuery, ec2Query, awsJson,
// restJson1), "Operation error serialization".

#include <string>
#include <string_view>

#include "proxy/message.hpp"

namespace redoubtful::proxy {

struct AwsError {
  std::string body;
  std::string_view content_type;
  Fields fields;
};

// `request`: looks_aws_signed(). Its service, and where that does not tell its content type, say
// which protocol it is.
AwsError aws_error(unsigned status, std::string_view text, const RequestHead& request);

}  // namespace redoubtful::proxy
