#include "proxy/forwarded.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "common/text.hpp"
#include "proxy/denial.hpp"
#include "proxy/gateway.hpp"
#include "proxy/limits.hpp"
#include "proxy/sigv4_key.hpp"
#include "proxy/wall_clock.hpp"

namespace redoubtful::proxy {
namespace {

// Where rules limit methods or paths, a header must not choose another one at the origin. Source:
// Google's, Microsoft's and IBM's APIs; Symfony, Zend and IIS read the second kind.
constexpr std::array kMethodOverrides = {std::string_view("x-http-method-override"),
                                         std::string_view("x-http-method"),
                                         std::string_view("x-method-override")};
constexpr std::array kPathOverrides = {std::string_view("x-original-url"),
                                       std::string_view("x-rewrite-url")};

// CGI and its heirs do not tell '_' from '-'.
bool is_one_of(std::span<const std::string_view> names, std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view known) { return equals_ignoring_case(known, name); });
}

// A body that is read before its request can be signed. Counts in what all of them may hold.
class HeldBody {
 public:
  HeldBody(std::size_t& total, AwsSigning signing) : total_(total), signing_(std::move(signing)) {}
  HeldBody(const HeldBody&) = delete;
  HeldBody& operator=(const HeldBody&) = delete;
  ~HeldBody() { total_ -= bytes_; }

  // False: it is too much.
  bool add(std::string_view piece) {
    const bool fits = bytes_ + piece.size() <= limits::kAwsHeldBody &&
                      total_ + piece.size() <= limits::kAwsHeldBodies;
    if (!fits) return false;
    bytes_ += piece.size();
    total_ += piece.size();
    hash_.add(piece);
    return true;
  }
  std::string sha256() { return hash_.hex(); }
  const AwsSigning& signing() const { return signing_; }

 private:
  std::size_t& total_;
  AwsSigning signing_;
  std::size_t bytes_ = 0;
  Sha256 hash_;
};

class Forwarded final : public AdmittedExchange, private SwapObserver {
 public:
  Forwarded(Services& services, Admission admission, RequestHead head, const RequestPermit& permit,
            Overrides overrides, Carriage carriage, Way way)
      : services_(services),
        admission_(std::move(admission)),
        head_(std::move(head)),
        overrides_(overrides),
        fields_(carriage.fields.get()),
        body_(carriage.fields ? std::move(carriage.fields) : std::move(carriage.body)),
        frames_(std::move(carriage.frames)),
        signature_(std::move(carriage.signature)),
        login_(std::move(carriage.login)),
        way_(way) {
    if (frames_) frames_->report_to(*this);
    if (fields_ != nullptr) fields_->report_to(*this);
    if (carriage.signing) holding_.emplace(services_.held_bytes, std::move(*carriage.signing));
    AuditEvent event;
    event.event = "request";
    event.host = admission_.host().text();
    event.port = admission_.port().number();
    event.method = head_.method;
    event.path = path_of(head_.target);
    event.rule = permit.rule();
    event.place = permit.place();
    open_ = services_.audit.open(std::move(event));
    if (carriage.secrets) scrubber_.emplace(std::move(carriage.secrets), head_.method);
    lead_to_gateway();
  }
  ~Forwarded() override { services_.held_bytes -= kept_; }

  const Admission& admission() const override { return admission_; }
  const RequestHead& request() const override { return head_; }

  bool holds_body() const override { return holding_.has_value(); }
  std::optional<Refusal> hold(std::string_view piece) override {
    if (holding_->add(piece)) return std::nullopt;
    Denial denial;
    denial.reason = DenyReason::kAwsSignature;
    denial.target = admission_.authority();
    denial.rule = holding_->signing().credential();
    denial.detail =
        "its body must be read before it can be signed, for the client did not declare its hash "
        "(x-amz-content-sha256), and is longer than is kept for that";
    return say(denial);
  }
  std::optional<Refusal> held() override {
    const AwsSigning& signing = holding_->signing();
    auto made = signing.sign(head_, wall_seconds(), holding_->sha256());
    if (const auto* denial = std::get_if<Denial>(&made)) return say(*denial);
    auto& resigned = std::get<Resigned>(made);
    record_signing(services_.audit, signing, admission_, head_);
    signature_ = NewSignature{std::move(resigned.signature), signing.client_signature()};
    return std::nullopt;
  }

