#include "proxy/address_race.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Tcp = asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kShownAddresses = 4;

std::vector<Tcp::endpoint> interleaved(const std::vector<Tcp::endpoint>& endpoints) {
  std::vector<Tcp::endpoint> families[2];
  for (const auto& endpoint : endpoints) {
    families[endpoint.address().is_v4() ? 1 : 0].push_back(endpoint);
  }
  std::vector<Tcp::endpoint> out;
  for (std::size_t i = 0; i < std::max(families[0].size(), families[1].size()); ++i) {
    for (const auto& family : families) {
      if (i < family.size()) out.push_back(family[i]);
    }
  }
  return out;
}

void set_options(Tcp::socket& socket) {
  const int probe = static_cast<int>(limits::kKeepAliveProbe.count());
  error_code ignored;  // a connection without them is a connection all the same
  socket.set_option(Tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  for (const int option : {TCP_KEEPIDLE, TCP_KEEPINTVL}) {
    (void)::setsockopt(socket.native_handle(), IPPROTO_TCP, option, &probe, sizeof(probe));
  }
}

struct Attempt {
  Tcp::endpoint endpoint;
  Tcp::socket socket;
  error_code error = asio::error::timed_out;  // until it is known
};

// Shared with the completion handlers of the attempts, which may come after its end.
struct Race : std::enable_shared_from_this<Race> {
  Race(const asio::any_io_executor& its_executor, std::vector<Tcp::endpoint> all)
      : executor(its_executor), endpoints(std::move(all)), changed(its_executor) {}

  bool all_started() const { return attempts.size() == endpoints.size(); }

  void start_next() {
    const Tcp::endpoint& endpoint = endpoints[attempts.size()];
    auto attempt = std::make_shared<Attempt>(Attempt{endpoint, Tcp::socket(executor)});
    attempts.push_back(attempt);
    ++pending;
    auto handler = [self = shared_from_this(), attempt](const error_code& error) {
      --self->pending;
      attempt->error = error;
      if (!error && !self->winner) {
        self->winner = attempt;
      } else {
        self->failed = true;
      }
      self->changed.cancel();
    };
    attempt->socket.async_connect(endpoint, std::move(handler));
  }

  void close_losers() {
    for (const auto& attempt : attempts) {
      error_code ignored;
      if (attempt != winner) attempt->socket.close(ignored);
    }
  }

  asio::any_io_executor executor;
  std::vector<Tcp::endpoint> endpoints;
  std::vector<std::shared_ptr<Attempt>> attempts;
  std::shared_ptr<Attempt> winner;
  std::size_t pending = 0;
  bool failed = false;  // one of them, since the last look
  asio::steady_timer changed;
};

// However the coroutine ends, also by being destroyed.
struct Closing {
  explicit Closing(Race& its_race) : race(its_race) {}
  ~Closing() { race.close_losers(); }
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;
  Race& race;
};

struct Reason {
  int weight;  // of several, the one that says most
  std::string_view error;
  std::string_view words;
};

Reason reason_of(const error_code& error) {
  if (error == asio::error::connection_refused) {
    return {4, "connection_refused", "connection refused by "};
  }
  if (error == asio::error::timed_out) return {3, "connection_timeout", "no answer from "};
  if (error == asio::error::connection_reset) {
    return {2, "connection_terminated", "connection reset by "};
  }
  if (error == asio::error::network_unreachable || error == asio::error::host_unreachable ||
      error == asio::error::address_family_not_supported) {
    return {0, "destination_ip_unroutable", "no route to "};
  }
  return {1, "destination_unavailable", {}};
}

DialFailure failure_of(const Race& race) {
  DialFailure failure;
  int weight = -1;
  for (std::size_t i = 0; i < race.attempts.size(); ++i) {
    const Attempt& attempt = *race.attempts[i];
    const Reason reason = reason_of(attempt.error);
    if (reason.weight > weight) {
      weight = reason.weight;
      failure.error = reason.error;
    }
    if (i == kShownAddresses) failure.text += ", …";
    if (i >= kShownAddresses) continue;
    if (i > 0) failure.text += ", ";
    const std::string where = endpoint_text(attempt.endpoint);
    failure.text += reason.words.empty() ? where + ": " + attempt.error.message()
                                         : std::string(reason.words) + where;
  }
  if (failure.error == "connection_timeout") failure.status = 504;
  return failure;
}

}  // namespace

std::string endpoint_text(const Tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" +
         std::to_string(endpoint.port());
}

Awaitable<std::variant<Tcp::socket, DialFailure>> connect_first(
    std::vector<Tcp::endpoint> endpoints, Clock::time_point deadline) {
  using Outcome = std::variant<Tcp::socket, DialFailure>;
  const auto executor = co_await asio::this_coro::executor;
  const auto race = std::make_shared<Race>(executor, interleaved(endpoints));
  const Closing closing(*race);
  auto next = Clock::now();
  while (!race->winner) {
    const auto now = Clock::now();
    if (now >= deadline) break;
    if (!race->all_started() && (race->failed || now >= next)) {
      race->failed = false;
      race->start_next();
      next = now + limits::kNextAddress;
    }
    if (race->all_started() && race->pending == 0) break;
    race->changed.expires_at(race->all_started() ? deadline : std::min(deadline, next));
    (void)co_await race->changed.async_wait(kTuple);
  }
  if (!race->winner) co_return Outcome(failure_of(*race));
  set_options(race->winner->socket);
  co_return Outcome(std::move(race->winner->socket));
}

}  // namespace redoubtful::proxy
