#include "proxy/resolver.hpp"

#include <ares.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <map>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Addresses = std::vector<asio::ip::address>;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

struct FreeAddresses {
  void operator()(ares_addrinfo* info) const { ares_freeaddrinfo(info); }
};
struct DestroyChannel {
  void operator()(ares_channel channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<std::remove_pointer_t<ares_channel>, DestroyChannel>;

std::string_view reason_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
      return "no such name";
    case ARES_ENODATA:
      return "the name has no address";
    case ARES_ESERVFAIL:
      return "the name server failed";
    case ARES_EREFUSED:
      return "the name server refused";
    case ARES_ECONNREFUSED:
      return "no name server gives an answer";
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
      return "the lookup was given up";
    default:
      return ares_strerror(status);
  }
}

// How much a failure of one family says, when the other failed as well.
int weight_of(int status) {
  if (status == ARES_ENODATA) return 0;
  return status == ARES_ENOTFOUND ? 1 : 2;
}

// One name being looked up. Shared with c-ares, which calls back for each family when it likes,
// also after the deadline.
struct Lookup {
  explicit Lookup(asio::any_io_executor executor) : changed(std::move(executor)) {}

  asio::steady_timer changed;  // cancelled whenever a family has answered; its expiry: the deadline
  unsigned pending = 2;
  int status = ARES_ENODATA;
  Addresses addresses;

  void take(int result, const ares_addrinfo* info) {
    --pending;
    if (result != ARES_SUCCESS && weight_of(result) > weight_of(status)) status = result;
    for (auto* node = info != nullptr ? info->nodes : nullptr; node != nullptr;
         node = node->ai_next) {
      if (addresses.size() == limits::kAddresses) break;
      if (node->ai_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, node->ai_addr, sizeof(in));
        addresses.emplace_back(asio::ip::address_v4(ntohl(in.sin_addr.s_addr)));
      } else if (node->ai_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, node->ai_addr, sizeof(in));
        asio::ip::address_v6::bytes_type bytes;
        std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
        addresses.emplace_back(asio::ip::address_v6(bytes));
      }
    }
    changed.cancel();
  }
};

void on_answer(void* argument, int status, int /*timeouts*/, ares_addrinfo* info) {
  const std::unique_ptr<ares_addrinfo, FreeAddresses> owned(info);
  const std::unique_ptr<std::shared_ptr<Lookup>> lookup(
      static_cast<std::shared_ptr<Lookup>*>(argument));
  (*lookup)->take(status, info);
}

// Drives c-ares: it owns its sockets and says which it wants to read or write; the reactor says
// when they are ready. Every wait holds this weakly, so that its end ends them.
class Driver : public std::enable_shared_from_this<Driver> {
 public:
  explicit Driver(asio::any_io_executor executor) : executor_(executor), timer_(executor) {}