  bool keep(std::size_t bytes) override {
    const bool fits = login_ && login_->head && kept_ + bytes <= limits::kRepeatedBody &&
                      services_.held_bytes + bytes <= limits::kAwsHeldBodies;
    if (fits) {
      kept_ += bytes;
      services_.held_bytes += bytes;
    } else {
      services_.held_bytes -= std::exchange(kept_, 0);
    }
    return fits;
  }
  Awaitable<bool> again(unsigned status) override {
    if (status != kUnauthorized || !login_ || !login_->head) co_return false;
    RequestHead head = *std::exchange(login_->head, std::nullopt);
    const bool newer = co_await services_.logins->newer(login_->name, login_->generation);
    if (!newer) co_return false;
    const auto permitted = services_.policy.permit(admission_, head.method, head.target);
    const auto* permit = std::get_if<RequestPermit>(&permitted);
    if (permit == nullptr) co_return false;
    auto injected = services_.injector.inject(*permit, admission_.handling(), head);
    auto* injection = std::get_if<Injection>(&injected);
    if (injection == nullptr) co_return false;
    login_->generation = services_.logins->generation(login_->name).value_or(0);
    head_ = std::move(head);
    record_injection(services_.audit, *injection, admission_, head_);
    lead_to_gateway();
    scrubber_.emplace(services_.secrets.of(admission_.host(), services_.injector), head_.method);
    co_return true;
  }

  BodyFilter* request_body() override { return body_.get(); }
  BodyFilter* response_body() override { return scrubber_ ? scrubber_->body() : nullptr; }
  FrameFilter* frames(FramesFrom side) override {
    if (side == FramesFrom::kClient) return frames_.get();
    return scrubber_ ? scrubber_->frames() : nullptr;
  }

  void interim(Fields& fields) override {
    if (scrubber_) scrubber_->scrub(fields);
  }

  std::variant<std::monostate, Refusal> respond(ResponseHead& head) override {
    open_->event.status = head.status;
    if (login_ && head.status == kUnauthorized) {
      services_.logins->refused(login_->name, login_->generation);
    }
    // Offers of HTTP/3, which has no way out; clients would try it and wait.
    remove_fields(head.fields, "alt-svc");
    if (gateway_) gateway_->map_back(head.fields, admission_.host(), admission_.authority());
    if (!scrubber_) return {};
    if (signature_ && head.status >= 300) also_hide(*signature_);
    const auto unreadable = scrubber_->respond(head);
    if (!unreadable) return {};
    return failure_of(502, "http_response_content_coding",
                      admission_.host().text() + " " + *unreadable, &head_);
  }

  void request_trailers(Fields& trailers) override {
    overrides_.drop_from(trailers);
    std::erase_if(trailers, [&](const Field& field) {
      const auto* found = services_.injector.surrogate_in(field.value);
      if (found == nullptr) found = services_.injector.surrogate_in(field.name);
      if (found == nullptr) return false;
      services_.audit.alarm(admission_.host().text(), found->name,
                            "was about to leave in a trailer, which was dropped");
      return true;
    });
  }
  void response_trailers(Fields& trailers) override {
    if (scrubber_) scrubber_->scrub(trailers);
  }

  void finished(unsigned status, std::uint64_t bytes_up, std::uint64_t bytes_down,
                std::string_view failure) override {
    open_->event.status = status;
    open_->event.bytes_up = bytes_up;
    open_->event.bytes_down = bytes_down;
    open_->event.detail = failure;
    services_.audit.close(*open_);
    if (scrubber_) record_scrubbed();
  }

 private:
  static constexpr unsigned kUnauthorized = 401;

