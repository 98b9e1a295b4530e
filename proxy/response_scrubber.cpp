#include "proxy/response_scrubber.hpp"

#include <algorithm>
#include <array>

#include "common/text.hpp"
#include "proxy/content_decoder.hpp"
#include "proxy/websocket_scrubber.hpp"

namespace redoubtful::proxy {
namespace {

// Codings of a body as a whole, and of each message in it (gRPC; Connect, streaming and unary).
constexpr std::array kMessageCodings = {std::string_view("grpc-encoding"),
                                        std::string_view("connect-content-encoding")};

// What is said of a packed body and does not hold for the unpacked one. Source: RFC 9110, RFC 9530;
// S3 and Google Cloud Storage.
constexpr std::array kOfThePackedForm = {
    std::string_view("content-encoding"), std::string_view("content-length"),
    std::string_view("content-md5"),      std::string_view("content-digest"),
    std::string_view("repr-digest"),      std::string_view("digest"),
    std::string_view("accept-ranges"),    std::string_view("x-goog-hash"),
};
constexpr std::string_view kAmazonChecksum = "x-amz-checksum-";

// The tokens of all fields of that name, but for "identity".
std::vector<std::string_view> codings_in(const Fields& fields, std::string_view name) {
  std::vector<std::string_view> out;
  for (const Field& field : fields) {
    if (!equals_ignoring_case(field.name, name)) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      std::string_view token = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(token.size() + 1, rest.size()));
      const std::size_t from = token.find_first_not_of(" \t");
      token = from == std::string_view::npos ? std::string_view() : token.substr(from);
      token = token.substr(0, token.find_last_not_of(" \t") + 1);
      if (!token.empty() && !equals_ignoring_case(token, "identity")) out.push_back(token);
    }
  }
  return out;
}

std::string unreadable(std::string_view what) {
  return "answers with " + std::string(what) +
         ", although it was asked for none. Answers of hosts that get a credential are searched "
         "for "
         "it, which cannot be done in this one; so nothing of it was passed on.";
}

void describe_unpacked(Fields& fields) {
  std::erase_if(fields, [](const Field& field) {
    const bool listed =
        std::any_of(kOfThePackedForm.begin(), kOfThePackedForm.end(),
                    [&](std::string_view name) { return equals_ignoring_case(name, field.name); });
    return listed ||
           equals_ignoring_case(std::string_view(field.name).substr(0, kAmazonChecksum.size()),
                                kAmazonChecksum);
  });
  for (Field& field : fields) {
    if (equals_ignoring_case(field.name, "etag") && field.value.starts_with('"')) {
      field.value.insert(0, "W/");
    }
  }
}

}  // namespace

class ResponseScrubber::PlainBody final : public BodyFilter {
 public:
  explicit PlainBody(Scrubber& scrubber) : scrubber_(scrubber) {}
  void feed(std::string_view in, std::string& out) override { scrubber_.feed(in, out); }
  void finish(std::string& out) override { scrubber_.finish(out); }
  bool keeps_length() const noexcept override { return true; }

 private:
  Scrubber& scrubber_;
};

class ResponseScrubber::PackedBody final : public BodyFilter {
 public:
  PackedBody(Scrubber& scrubber, ContentDecoder::Coding coding)
      : scrubber_(scrubber), decoder_(coding) {}

  void feed(std::string_view in, std::string& out) override {
    if (!in.empty()) decoder_.give(in);
    unpacked_.clear();
    decoder_.take(unpacked_);
    scrubber_.feed(unpacked_, out);
  }
  void finish(std::string& out) override {
    decoder_.finish();
    if (fault().empty()) scrubber_.finish(out);
  }
  bool pending() const noexcept override { return decoder_.pending(); }
  std::string_view fault() const noexcept override { return decoder_.fault(); }

 private:
  Scrubber& scrubber_;
  ContentDecoder decoder_;
  std::string unpacked_;
};

