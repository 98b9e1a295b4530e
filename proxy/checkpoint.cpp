#include "proxy/checkpoint.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

#include "common/text.hpp"
#include "proxy/authority.hpp"
#include "proxy/denial.hpp"
#include "proxy/forwarded.hpp"
#include "proxy/internal_site.hpp"
#include "proxy/wall_clock.hpp"

namespace redoubtful::proxy {
namespace {

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
      const bool at_home = on != nullptr && on->handling() == Handling::kIntercept &&
                           found->hosts.takes(on->host(), on->port());
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

  // `written`: the authority as the client wrote it, which a signature covers.
  std::variant<std::unique_ptr<Exchange>, Refusal> open(const Admission& admission,
                                                        RequestHead head, std::string written) {
    std::optional<RequestHead> received;
    if (admission.handling() == Handling::kIntercept &&
        services_.signer.has_credentials(admission.host(), admission.port())) {
      received = head;
      received->authority = std::move(written);
    }
    auto permitted = services_.policy.permit(admission, head.method, head.target);
    if (const auto* denial = std::get_if<Denial>(&permitted)) {
      return refuse(*denial, head, &admission);
    }
    const auto& permit = std::get<RequestPermit>(permitted);
    head.target = permit.target();
    const Overrides overrides{permit.method_limited(), permit.path_limited()};
    overrides.drop_from(head.fields);
    Carriage carriage;
    carriage.secrets = services_.secrets.of(admission.host(), services_.injector);
    if (carriage.secrets) ask_for_plain_answers(head);
    std::optional<RequestHead> before;
    if (carriage.secrets && services_.logins != nullptr) before = head;
    auto injected = services_.injector.inject(permit, admission.handling(), head);
    if (const auto* denial = std::get_if<Denial>(&injected)) {
      if (denial->reason == DenyReason::kCredential) {
        services_.audit.alarm(denial->target, denial->rule, denial->detail);
      }
      return say(*denial, head);
    }
    auto& injection = std::get<Injection>(injected);
    if (before) carriage.login = used_login(injection, std::move(*before));
    carriage.fields = std::move(injection.body);
    carriage.frames = std::move(injection.frames);
    if (received) {
      if (const auto denial = sign(admission, *received, head, injection, carriage)) {
        return say(*denial, head);
      }
    }
    record_injection(services_.audit, injection, admission, head);
    return forwarded(services_, admission, std::move(head), permit, overrides, std::move(carriage),
                     way_);
  }

  // A request to a host of AWS's keys. The head is final but for what is signed.
  std::optional<Denial> sign(const Admission& admission, const RequestHead& received,
                             RequestHead& head, Injection& injection, Carriage& carriage) {
    const auto now = wall_seconds();
    auto judged = services_.signer.judge(admission.host(), received, head, now);
    if (auto* denial = std::get_if<Denial>(&judged)) {
      const bool ended = denial->reason == DenyReason::kCredentialExpired;
      if (ended && services_.renewal != nullptr) services_.renewal->hurry();
      return std::move(*denial);
    }
    if (auto* plain = std::get_if<NotSigned>(&judged)) {
      std::move(plain->removed.begin(), plain->removed.end(),
                std::back_inserter(injection.removed));
      return std::nullopt;
    }
    auto& signing = std::get<AwsSigning>(judged);
    if (signing.needs_body()) {
      carriage.signing.emplace(std::move(signing));
      return std::nullopt;
    }
    auto made = signing.sign(head, now);
    if (auto* denial = std::get_if<Denial>(&made)) return std::move(*denial);
    auto& resigned = std::get<Resigned>(made);
    record_signing(services_.audit, signing, admission, head);
    carriage.signature = NewSignature{std::move(resigned.signature), signing.client_signature()};
    if (resigned.body) carriage.body = std::move(resigned.body);
    return std::nullopt;
  }

  // Of what was injected, the login that can be renewed. `before`: the head without it.
  std::optional<UsedLogin> used_login(const Injection& injection, RequestHead before) const {
    for (const auto& name : injection.names) {
      const auto generation = services_.logins->generation(name);
      if (!generation) continue;
      UsedLogin out{name, *generation, std::nullopt};
      if (!injection.body) out.head = std::move(before);
      return out;
    }
    return std::nullopt;
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
    std::string written = std::exchange(head.authority, authority_text(*authority));
    return open(admission_, std::move(head), std::move(written));
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
    std::string written = std::exchange(head.authority, authority_text(*authority));
    auto admitted = services_.policy.admit(authority->host, authority->port, Carried::kHttp);
    if (const auto* denial = std::get_if<Denial>(&admitted)) return refuse(*denial, head);
    return open(std::get<Admission>(admitted), std::move(head), std::move(written));
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