  void lead_to_gateway() {
    const auto* settings = services_.policy.settings_of(admission_.host());
    if (admission_.handling() != Handling::kIntercept || settings == nullptr) return;
    if (settings->via.empty()) return;
    // admit() let nothing through whose gateway cannot be read.
    if (auto gateway = Gateway::parse(settings->via)) {
      gateway_.emplace(std::move(*gateway));
      head_.authority = gateway_->authority();
      head_.target = gateway_->target(head_.target);
    }
  }

  Refusal say(const Denial& denial) {
    services_.audit.deny(denial, way_name(way_), head_.method, path_of(head_.target));
    return refusal_of(denial, &head_);
  }

  void put_in(const std::string& credential, std::string_view where) override {
    AuditEvent event;
    event.event = "inject";
    event.host = admission_.host().text();
    event.method = head_.method;
    event.path = open_->event.path;
    event.credential = credential;
    event.detail = "into " + std::string(where);
    services_.audit.record(event);
  }
  void taken_out(std::string_view where) override {
    record_removal(services_.audit, where, admission_, head_);
  }
  void refused(const std::string& credential, std::string_view why) override {
    services_.audit.alarm(admission_.host().text(), credential, why);
  }

  void also_hide(const NewSignature& signature) {
    const ScrubbedValue value{signature.made, signature.clients};
    scrubber_.emplace(services_.secrets.with(admission_.host(), services_.injector, value),
                      head_.method);
  }

  void record_scrubbed() {
    for (auto& [name, count] : scrubber_->replaced()) {
      AuditEvent event;
      event.event = "scrub";
      event.host = admission_.host().text();
      event.method = head_.method;
      event.path = open_->event.path;
      event.credential = std::move(name);
      event.count = count;
      services_.audit.record(event);
    }
  }

  Services& services_;
  Admission admission_;
  RequestHead head_;
  Overrides overrides_;
  std::optional<Gateway> gateway_;
  std::optional<ResponseScrubber> scrubber_;  // of a host with credentials
  FieldSwap* fields_;                         // is body_, or null
  std::unique_ptr<BodyFilter> body_;
  std::unique_ptr<WebSocketSwap> frames_;
  std::optional<HeldBody> holding_;
  std::optional<NewSignature> signature_;
  std::optional<UsedLogin> login_;
  std::size_t kept_ = 0;
  Way way_;
  std::shared_ptr<OpenRequest> open_;
};

}  // namespace

void Overrides::drop_from(Fields& fields) const {
  std::erase_if(fields, [this](const Field& field) {
    return (method && is_one_of(kMethodOverrides, field.name)) ||
           (path && is_one_of(kPathOverrides, field.name));
  });
}

void record_injection(AuditLog& audit, const Injection& injection, const Admission& admission,
                      const RequestHead& head) {
  AuditEvent event;
  event.host = admission.host().text();
  event.method = head.method;
  event.path = path_of(head.target);
  event.event = "inject";
  for (const auto& name : injection.names) {
    event.credential = name;
    audit.record(event);
  }
  for (const auto& where : injection.removed) record_removal(audit, where, admission, head);
}

void record_removal(AuditLog& audit, std::string_view where, const Admission& admission,
                    const RequestHead& head) {
  AuditEvent event;
  event.event = "rewrite";
  event.host = admission.host().text();
  event.method = head.method;
  event.path = path_of(head.target);
  event.detail =
      quoted(where, 80) + " held a credential that is not of this session, and was taken out";
  audit.record(event);
}

void record_signing(AuditLog& audit, const AwsSigning& signing, const Admission& admission,
                    const RequestHead& head) {
  AuditEvent event;
  event.event = "inject";
  event.host = admission.host().text();
  event.method = head.method;
  event.path = path_of(head.target);
  event.credential = signing.credential();
  event.detail = "signed anew for " + signing.purpose();
  audit.record(event);
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

std::unique_ptr<AdmittedExchange> forwarded(Services& services, const Admission& admission,
                                            RequestHead head, const RequestPermit& permit,
                                            Overrides overrides, Carriage carriage, Way way) {
  return std::make_unique<Forwarded>(services, admission, std::move(head), permit, overrides,
                                     std::move(carriage), way);
}

}  // namespace redoubtful::proxy
