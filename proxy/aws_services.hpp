#pragma once

// May a signed call to AWS be signed anew? What `services:` of a credential says. [trusted core]
//
// Looked at are the service that the signature is for, and the host: for one of AWS's own names
// both must be the same service. Any other host (a store that speaks S3, an endpoint of one's own)
// is in the credential's `hosts` by name, and the signature alone counts.
//
// An entry is a service as signatures spell it ("s3", "bedrock", "sts"), or one of its calls
// ("ecr:GetAuthorizationToken"); its form is common/aws.hpp's. A call that answers with new
// credentials brings them into the box, where nobody can scrub what nobody knows:
// - Where the head of the request tells which call it is, such a call must be listed by itself;
//   "ecr" alone lists all the others.
// - Where it does not (sts, iam, redshift …, whose calls are named in the body), the whole service
//   is listed or is not, and is refused with the reason.
//
// Not seen: tokens that are made without AWS, by signing a URL that goes elsewhere (EKS, RDS). They
// are signed with the surrogate, and are worthless.
//
// Source: the service models of botocore 1.43 (names, endpoints, calls).

#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/host.hpp"
#include "proxy/message.hpp"
#include "proxy/sigv4_request.hpp"

namespace redoubtful::proxy {

// `head`: as it is about to be sent.
// Errors: kPeerProtocol, with what could be listed as the hint.
Result<void> aws_call_allowed(const SigV4Request& signature, const RequestHead& head,
                              const Host& host, const std::vector<std::string>& services);

// The label of AWS's host names that says which service it is, without "fips": "s3",
// "bedrock-runtime". Empty for hosts that are not AWS's; "?" where there is none.
std::string aws_endpoint(const Host& host);

// Do calls of this service, which no head tells apart, answer with new credentials?
bool mints_credentials(std::string_view service) noexcept;

}  // namespace redoubtful::proxy
