#include "proxy/checkpoint.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "common/text.hpp"
#include "proxy/authority.hpp"
#include "proxy/denial.hpp"
#include "proxy/gateway.hpp"
#include "proxy/internal_site.hpp"

namespace redoubtful::proxy {
namespace {

using Clock = std::chrono::steady_clock;

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

struct Overrides {
  bool method = false;  // these are dropped
  bool path = false;

  void drop_from(Fields& fields) const {
    std::erase_if(fields, [this](const Field& field) {
      return (method && is_one_of(kMethodOverrides, field.name)) ||
             (path && is_one_of(kPathOverrides, field.name));
    });
  }
};

bool belongs(const LiveCredential& credential, const Host& host) {
  return std::find(credential.hosts.begin(), credential.hosts.end(), host) !=
         credential.hosts.end();
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

class Forwarded final : public AdmittedExchange {
 public:
  Forwarded(Services& services, Admission admission, RequestHead head, const RequestPermit& permit,
            Overrides overrides, std::unique_ptr<BodyFilter> body)
      : services_(services),
        admission_(std::move(admission)),
        head_(std::move(head)),
        rule_(permit.rule()),
        place_(permit.place()),
        overrides_(overrides),
        body_(std::move(body)),
        begun_(Clock::now()) {
    const auto* settings = services_.policy.settings_of(admission_.host());
    if (admission_.handling() != Handling::kIntercept || settings == nullptr) return;
    if (settings->via.empty()) return;
    // admit() let nothing through whose gateway cannot be read.
    if (auto gateway = Gateway::parse(settings->via)) {
      gateway_.emplace(std::move(*gateway));
      path_ = head_.target;
      head_.authority = gateway_->authority();
      head_.target = gateway_->target(path_);
    }
  }

  const Admission& admission() const override { return admission_; }
  const RequestHead& request() const override { return head_; }
  BodyFilter* request_body() override { return body_.get(); }
  BodyFilter* response_body() override { return nullptr; }

  std::variant<std::monostate, Refusal> respond(ResponseHead& head) override {
    // Offers of HTTP/3, which has no way out; clients would try it and wait.
    remove_fields(head.fields, "alt-svc");
    if (gateway_) gateway_->map_back(head.fields, admission_.host(), admission_.authority());
    return {};
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
  void response_trailers(Fields&) override {}

  void finished(unsigned status, std::uint64_t bytes_up, std::uint64_t bytes_down,
                std::string_view failure) override {
    AuditEvent event;
    event.event = "request";
    event.host = admission_.host().text();
    event.port = admission_.port().number();
    event.method = head_.method;
    event.path = path_of(gateway_ ? path_ : head_.target);
    event.status = status;
    event.bytes_up = bytes_up;
    event.bytes_down = bytes_down;
    event.time = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun_);
    event.rule = rule_;
    event.place = place_;
    event.detail = failure;
    services_.audit.record(event);
  }

 private:
  Services& services_;
  Admission admission_;
  RequestHead head_;
  std::string rule_;
  std::string place_;
  Overrides overrides_;
  std::optional<Gateway> gateway_;
  std::string path_;  // with a gateway: the target before it was mapped
  std::unique_ptr<BodyFilter> body_;
  Clock::time_point begun_;
};

// What the gates share: denials are audited and said, admitted requests become exchanges.
class BaseGate : public AnsweringGate {
 public:
  BaseGate(Services& services, Way way) : services_(services), way_(way) {}

  Refusal malformed(unsigned status, std::string_view reason) override {
    Denial denial;
    denial.reason = DenyReason::kMalformed;
    denial.target = target_text();
    denial.detail = reason;
    services_.audit.deny(denial, way_name(way_));
    Refusal refusal = refusal_of(denial, nullptr);
    refusal.status = status;
    return refusal;
  }

  Refusal origin_failed(Exchange& exchange, std::string_view reason) override {
    return failure_of(502, "http_protocol_error", reason, &exchange.request());
  }

 protected:
  virtual std::string target_text() const = 0;

  // `on`: the admitted connection that it came on; the credentials of that host may be in it.
  Refusal refuse(const Denial& denial, const RequestHead& head, const Admission* on = nullptr) {
    if (const auto* found = services_.injector.surrogate_in(head)) {
      const bool at_home =
          on != nullptr && on->handling() == Handling::kIntercept && belongs(*found, on->host());
      if (!at_home) {
        services_.audit.alarm(on != nullptr ? on->host().text() : denial.target, found->name,
                              "was on its way to a refused host");
      }
    }
    return say(denial, head);
  }

  Refusal say(const Denial& denial, const RequestHead& head) {
    services_.audit.deny(denial, way_name(way_), head.method, path_of(head.target));
    return refusal_of(denial, &head);
  }

  std::variant<std::unique_ptr<Exchange>, Refusal> open(const Admission& admission,
                                                        RequestHead head) {
    auto permitted = services_.policy.permit(admission, head.method, head.target);
    if (const auto* denial = std::get_if<Denial>(&permitted)) {
      return refuse(*denial, head, &admission);
    }
    const auto& permit = std::get<RequestPermit>(permitted);
    head.target = permit.target();
    const Overrides overrides{permit.method_limited(), permit.path_limited()};
    overrides.drop_from(head.fields);
    auto injected = services_.injector.inject(permit, admission.handling(), head);
    if (const auto* denial = std::get_if<Denial>(&injected)) {
      if (denial->reason == DenyReason::kCredential) {
        services_.audit.alarm(denial->target, denial->rule, denial->detail);
      }
      return say(*denial, head);
    }
    auto& injection = std::get<Injection>(injected);
    record(injection, admission, head);
    return std::make_unique<Forwarded>(services_, admission, std::move(head), permit, overrides,
                                       std::move(injection.body));
  }

  void record(const Injection& injection, const Admission& admission, const RequestHead& head) {
    AuditEvent event;
    event.host = admission.host().text();
    event.method = head.method;
    event.path = path_of(head.target);
    event.event = "inject";
    for (const auto& name : injection.names) {
      event.credential = name;
      services_.audit.record(event);
    }
    event.event = "rewrite";
    event.credential.clear();
    for (const auto& where : injection.removed) {
      event.detail = quoted(where, 80) +
                     " held a credential that is not of this session, and was "
                     "taken out";
      services_.audit.record(event);
    }
  }

  Services& services_;
  Way way_;
};

class ConnectionGate final : public BaseGate {
 public:
  ConnectionGate(Services& services, Admission admission, Way way)
      : BaseGate(services, way), admission_(std::move(admission)) {}

  std::variant<std::unique_ptr<Exchange>, Refusal> judge(RequestHead head) override {
    // A port that is not said is the connection's: clients leave it out behind a mapped port.
    const auto authority = parse_authority(head.authority, admission_.port());
    const bool agrees =
        authority && authority->host == admission_.host() && authority->port == admission_.port();
    if (!agrees) {
      Denial denial;
      denial.reason = DenyReason::kNameMismatch;
      denial.target = authority ? authority->host.text() : quoted(head.authority, 80);
      denial.detail = "this connection is to " + admission_.authority() +
                      "; a request for another host needs a connection of its own";
      return refuse(denial, head);
    }
    head.authority = authority_text(*authority);
    return open(admission_, std::move(head));
  }

 private:
  std::string target_text() const override { return admission_.authority(); }
  Admission admission_;
};

class ForwardGate final : public BaseGate {
 public:
  ForwardGate(Services& services, const AccessToken* token)
      : BaseGate(services, Way::kAbsoluteForm), token_(token) {}
  ForwardGate(Services& services, Port dialled)
      : BaseGate(services, Way::kTransparent), dialled_(dialled) {}

  std::variant<std::unique_ptr<Exchange>, Refusal> judge(RequestHead head) override {
    if (token_ != nullptr && !token_->shown_in(head.proxy_authorization)) {
      services_.audit.deny(access_denial(), way_name(way_), head.method);
      return access_refusal();
    }
    auto authority = parse_authority(head.authority, dialled_.value_or(http_port()));
    if (authority && authority->host.text() == kInternalHost) {
      return internal_answer(services_.policy, head);
    }
    if (authority && authority->host.is_address()) {
      // A client that resolved by itself and was given one of our own addresses.
      boost::system::error_code bad;
      const auto address = boost::asio::ip::make_address(authority->host.text(), bad);
      if (const auto name = services_.names.name(address)) authority->host = *name;
    }
    if (!authority) {
      Denial denial;
      denial.reason = DenyReason::kInvalidName;
      denial.target = quoted(head.authority, 80);
      denial.detail = authority.error().what();
      return refuse(denial, head);
    }
    if (dialled_ && authority->port != *dialled_) {
      Denial denial;
      denial.reason = DenyReason::kNameMismatch;
      denial.target = authority->host.text();
      denial.detail = "this connection is to port " + std::to_string(dialled_->number()) +
                      "; a request for another port needs a connection of its own";
      return refuse(denial, head);
    }
    head.authority = authority_text(*authority);
    auto admitted = services_.policy.admit(authority->host, authority->port, Carried::kHttp);
    if (const auto* denial = std::get_if<Denial>(&admitted)) return refuse(*denial, head);
    return open(std::get<Admission>(admitted), std::move(head));
  }

 private:
  std::string target_text() const override {
    if (dialled_) return "port " + std::to_string(dialled_->number());
    return "the proxy's port";
  }
  const AccessToken* token_ = nullptr;
  std::optional<Port> dialled_;  // absent: the proxy's own port, which is asked for any
};

class DeniedGate final : public BaseGate {
 public:
  DeniedGate(Services& services, Denial denial, Way way)
      : BaseGate(services, way), denial_(std::move(denial)) {}

  std::variant<std::unique_ptr<Exchange>, Refusal> judge(RequestHead head) override {
    asked_ = true;
    return refuse(denial_, head);
  }

  void ended() override {
    if (!asked_) services_.audit.deny(denial_, way_name(way_));
  }

 private:
  std::string target_text() const override { return denial_.target; }
  Denial denial_;
  bool asked_ = false;
};

class FailedGate final : public BaseGate {
 public:
  FailedGate(Services& services, Admission admission, DialFailure failure, Way way)
      : BaseGate(services, way), admission_(std::move(admission)), failure_(std::move(failure)) {}

  std::variant<std::unique_ptr<Exchange>, Refusal> judge(RequestHead head) override {
    return failure_of(failure_.status, failure_.error, failure_.text, &head);
  }

 private:
  std::string target_text() const override { return admission_.authority(); }
  Admission admission_;
  DialFailure failure_;
};

class InternalGate final : public BaseGate {
 public:
  explicit InternalGate(Services& services) : BaseGate(services, Way::kTransparent) {}

  std::variant<std::unique_ptr<Exchange>, Refusal> judge(RequestHead head) override {
    return internal_answer(services_.policy, head);
  }

 private:
  std::string target_text() const override { return std::string(kInternalHost); }
};

}  // namespace

std::string_view way_name(Way way) noexcept {
  switch (way) {
    case Way::kTransparent:
      return "transparent";
    case Way::kConnect:
      return "connect";
    case Way::kAbsoluteForm:
      return "absolute-form";
  }
  return "";
}

std::unique_ptr<Gate> connection_gate(Services& services, Admission admission, Way way) {
  return std::make_unique<ConnectionGate>(services, std::move(admission), way);
}
std::unique_ptr<Gate> forward_gate(Services& services, const AccessToken* token) {
  return std::make_unique<ForwardGate>(services, token);
}
std::unique_ptr<Gate> redirected_gate(Services& services, Port dialled) {
  return std::make_unique<ForwardGate>(services, dialled);
}
std::unique_ptr<AnsweringGate> denied_gate(Services& services, Denial denial, Way way) {
  return std::make_unique<DeniedGate>(services, std::move(denial), way);
}
std::unique_ptr<AnsweringGate> failed_gate(Services& services, Admission admission,
                                           DialFailure failure, Way way) {
  return std::make_unique<FailedGate>(services, std::move(admission), std::move(failure), way);
}
std::unique_ptr<AnsweringGate> internal_gate(Services& services) {
  return std::make_unique<InternalGate>(services);
}

}  // namespace redoubtful::proxy