namespace {

std::shared_ptr<const HostSecrets> secrets_of(const Host& host, const Injector& injector,
                                              const ScrubbedValue* more) {
  std::vector<std::string> names;
  std::vector<ScrubbedValue> values;
  for (const LiveCredential& credential : injector.credentials()) {
    if (!credential.hosts.names(host)) continue;
    names.push_back(credential.name);
    values.push_back({credential.secret.expose(), credential.surrogate});
    for (const Secret& old : credential.retired) {
      names.push_back(credential.name);
      values.push_back({old.expose(), credential.surrogate});
    }
  }
  if (more != nullptr) {
    names.push_back(names.back());
    values.push_back(*more);
  }
  return std::shared_ptr<const HostSecrets>(
      new HostSecrets{std::move(names), ScrubPatterns(values)});
}

}  // namespace

std::shared_ptr<const HostSecrets> SecretsOfHosts::of(const Host& host, const Injector& injector) {
  if (!injector.has_credentials(host)) return nullptr;
  auto& made = hosts_[host];
  if (!made) made = secrets_of(host, injector, nullptr);
  return made;
}

std::shared_ptr<const HostSecrets> SecretsOfHosts::with(const Host& host, const Injector& injector,
                                                        const ScrubbedValue& more) const {
  return secrets_of(host, injector, &more);
}

void ask_for_plain_answers(RequestHead& head) {
  remove_fields(head.fields, "accept-encoding");
  remove_fields(head.fields, "grpc-accept-encoding");
  remove_fields(head.fields, "connect-accept-encoding");
  remove_fields(head.fields, "sec-websocket-extensions");
  // Without the field any coding would do. Source: RFC 9110, section 12.5.3.
  head.fields.push_back({"accept-encoding", "identity"});
}

ResponseScrubber::ResponseScrubber(std::shared_ptr<const HostSecrets> secrets,
                                   std::string_view method)
    : secrets_(std::move(secrets)),
      is_head_(method == "HEAD"),
      fields_(secrets_->patterns),
      stream_(secrets_->patterns) {}

ResponseScrubber::~ResponseScrubber() = default;

void ResponseScrubber::scrub(Fields& fields) {
  for (Field& field : fields) {
    fields_.scrub(field.name);
    fields_.scrub(field.value);
  }
}

std::optional<std::string> ResponseScrubber::respond(ResponseHead& head) {
  scrub(head.fields);
  fields_.scrub(head.reason);
  if (head.status == 101) {
    if (find_field(head.fields, "sec-websocket-extensions") != nullptr) {
      return unreadable("a WebSocket extension");
    }
    frames_ = std::make_unique<WebSocketScrubber>(stream_, fields_);
    return std::nullopt;
  }
  const bool bodyless = is_head_ || head.status == 204 || head.status == 304;
  for (const auto name : kMessageCodings) {
    const auto codings = codings_in(head.fields, name);
    if (!bodyless && !codings.empty()) {
      return unreadable("messages in the coding " + quoted(codings[0], 40));
    }
  }
  const auto codings = codings_in(head.fields, "content-encoding");
  if (codings.empty()) {
    body_ = std::make_unique<PlainBody>(stream_);
    return std::nullopt;
  }
  const auto coding = coding_named(codings[0]);
  if (!coding || codings.size() > 1) {
    if (bodyless) return std::nullopt;
    return unreadable("the content coding " + quoted(codings[codings.size() - 1], 40) +
                      (codings.size() > 1 ? " over another" : ""));
  }
  if (head.status == 206) {
    return unreadable("a part of what is packed in the content coding " + quoted(codings[0], 40));
  }
  describe_unpacked(head.fields);
  body_ = std::make_unique<PackedBody>(stream_, *coding);
  return std::nullopt;
}

std::vector<std::pair<std::string, std::uint64_t>> ResponseScrubber::replaced() const {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  for (std::size_t i = 0; i < secrets_->names.size(); ++i) {
    const std::uint64_t count = fields_.counts()[i] + stream_.counts()[i];
    if (count > 0) out.emplace_back(secrets_->names[i], count);
  }
  return out;
}

}  // namespace redoubtful::proxy