  Result<void> start(const std::string& servers, std::chrono::milliseconds first_try) {
    static const int library = ares_library_init(ARES_LIB_INIT_ALL);
    if (library != ARES_SUCCESS) return failure("starting c-ares", library);
    ares_options options{};
    // As asked, of name servers alone: no search domains, no HOSTALIASES, no hosts file.
    options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
    char lookups[] = "b";
    options.lookups = lookups;
    options.timeout = static_cast<int>(first_try.count());
    options.tries = 3;
    options.sock_state_cb = &Driver::on_socket_state;
    options.sock_state_cb_data = this;
    ares_channel channel = nullptr;
    const int made = ares_init_options(&channel, &options,
                                       ARES_OPT_FLAGS | ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS |
                                           ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (made != ARES_SUCCESS) return failure("reading the resolver's configuration", made);
    channel_.reset(channel);
    if (!servers.empty()) {
      const int set = ares_set_servers_ports_csv(channel, servers.c_str());
      if (set != ARES_SUCCESS) return failure("setting the name servers", set);
    }
    return {};
  }

  // Fails every lookup under way; their coroutines go on later, from the event loop.
  void stop() {
    channel_.reset();
    timer_.cancel();
  }

  void ask(const Host& name, int family, const std::shared_ptr<Lookup>& lookup) {
    ares_addrinfo_hints hints{};
    hints.ai_family = family;
    hints.ai_flags = ARES_AI_NOSORT;  // sorting would open sockets of its own
    hints.ai_socktype = SOCK_STREAM;  // one entry for each address
    auto owned = std::make_unique<std::shared_ptr<Lookup>>(lookup);
    ares_getaddrinfo(channel_.get(), name.text().c_str(), nullptr, &hints, &on_answer,
                     owned.release());
    arm_timer();
  }

 private:
  struct Socket {
    explicit Socket(const asio::any_io_executor& executor, int fd) : descriptor(executor, fd) {}
    ~Socket() { descriptor.release(); }  // c-ares closes it
    asio::posix::stream_descriptor descriptor;
    bool wants_read = false;
    bool wants_write = false;
    bool reading = false;
    bool writing = false;
  };

  static Error failure(std::string_view what, int status) {
    return Error(Errc::kPeerProtocol, std::string(what) + ": " + ares_strerror(status));
  }

  static void on_socket_state(void* self, ares_socket_t fd, int readable, int writable) {
    auto& sockets = static_cast<Driver*>(self)->sockets_;
    if (readable == 0 && writable == 0) {  // about to be closed; its number may come again
      sockets.erase(fd);
      return;
    }
    auto& socket = sockets[fd];
    if (!socket) socket = std::make_shared<Socket>(static_cast<Driver*>(self)->executor_, fd);
    socket->wants_read = readable != 0;
    socket->wants_write = writable != 0;
    static_cast<Driver*>(self)->wait(fd, socket);
  }

  void wait(ares_socket_t fd, const std::shared_ptr<Socket>& socket) {
    using Descriptor = asio::posix::stream_descriptor;
    const auto ready = [this, fd, &socket](bool Socket::*under_way, ares_socket_t readable,
                                           ares_socket_t writable) {
      return [weak = weak_from_this(), watched = std::weak_ptr<Socket>(socket), fd, under_way,
              readable, writable](const error_code& error) {
        const auto self = weak.lock();
        const auto current = watched.lock();
        if (!self || !current || error) return;
        (*current).*under_way = false;
        self->process(readable, writable);
        // It may be gone, or another may have its number.
        const auto found = self->sockets_.find(fd);
        if (found != self->sockets_.end() && found->second == current) self->wait(fd, current);
      };
    };
    if (socket->wants_read && !socket->reading) {
      socket->reading = true;
      auto handler = ready(&Socket::reading, fd, ARES_SOCKET_BAD);
      socket->descriptor.async_wait(Descriptor::wait_read, std::move(handler));
    }
    if (socket->wants_write && !socket->writing) {
      socket->writing = true;
      auto handler = ready(&Socket::writing, ARES_SOCKET_BAD, fd);
      socket->descriptor.async_wait(Descriptor::wait_write, std::move(handler));
    }
  }

  void process(ares_socket_t readable, ares_socket_t writable) {
    if (!channel_) return;
    ares_process_fd(channel_.get(), readable, writable);
    arm_timer();
  }

  // c-ares' own time-outs: the next try, the next server.
  void arm_timer() {
    timeval next{};
    if (!channel_ || ares_timeout(channel_.get(), nullptr, &next) == nullptr) {
      timer_.cancel();
      return;
    }
    // One millisecond more: c-ares counts in microseconds and would be woken just before.
    timer_.expires_after(std::chrono::seconds(next.tv_sec) +
                         std::chrono::microseconds(next.tv_usec) + std::chrono::milliseconds(1));
    auto handler = [weak = weak_from_this()](const error_code& error) {
      const auto self = weak.lock();
      if (self && !error) self->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    };
    timer_.async_wait(std::move(handler));
  }

  asio::any_io_executor executor_;
  asio::steady_timer timer_;
  std::map<ares_socket_t, std::shared_ptr<Socket>> sockets_;
  Channel channel_;  // last: its end still speaks of sockets
};

class AresResolver final : public Resolver {
 public:
  AresResolver(std::shared_ptr<Driver> driver, asio::any_io_executor executor, HostsFile hosts,
               LookupTimes times)
      : driver_(std::move(driver)),
        executor_(std::move(executor)),
        hosts_(std::move(hosts)),
        times_(times) {}
  ~AresResolver() override { driver_->stop(); }

  Awaitable<Result<Addresses>> resolve(Host name) override {
    if (name.is_address()) {
      co_return Addresses(1, asio::ip::make_address(name.text()));
    }
    Addresses known = hosts_.addresses(name);
    if (!known.empty()) co_return known;

    const auto lookup = std::make_shared<Lookup>(executor_);
    auto deadline = std::chrono::steady_clock::now() + times_.whole;
    const auto other_family = times_.other_family;
    driver_->ask(name, AF_INET6, lookup);
    driver_->ask(name, AF_INET, lookup);
    // From here on the resolver may end: nothing of it is touched.
    while (lookup->pending > 0) {
      lookup->changed.expires_at(deadline);
      (void)co_await lookup->changed.async_wait(kTuple);
      const auto now = std::chrono::steady_clock::now();
      if (now >= deadline) break;
      if (!lookup->addresses.empty()) deadline = std::min(deadline, now + other_family);
    }
    if (!lookup->addresses.empty()) co_return std::move(lookup->addresses);
    if (lookup->pending > 0 || lookup->status == ARES_ETIMEOUT) {
      co_return Error::system_call("the name servers do not answer for " + name.text(), ETIMEDOUT);
    }
    co_return Error(Errc::kPeerProtocol,
                    "looking up " + name.text() + ": " + std::string(reason_of(lookup->status)));
  }

 private:
  std::shared_ptr<Driver> driver_;
  asio::any_io_executor executor_;
  HostsFile hosts_;
  LookupTimes times_;
};

}  // namespace

Result<std::unique_ptr<Resolver>> Resolver::create(asio::any_io_executor executor,
                                                   const std::string& servers, HostsFile hosts,
                                                   LookupTimes times) {
  auto driver = std::make_shared<Driver>(executor);
  auto started = driver->start(servers, times.name_server);
  if (!started) return std::move(started).error();
  return std::unique_ptr<Resolver>(std::make_unique<AresResolver>(
      std::move(driver), std::move(executor), std::move(hosts), times));
}

}  // namespace redoubtful::proxy
