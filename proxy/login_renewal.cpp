#include "proxy/login_renewal.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>

#include "proxy/aws_keys.hpp"
#include "proxy/login_helper.hpp"
#include "proxy/renewal.hpp"
#include "proxy/wall_clock.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// One that waits for an attempt's end, as long as it does.
class Waiting {
 public:
  Waiting(std::list<asio::steady_timer*>& all, asio::steady_timer& timer)
      : all_(all), place_(all.insert(all.end(), &timer)) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { all_.erase(place_); }

 private:
  std::list<asio::steady_timer*>& all_;
  std::list<asio::steady_timer*>::iterator place_;
};

}  // namespace

LoginRenewal::LoginRenewal(asio::io_context& context, Injector& injector, SecretsOfHosts& secrets,
                           AuditLog& audit)
    : injector_(injector), secrets_(secrets), audit_(audit), timer_(context) {}

void LoginRenewal::add(HelperLink& link, const Renewable& what) {
  Login& one = logins_.emplace_back();
  one.name = what.name;
  one.link = &link;
  one.number = what.number;
  if (what.expires) one.due = renewal_time(wall_seconds(), *what.expires);
}

void LoginRenewal::start() {
  asio::co_spawn(timer_.get_executor(), run(), [](const std::exception_ptr& bug) {
    if (bug) std::rethrow_exception(bug);
  });
}

LoginRenewal::Login* LoginRenewal::find(std::string_view name) {
  const auto found = std::find_if(logins_.begin(), logins_.end(),
                                  [&](const Login& one) { return one.name == name; });
  return found == logins_.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> LoginRenewal::generation(std::string_view name) const {
  const auto found = std::find_if(logins_.begin(), logins_.end(),
                                  [&](const Login& one) { return one.name == name; });
  return found == logins_.end() ? std::nullopt : std::optional(found->generation);
}

void LoginRenewal::want(Login& login) {
  login.wanted = true;
  timer_.cancel();
}

void LoginRenewal::refused(std::string_view name, std::uint64_t generation) {
  Login* login = find(name);
  if (login == nullptr || login->generation > generation) return;
  if (std::chrono::steady_clock::now() >= login->quiet_until) want(*login);
}

Awaitable<bool> LoginRenewal::newer(std::string name, std::uint64_t generation) {
  Login* login = find(name);
  if (login == nullptr) co_return false;
  if (login->generation > generation) co_return true;
  if (std::chrono::steady_clock::now() < login->quiet_until && !login->wanted) co_return false;
  want(*login);
  const std::uint64_t attempts = login->attempts;
  asio::steady_timer timer(timer_.get_executor(), kWait);
  const Waiting here(login->waiting, timer);
  while (login->attempts == attempts) {
    const auto [woken] = co_await timer.async_wait(kTuple);
    if (!woken) break;  // it took too long
  }
  co_return login->generation > generation;
}

Awaitable<void> LoginRenewal::run() {
  for (;;) {
    auto wait = kLook;
    for (Login& login : logins_) {
      const bool due = login.due && *login.due <= wall_seconds();
      if (due || login.wanted) co_await renew(login);
      if (login.due) {
        wait = std::clamp<std::chrono::seconds>(*login.due - wall_seconds(),
                                                std::chrono::seconds(0), wait);
      }
    }
    const bool more =
        std::any_of(logins_.begin(), logins_.end(), [](const Login& one) { return one.wanted; });
    if (more) continue;
    timer_.expires_after(wait);
    co_await timer_.async_wait(kTuple);
  }
}

Awaitable<void> LoginRenewal::renew(Login& login) {
  login.wanted = true;  // as long as it is under way
  std::string packet = co_await login.link->ask(login.number);
  auto fresh = LoginHelper::answer(packet);
  auto taken = fresh ? take(login, *std::move(fresh)) : Result<void>(std::move(fresh).error());
  if (!taken) failed(login, taken.error());
  login.wanted = false;
  ++login.attempts;
  for (auto* waiting : login.waiting) waiting->cancel();
}

Result<void> LoginRenewal::take(Login& login, FreshLogin fresh) {
  const auto& all = injector_.credentials();
  const auto known = std::find_if(all.begin(), all.end(), [&](const LiveCredential& one) {
    return one.name == login.name && !one.hosts.empty();
  });
  auto secret = Secret::take(std::move(fresh.access_token));
  if (!secret) return std::move(secret).error();
  if (known == all.end()) return Error(Errc::kPeerProtocol, "there is no such credential");
  if (*secret == known->secret) {
    unchanged(login);
    return {};
  }
  injector_.renew(known->surrogate, *std::move(secret));
  secrets_.forget();
  ++login.generation;
  login.retry = kRetry;
  login.due.reset();
  if (fresh.expires) login.due = renewal_time(wall_seconds(), *fresh.expires);
  const std::string until =
      fresh.expires ? ", good until " + aws_time_text(*fresh.expires) : std::string();
  if (fresh.unwritten.empty()) {
    record(login, {}, (fresh.ours ? "renewed" : "found renewed by somebody else") + until);
    return {};
  }
  login.due = wall_seconds() + kRetry;  // for it to be written
  record(login, "unwritten",
         "renewed" + until + ", but its file still has the old login: " + fresh.unwritten);
  return {};
}

// No failure, unless it has ended: what was refused may have been refused for another reason.
void LoginRenewal::unchanged(Login& login) {
  const bool due = login.due && *login.due <= wall_seconds();
  if (due) login.due = wall_seconds() + login.retry;
  login.quiet_until = std::chrono::steady_clock::now() + login.retry;
  login.retry = std::min(login.retry * 2, kMostRetry);
  if (due) record(login, "failed", "its source still gives the same value");
}

void LoginRenewal::failed(Login& login, const Error& error) {
  // One that was only refused is as good as before for the clock.
  if (login.due) login.due = std::max(*login.due, wall_seconds() + login.retry);
  login.retry = std::min(login.retry * 2, kMostRetry);
  login.quiet_until = std::chrono::steady_clock::now() + kQuiet;
  if (login.link->gone()) login.due.reset();
  record(login, "failed", error.what());
}

void LoginRenewal::record(Login& login, std::string_view reason, std::string detail) {
  if (!reason.empty() && login.trouble == detail) return;
  login.trouble = reason.empty() ? std::string() : detail;
  audit_.refreshed(login.name, reason, std::move(detail));
}

}  // namespace redoubtful::proxy
