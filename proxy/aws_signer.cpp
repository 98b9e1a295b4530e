#include "proxy/aws_signer.hpp"

#include <algorithm>
#include <iterator>

#include "proxy/aws_services.hpp"
#include "proxy/request_fields.hpp"
#include "proxy/sigv4_canonical.hpp"

namespace redoubtful::proxy {
namespace {

// With this the units below say it; here it is the reason's own text (denial.cpp).
constexpr std::string_view kNotSignedAnew = "this AWS request is not signed anew: ";

Denial denial(DenyReason reason, const Host& host, const LiveAwsCredential* credential,
              std::string detail) {
  Denial out;
  out.reason = reason;
  out.target = host.text();
  if (credential != nullptr) {
    out.rule = credential->name;
    out.place = credential->place;
  }
  out.detail = std::move(detail);
  return out;
}

Denial not_signed(const Host& host, const LiveAwsCredential* credential, const Error& error) {
  std::string_view why = error.what();
  if (why.starts_with(kNotSignedAnew)) why.remove_prefix(kNotSignedAnew.size());
  std::string detail(why);
  if (!error.hint().empty()) detail += "; " + error.hint();
  return denial(DenyReason::kAwsSignature, host, credential, std::move(detail));
}

// Of version 2, in the query: nothing that can be signed anew. Source: S3 API Reference, "REST
// authentication" (version 2).
bool has_old_presignature(std::string_view target) {
  const auto parts = query_parts(target_parts(target).query);
  return std::any_of(parts.begin(), parts.end(), [](const QueryPart& part) {
    return equals_ignoring_case(uri_decoded(part.name), "AWSAccessKeyId");
  });
}

}  // namespace

bool looks_aws_signed(const RequestHead& head) {
  for (const Field& field : head.fields) {
    if (!equals_ignoring_case(field.name, "authorization")) continue;
    if (field.value.starts_with("AWS4-") || field.value.starts_with("AWS ")) return true;
  }
  const auto parts = query_parts(target_parts(head.target).query);
  return std::any_of(parts.begin(), parts.end(),
                     [](const QueryPart& part) { return part.name == "X-Amz-Signature"; });
}

std::string AwsSigning::purpose() const {
  return signature_.scope.service + " in " + signature_.scope.region;
}

std::variant<Resigned, Denial> AwsSigning::sign(RequestHead& head, std::chrono::sys_seconds now,
                                                std::string_view body_sha256) const {
  auto resigned = resign(signature_, received_, head, credential_.surrogate, credential_.keys, now,
                         body_sha256);
  if (resigned) return std::move(*resigned);
  Denial out = not_signed(credential_.hosts.front(), &credential_, resigned.error());
  out.target = received_.authority;
  return out;
}

AwsSigner::AwsSigner(std::vector<LiveAwsCredential> credentials)
    : credentials_(std::make_move_iterator(credentials.begin()),
                   std::make_move_iterator(credentials.end())) {}

bool AwsSigner::has_credentials(const Host& host, Port port) const {
  return std::any_of(credentials_.begin(), credentials_.end(),
                     [&](const auto& one) { return one.hosts.takes(host, port); });
}

// What is not signed may carry no credential of somebody else's: an attacker's own account.
std::variant<NotSigned, Denial> AwsSigner::judge_unsigned(const Host& host,
                                                          RequestHead& head) const {
  const auto exclusive = std::find_if(
      credentials_.begin(), credentials_.end(),
      [&](const LiveAwsCredential& one) { return one.exclusive && one.hosts.names(host); });
  if (exclusive != credentials_.end()) {
    return denial(DenyReason::kAwsSignature, host, &*exclusive,
                  "it is not signed, and this host is only reached with the credential's keys");
  }
  NotSigned out;
  std::erase_if(head.fields, [&](const Field& field) {
    if (!is_credential_field(field.name)) return false;
    out.removed.push_back("the field " + field.name);
    return true;
  });
  return out;
}

std::variant<AwsSigning, NotSigned, Denial> AwsSigner::judge(const Host& host,
                                                             const RequestHead& received,
                                                             RequestHead& head,
                                                             std::chrono::sys_seconds now) const {
  auto read = read_sigv4(received);
  if (!read) return not_signed(host, nullptr, read.error());
  if (has_old_presignature(received.target)) {
    return not_signed(host, nullptr,
                      Error(Errc::kPeerProtocol, "a signature of version 2 cannot be signed anew")
                          .hint("let the client sign with version 4"));
  }
  if (!*read) {
    auto judged = judge_unsigned(host, head);
    if (auto* denied = std::get_if<Denial>(&judged)) return std::move(*denied);
    return std::get<NotSigned>(std::move(judged));
  }
  const SigV4Request& signature = **read;
  const auto found =
      std::find_if(credentials_.begin(), credentials_.end(), [&](const LiveAwsCredential& one) {
        return one.hosts.names(host) && one.surrogate.key_id == signature.key_id;
      });
  if (found == credentials_.end()) {
    return denial(DenyReason::kAwsSignature, host, nullptr,
                  "it is signed with a key that is not of this session");
  }
  if (auto allowed = aws_call_allowed(signature, head, host, found->services); !allowed) {
    return not_signed(host, &*found, allowed.error());
  }
  if (found->expires && *found->expires <= now) {
    return denial(DenyReason::kCredentialExpired, host, &*found,
                  found->trouble.empty() ? "they are being renewed"
                                         : "they could not be renewed: " + found->trouble);
  }
  // Beside a signature nothing else says who somebody is.
  std::erase_if(head.fields, [&](const Field& field) {
    return is_credential_field(field.name) && !equals_ignoring_case(field.name, "authorization");
  });
  return AwsSigning(*found, std::move(**read), received);
}

LiveAwsCredential* AwsSigner::named(std::string_view name) {
  const auto found = std::find_if(credentials_.begin(), credentials_.end(),
                                  [&](const auto& one) { return one.name == name; });
  return found == credentials_.end() ? nullptr : &*found;
}

bool AwsSigner::renew(std::string_view name, AwsKeys keys,
                      std::optional<std::chrono::sys_seconds> expires) {
  LiveAwsCredential* found = named(name);
  if (found == nullptr) return false;
  found->keys = std::move(keys);
  found->expires = expires;
  found->trouble.clear();
  return true;
}

void AwsSigner::renewal_failed(std::string_view name, std::string why) {
  if (LiveAwsCredential* found = named(name)) found->trouble = std::move(why);
}

}  // namespace redoubtful::proxy
