// redoubtful-proxy: the box's one way out. Started by `redoubtful run` with one end of a
// socketpair, or by itself beside a container (standalone.hpp).

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "common/control_channel.hpp"
#include "common/heap_ahead.hpp"
#include "proxy/application.hpp"
#include "proxy/confinement.hpp"
#include "proxy/limits.hpp"
#include "proxy/standalone.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;

constexpr int kFailed = 125;
// What OpenSSL, an authority and first connections take. Kept, too: the buffers of a connection are
// some 200 KiB, which the next one would get page fault by page fault.
constexpr std::size_t kHeapBytes = 1 << 20;

void complain(std::string_view text) {
  std::fprintf(stderr, "redoubtful-proxy: %.*s\n", static_cast<int>(text.size()), text.data());
}

int fail(int control, const Error& error) {
  (void)control::send(control, control::Failed{error.code(), error.what(), error.hint()});
  return exit_status(error.code());
}

// The conversation while the proxy serves. When the other end is gone there is nobody to serve.
class Conversation {
 public:
  Conversation(asio::io_context& context, Application& application, control::Receiver& receiver,
               int fd)
      : context_(context), application_(application), receiver_(receiver), socket_(context) {
    socket_.assign(asio::local::stream_protocol(), fd);
  }
  ~Conversation() { (void)socket_.release(); }

  void wait() {
    socket_.async_wait(asio::socket_base::wait_read, [this](boost::system::error_code error) {
      if (error) {
        context_.stop();
        return;
      }
      if (read()) wait();
    });
  }

 private:
  // False: the end.
  bool read() {
    for (;;) {
      auto message = receiver_.poll();
      if (!message) {
        context_.stop();
        return false;
      }
      if (!*message) return true;
      if (std::holds_alternative<control::Finish>(**message)) {
        application_.audit().finish();
        (void)control::send(socket_.native_handle(), application_.audit().summary());
        context_.stop();
        return false;
      }
      if (auto* probe = std::get_if<control::Probe>(&**message)) {
        asio::co_spawn(context_, application_.probe(std::move(*probe)),
                       [this](std::exception_ptr bug, control::ProbeResult result) {
                         if (bug) std::rethrow_exception(bug);
                         (void)control::send(socket_.native_handle(), std::move(result));
                       });
        continue;
      }
      complain("a message that has no place here");
      context_.stop();
      return false;
    }
  }

  asio::io_context& context_;
  Application& application_;
  control::Receiver& receiver_;
  asio::local::stream_protocol::socket socket_;
};

// Two descriptors a connection, where the usual soft limit is 1,024. And memory that no bound of
// limits.hpp lets it come near: should one be missing, it is the run that ends, not the machine.
void bound_resources() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
#if !defined(__SANITIZE_ADDRESS__)  // whose shadow alone is terabytes
  if (::getrlimit(RLIMIT_DATA, &limit) == 0) {
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_cur, limits::kMemoryBytes);
    ::setrlimit(RLIMIT_DATA, &limit);
  }
#endif
}

int serve(int fd) {
  control::Receiver receiver(fd);
  // The command line plans the box meanwhile: what needs no profile is made now.
  auto authority = CertificateAuthority::create();
  if (!authority) return fail(fd, authority.error());
  auto first = receiver.receive();
  if (!first || !std::holds_alternative<control::Configure>(*first)) return kFailed;
  asio::io_context context(1);
  auto application = Application::create(context, std::get<control::Configure>(std::move(*first)),
                                         std::move(*authority));
  if (!application) return fail(fd, application.error());
  if (auto sent = control::send(fd, (*application)->take_ready()); !sent) return kFailed;
  Conversation conversation(context, **application, receiver, fd);
  auto second = receiver.receive();
  if (!second) return 0;  // the box was not built
  // Not earlier: it takes as much time as the box's start, which is waited for; the first
  // connection comes when a program has started.
  if (auto prepared = (*application)->prepare_for_confinement(); !prepared) {
    return fail(fd, prepared.error());
  }
  if (std::holds_alternative<control::Listeners>(*second)) {
    if (auto started = (*application)->start_renewal(); !started) {
      return fail(fd, started.error());
    }
  }
  auto confined = confine();
  if (!confined) return fail(fd, confined.error());
  for (const auto& note : *confined) complain(note);
  if (auto* listeners = std::get_if<control::Listeners>(&*second)) {
    if (auto begun = (*application)->serve(std::move(*listeners)); !begun) {
      return fail(fd, begun.error());
    }
    if (auto sent = control::send(fd, control::Serving{}); !sent) return kFailed;
  } else if (auto* probe = std::get_if<control::Probe>(&*second)) {
    asio::co_spawn(context, (*application)->probe(std::move(*probe)),
                   [fd](std::exception_ptr bug, control::ProbeResult result) {
                     if (bug) std::rethrow_exception(bug);
                     (void)control::send(fd, std::move(result));
                   });
  } else {
    return kFailed;
  }
  conversation.wait();
  context.run();
  return 0;
}

int main_with(const std::vector<std::string_view>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "--control") {
    int fd = -1;
    const auto& text = arguments[1];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fd);
    if (error == std::errc() && end == text.data() + text.size() && fd > 2) return serve(fd);
  }
  for (const auto word : arguments) {
    if (word == "--version") {
      std::printf("redoubtful-proxy %s\n", REDOUBTFUL_VERSION);
      return 0;
    }
    if (word == "--help" || word == "-h") {
      std::printf("%s", std::string(standalone_help()).c_str());
      return 0;
    }
  }
  const auto failed = [](const Error& error) {
    complain(error.what());
    if (!error.hint().empty()) complain("  " + error.hint());
    return exit_status(error.code());
  };
  auto options = parse_standalone(arguments);
  if (!options) return failed(options.error());
  auto ended = run_standalone(*options);
  return ended ? 0 : failed(ended.error());
}

}  // namespace
}  // namespace redoubtful::proxy

int main(int argc, char** argv) {
  using namespace redoubtful::proxy;
  // Before anything secret is read.
  if (auto unreadable = become_unreadable(); !unreadable) {
    complain(unreadable.error().what());
    return kFailed;
  }
  // What they say is said by write(2), too: a peer that is gone, a file that may not grow.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  bound_resources();
  redoubtful::take_heap_ahead(kHeapBytes);
  try {
    return main_with(std::vector<std::string_view>(argv + (argc > 0 ? 1 : 0), argv + argc));
  } catch (const std::exception& bug) {
    complain(std::string("a bug in redoubtful-proxy: ") + bug.what());
    return kFailed;
  }
}
