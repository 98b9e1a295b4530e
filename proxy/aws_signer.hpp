#pragma once

// Requests to AWS that the box signed with a surrogate's keys, on their way to being signed with
// the real ones. [trusted core]
//
// For a host of a credential of `type: aws` one of these holds, or the request is refused:
// - it is not signed, and carries no credential (another's is taken out; `exclusive`: refused);
// - it is signed with the surrogate's keys, for a service and a call that `services` lists.
// Another's signature is refused, not taken out: what is left would be a puzzle, not a request.
//
// How it is signed anew is sigv4.hpp's. A request whose body is covered by a hash that nobody has
// written down (most services but S3) is held until the body is there. A signature in a body (a
// browser's POST policy) is not seen: made with the surrogate it is worthless.
//
// Lifetime: an AwsSigning refers to the AwsSigner. Threads: none.

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/host.hpp"
#include "proxy/message.hpp"
#include "proxy/policy.hpp"
#include "proxy/sigv4.hpp"

namespace redoubtful::proxy {

// A credential of this session.
struct LiveAwsCredential {
  std::string name;
  std::string place;  // where the profile says so
  CredentialPlaces hosts;
  std::vector<std::string> services;
  bool exclusive = false;
  AwsSurrogate surrogate;
  AwsKeys keys;
  std::optional<std::chrono::sys_seconds> expires{};
  std::string trouble{};  // why the last renewal failed; empty: it did not
};

// A signed request that may be sent once it is signed anew.
class AwsSigning {
 public:
  AwsSigning(const LiveAwsCredential& credential, SigV4Request signature, RequestHead received)
      : credential_(credential), signature_(std::move(signature)), received_(std::move(received)) {}

  // sign() needs the SHA-256 of the body, 64 hex digits.
  bool needs_body() const noexcept { return needs_body_hash(signature_, received_); }
  // `head`: as it is sent; changed in place, and untouched where it is denied.
  std::variant<Resigned, Denial> sign(RequestHead& head, std::chrono::sys_seconds now,
                                      std::string_view body_sha256 = {}) const;

  const std::string& credential() const noexcept { return credential_.name; }
  const std::string& client_signature() const noexcept { return signature_.signature; }
  // "s3 in eu-west-1": for the audit log.
  std::string purpose() const;

 private:
  const LiveAwsCredential& credential_;
  SigV4Request signature_;
  RequestHead received_;
};

struct NotSigned {
  std::vector<std::string> removed;  // where another's credential was taken out
};

class AwsSigner {
 public:
  explicit AwsSigner(std::vector<LiveAwsCredential> credentials = {});
  AwsSigner(const AwsSigner&) = delete;
  AwsSigner& operator=(const AwsSigner&) = delete;

  bool has_credentials(const Host& host, Port port) const;

  // For a host of has_credentials(), over verified TLS. `received`: as it came; `head`: as it is
  // about to be sent, changed only where something is taken out.
  std::variant<AwsSigning, NotSigned, Denial> judge(const Host& host, const RequestHead& received,
                                                    RequestHead& head,
                                                    std::chrono::sys_seconds now) const;

  // Puts new keys in the place of the old. False: there is no such credential.
  bool renew(std::string_view name, AwsKeys keys, std::optional<std::chrono::sys_seconds> expires);
  // Erases all keys, for a process that is to know none.
  void forget() noexcept { credentials_.clear(); }
  // They could not be had.
  void renewal_failed(std::string_view name, std::string why);
  const std::deque<LiveAwsCredential>& credentials() const noexcept { return credentials_; }

 private:
  LiveAwsCredential* named(std::string_view name);
  std::variant<NotSigned, Denial> judge_unsigned(const Host& host, RequestHead& head) const;

  std::deque<LiveAwsCredential> credentials_;
};

// Is it signed in any of AWS's ways, well or badly? For refusals in AWS's own shape.
bool looks_aws_signed(const RequestHead& head);

}  // namespace redoubtful::proxy
