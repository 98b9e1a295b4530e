#pragma once

// Keeps real values out of what a host with credentials answers: the head, trailers, the body,
// WebSocket messages. [trusted core]
//
// Promises exactly this: the spellings of secret_spellings.hpp, within one response. An allowed
// host can always be asked for something else (another encoding, one half of a value, a value in
// two answers); which hosts have a credential is the boundary.
//
//   Range, 206, multipart/byteranges: scrubbed as they are. Lengths hold, so offsets do. A value
//     that a range cuts is in two responses, and not found. Ranges cannot be refused: object stores
//     and package managers live on them.
//   HEAD, 204, 304: the head alone. Its length is that of the answer to GET, for scrubbing changes
//     none.
//   Content-MD5, ETag and other digests are left alone: who checks them sees that something was
//     replaced, and should.
//   gzip, deflate: asked for is "identity", but stores send what was put there. Unpacked, and sent
//     without the coding, the length and the digests of the packed form; its ETag becomes weak. A
//     part of a packed body (206) cannot be unpacked.
//   Anything else packed (br, zstd, several codings, compressed gRPC messages, WebSocket
//     extensions) could hide everything, and is refused.
//
// Lifetime: HostSecrets is shared by the exchanges that use it.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/host.hpp"
#include "proxy/injector.hpp"
#include "proxy/message.hpp"
#include "proxy/scrubber.hpp"

namespace redoubtful::proxy {

// The credentials of one host.
struct HostSecrets {
  std::vector<std::string> names;  // by index of the ScrubbedValue
  ScrubPatterns patterns;
};

// Made when a host is first asked something; hosts without a credential have none.
class SecretsOfHosts {
 public:
  // Null: nothing is scrubbed.
  std::shared_ptr<const HostSecrets> of(const Host& host, const Injector& injector);
  // The same and one more value, for one answer alone.
  std::shared_ptr<const HostSecrets> with(const Host& host, const Injector& injector,
                                          const ScrubbedValue& more) const;
  // After a value was renewed: what is under way keeps the old one.
  void forget() { hosts_.clear(); }

 private:
  std::map<Host, std::shared_ptr<const HostSecrets>> hosts_;
};

// Asks for answers that can be read. Before anything is signed.
void ask_for_plain_answers(RequestHead& head);

class ResponseScrubber {
 public:
  // `method`: of the request.
  ResponseScrubber(std::shared_ptr<const HostSecrets> secrets, std::string_view method);
  ~ResponseScrubber();

  // Scrubs a head and chooses what to do with the body. A text: why it cannot be scrubbed; then
  // nothing of the answer may pass.
  std::optional<std::string> respond(ResponseHead& head);
  // After respond(), for a head that a body can follow.
  BodyFilter* body() noexcept { return body_.get(); }
  // After respond() to 101.
  FrameFilter* frames() noexcept { return frames_.get(); }
  void scrub(Fields& fields);

  // Name and number of what was replaced so far.
  std::vector<std::pair<std::string, std::uint64_t>> replaced() const;

 private:
  class PlainBody;
  class PackedBody;

  std::shared_ptr<const HostSecrets> secrets_;
  bool is_head_ = false;
  Scrubber fields_;
  Scrubber stream_;
  std::unique_ptr<BodyFilter> body_;
  std::unique_ptr<FrameFilter> frames_;
};

}  // namespace redoubtful::proxy
