#include "proxy/renewal.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "proxy/aws_credential.hpp"
#include "proxy/wall_clock.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kMostAhead = std::chrono::minutes(10);

}  // namespace

std::chrono::sys_seconds renewal_time(std::chrono::sys_seconds now,
                                      std::chrono::sys_seconds expires) noexcept {
  const auto left = expires - now;
  const auto ahead = std::min<std::chrono::seconds>(left / 4, kMostAhead);
  return std::max(now + std::chrono::seconds(1), expires - ahead);
}

Renewal::Renewal(asio::io_context& context, HelperLink& link, std::vector<std::string> sources,
                 AwsSigner& signer, Injector& injector, SecretsOfHosts& secrets, AuditLog& audit)
    : signer_(signer),
      injector_(injector),
      secrets_(secrets),
      audit_(audit),
      link_(link),
      timer_(context) {
  for (auto& name : sources) sources_.push_back({std::move(name), std::nullopt});
  const auto now = wall_seconds();
  for (const LiveAwsCredential& one : signer_.credentials()) {
    const auto source = std::find_if(sources_.begin(), sources_.end(),
                                     [&](const Source& known) { return known.name == one.name; });
    if (source == sources_.end() || !one.expires) continue;
    source->due = renewal_time(now, *one.expires);
  }
}

void Renewal::start() {
  asio::co_spawn(timer_.get_executor(), run(), [](const std::exception_ptr& bug) {
    if (bug) std::rethrow_exception(bug);
  });
}

void Renewal::hurry() {
  const auto now = wall_seconds();
  const bool due = std::any_of(sources_.begin(), sources_.end(), [&](const Source& source) {
    return source.due && *source.due <= now;
  });
  if (due) timer_.cancel();
}

Awaitable<void> Renewal::run() {
  for (;;) {
    const auto now = wall_seconds();
    auto wait = kLook;
    for (std::uint32_t number = 0; number < sources_.size(); ++number) {
      const auto due = sources_[number].due;
      if (due && *due <= now) co_await renew(number);
      if (sources_[number].due) {
        wait = std::clamp<std::chrono::seconds>(*sources_[number].due - wall_seconds(),
                                                std::chrono::seconds(0), wait);
      }
    }
    timer_.expires_after(wait);
    co_await timer_.async_wait(kTuple);
  }
}

Awaitable<void> Renewal::renew(std::uint32_t number) {
  Source& source = sources_[number];
  std::string packet = co_await link_.ask(number);
  auto keys = RenewalHelper::answer(packet);
  if (keys) {
    const auto until = take(source.name, std::move(*keys));
    if (until) {
      source.due = renewal_time(wall_seconds(), *until);
      audit_.refreshed(source.name, {}, "good until " + aws_time_text(*until));
      co_return;
    }
    keys = until.error();
  }
  source.due = wall_seconds() + kRetry;
  signer_.renewal_failed(source.name, keys.error().what());
  audit_.refreshed(source.name, "failed", keys.error().what());
}

Result<std::chrono::sys_seconds> Renewal::take(const std::string& name, FreshAwsKeys keys) {
  const auto found = std::find_if(signer_.credentials().begin(), signer_.credentials().end(),
                                  [&](const LiveAwsCredential& one) { return one.name == name; });
  if (found == signer_.credentials().end()) {
    return Error(Errc::kPeerProtocol, "there is no such credential");
  }
  // One that never ends is asked for no more.
  const auto until = keys.expires.value_or(wall_seconds() + std::chrono::hours(24 * 365 * 100));
  if (until <= wall_seconds()) {
    return Error(Errc::kInvalidProfile, "what it gives has ended at " + aws_time_text(until));
  }
  const auto expires = keys.expires;
  auto parts = aws_key_parts(*found, std::move(keys));
  if (!parts) return std::move(parts).error();
  for (LiveCredential& part : parts->parts) injector_.renew(std::move(part));
  signer_.renew(name, std::move(parts->keys), expires);
  secrets_.forget();
  return until;
}

}  // namespace redoubtful::proxy
