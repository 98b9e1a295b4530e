#include "proxy/origin_link.hpp"

#include <utility>

#include "proxy/denial.hpp"
#include "proxy/rule_text.hpp"

namespace redoubtful::proxy {
namespace {

std::string key_of(const Admission& admission) {
  return admission.host().text() + ":" + std::to_string(admission.port().number());
}

// Over a connection that the origin may be closing. Source: RFC 9110, section 9.2.2.
bool can_be_repeated(const RequestHead& head) {
  const bool safe = head.method == "GET" || head.method == "HEAD" || head.method == "OPTIONS";
  return safe && !head.has_body && !head.upgrade_websocket;
}

void audit_connect(Services& services, const Admission& admission) {
  AuditEvent event;
  event.event = "connect";
  event.host = admission.host().text();
  event.port = admission.port().number();
  event.rule = admission.rule();
  event.place = admission.place();
  services.audit.record(event);
  if (!admission.rule().empty()) return;
  // Only --network discover admits without a rule.
  Scheme scheme = Scheme::kHttps;
  if (admission.handling() == Handling::kPlainHttp) scheme = Scheme::kHttp;
  if (admission.handling() == Handling::kTunnel) {
    scheme = admission.port().number() == 22 ? Scheme::kSsh : Scheme::kTcp;
  }
  services.audit.discovered(rule_for(admission.host(), admission.port(), scheme));
}

}  // namespace

Awaitable<std::variant<std::unique_ptr<Stream>, Denial, DialFailure>> connect_origin(
    Services& services, Admission admission, std::vector<std::string> protocols) {
  using Outcome = std::variant<std::unique_ptr<Stream>, Denial, DialFailure>;
  // Where the user put a gateway in its place, that is who is dialled and verified.
  Admission dialled_as = admission;
  if (auto gateway = services.policy.gateway_of(admission)) dialled_as = std::move(*gateway);
  auto dialled = co_await services.dialer.dial(dialled_as);
  if (auto* denial = std::get_if<Denial>(&dialled)) co_return Outcome(std::move(*denial));
  if (auto* failure = std::get_if<DialFailure>(&dialled)) {
    AuditEvent event;
    event.event = "error";
    event.host = admission.host().text();
    event.port = admission.port().number();
    event.reason = failure->error;
    event.detail = failure->text;
    services.audit.record(event);
    co_return Outcome(std::move(*failure));
  }
  auto& socket = std::get<boost::asio::ip::tcp::socket>(dialled);
  if (admission.handling() != Handling::kIntercept) {
    audit_connect(services, admission);
    co_return Outcome(plain_stream(std::move(socket)));
  }
  auto secured = co_await services.origin_tls.connect(std::move(socket), dialled_as.host(),
                                                      std::move(protocols));
  if (auto* failure = std::get_if<TlsFailure>(&secured)) {
    AuditEvent event;
    event.event = "error";
    event.host = admission.host().text();
    event.port = admission.port().number();
    event.reason = failure->error;
    event.detail = failure->text;
    services.audit.record(event);
    const unsigned status = failure->error == "connection_timeout" ? 504 : 502;
    co_return Outcome(DialFailure{status, std::move(failure->error), std::move(failure->text)});
  }
  audit_connect(services, admission);
  co_return Outcome(std::move(std::get<std::unique_ptr<Stream>>(secured)));
}

LinkedOrigins::LinkedOrigins(Services& services, Way way, const Admission& admission,
                             std::unique_ptr<Stream> connected, std::string pool_key)
    : services_(services),
      way_(way),
      stream_(std::move(connected)),
      connected_to_(key_of(admission)),
      pool_key_(std::move(pool_key)),
      from_pool_(!stream_) {}

Awaitable<std::variant<Stream*, Refusal>> LinkedOrigins::stream_for(Exchange& exchange) {
  using Outcome = std::variant<Stream*, Refusal>;
  // Every exchange here was opened by one of our own gates.
  const Admission admission = dynamic_cast<AdmittedExchange&>(exchange).admission();
  const std::string key = key_of(admission);
  // An idle connection with something to read has been closed, or was never in step.
  if (stream_ && (connected_to_ != key || stream_->readable())) discard();
  if (std::exchange(from_pool_, false) && can_be_repeated(exchange.request())) {
    stream_ = services_.pool.take(pool_key_);
    reused_ = stream_ != nullptr;
  }
  if (!stream_) {
    std::vector<std::string> protocols = {"http/1.1"};
    auto connected = co_await connect_origin(services_, admission, std::move(protocols));
    if (const auto* denial = std::get_if<Denial>(&connected)) {
      services_.audit.deny(*denial, way_name(way_), exchange.request().method);
      co_return Outcome(refusal_of(*denial, &exchange.request()));
    }
    if (const auto* failure = std::get_if<DialFailure>(&connected)) {
      co_return Outcome(
          failure_of(failure->status, failure->error, failure->text, &exchange.request()));
    }
    stream_ = std::move(std::get<std::unique_ptr<Stream>>(connected));
    connected_to_ = key;
  }
  co_return Outcome(stream_.get());
}

void LinkedOrigins::discard() noexcept {
  if (stream_) stream_->close();
  stream_.reset();
  reused_ = false;
}

void LinkedOrigins::give_back() {
  if (!pool_key_.empty()) services_.pool.keep(pool_key_, std::move(stream_));
}

}  // namespace redoubtful::proxy
