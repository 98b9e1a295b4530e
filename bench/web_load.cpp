// The client of bench/proxy. It runs inside the box for redoubtful and outside for the others, and
// takes its orders from stdin, so that whoever measures can look at the proxy's CPU time before and
// after.
//
// usage: BENCH_KEY=... web_load HOST ADDRESS PORT      HOST for SNI and Host, ADDRESS to connect
// to; BENCH_FIELD: the name of the field that the key is in, "x-api-key"
//
// An order, and what it prints (microseconds, but for seconds):
//   requests CONNECTIONS COUNT         COUNT small requests over so many connections: seconds p50
//   p99 connections COUNT, posts COUNT     each with a full handshake and one request: seconds p50
//   p99 down BYTES, up BYTES               one body over one connection: seconds 0 0 events STREAMS
//   COUNT MICROSECONDS  time from leaving the origin to arriving: seconds p50 p99
// Each says "ready" once its connections are there, and begins at the line "go".

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <sstream>
#include <thread>

#include "bench/tls_socket.hpp"

namespace redoubtful::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

struct AddressDeleter {
  void operator()(addrinfo* found) const noexcept { ::freeaddrinfo(found); }
};

class Site {
 public:
  // `field`: "x-api-key: …".
  Site(std::string host, const char* address, const char* port, std::string field)
      : host_(std::move(host)),
        field_(std::move(field)),
        context_(SSL_CTX_new(TLS_client_method())) {
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(address, port, &hints, &found) != 0) fail("looking up the address");
    address_.reset(found);
  }

  Connection connect() const {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) fail("socket");
    Connection connection(context_.get(), socket);
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket, address_->ai_addr, address_->ai_addrlen) != 0) fail("connecting");
    static constexpr unsigned char kProtocols[] = "\x08http/1.1";
    SSL_set_alpn_protos(connection.ssl(), kProtocols, sizeof kProtocols - 1);
    SSL_set_tlsext_host_name(connection.ssl(), host_.c_str());
    if (SSL_connect(connection.ssl()) != 1) fail("the handshake");
    return connection;
  }

  // The head of a request, as an agent's is: a dozen fields, about 600 bytes.
  std::string request(std::string_view line, std::string_view more = {}) const {
    std::string out(line);
    out += " HTTP/1.1\r\nHost: " + host_ + "\r\n" + field_ +
           "\r\nAccept: application/json\r\nUser-Agent: claude-cli/2.1.197 (external, cli)\r\n"
           "anthropic-version: 2023-06-01\r\nanthropic-beta: context-1m-2025-08-07\r\n"
           "x-stainless-arch: x64\r\nx-stainless-lang: js\r\nx-stainless-os: Linux\r\n"
           "x-stainless-runtime: node\r\nx-stainless-runtime-version: v26.3.0\r\n"
           "x-app: cli\r\nConnection: keep-alive\r\n";
    out += more;
    return out + "\r\n";
  }

 private:
  std::string host_;
  std::string field_;
  SslContext context_;
  std::unique_ptr<addrinfo, AddressDeleter> address_;
};

// Reads a head that must be 200, and returns it.
std::string good_head(Connection& connection) {
  std::string head = connection.head();
  if (!head.starts_with("HTTP/1.1 200")) {
    throw std::runtime_error("answered: " + head.substr(0, head.find('\r')));
  }
  return head;
}

void one(Connection& connection, const std::string& request) {
  connection.write(request);
  const std::string head = good_head(connection);
  connection.discard(number_of(head, "content-length:", 0));
}

void say(double seconds, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    return times.empty()
               ? 0
               : times[static_cast<std::size_t>(part * (static_cast<double>(times.size()) - 1))];
  };
  std::cout << seconds << ' ' << at(0.5) << ' ' << at(0.99) << std::endl;
}

void wait_for_go() {
  std::cout << "ready" << std::endl;
  std::string line;
  std::getline(std::cin, line);
}

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// `work` of every thread returns its times; an exception of any ends the program.
std::vector<double> together(int threads, const std::function<std::vector<double>(int)>& work) {
  std::vector<std::vector<double>> found(static_cast<std::size_t>(threads));
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      try {
        found[static_cast<std::size_t>(i)] = work(i);
      } catch (const std::exception& error) {
        std::cout << "error " << error.what() << std::endl;
        std::_Exit(1);
      }
    });
  }
  std::vector<double> all;
  for (auto& thread : running) thread.join();
  for (const auto& times : found) all.insert(all.end(), times.begin(), times.end());
  return all;
}

void requests(const Site& site, int connections, int count) {
  const std::string request = site.request("GET /small");
  std::vector<Connection> open;
  for (int i = 0; i < connections; ++i) {
    open.push_back(site.connect());
    one(open.back(), request);
  }
  wait_for_go();
  const auto begin = Clock::now();
  auto times = together(connections, [&](int i) {
    std::vector<double> out;
    for (int n = 0; n < count / connections; ++n) {
      const auto sent = Clock::now();
      one(open[static_cast<std::size_t>(i)], request);
      out.push_back(Microseconds(Clock::now() - sent).count());
    }
    return out;
  });
  say(since(begin), std::move(times));
}

void connections(const Site& site, const char* line, int count) {
  const std::string request = site.request(line);
  {
    Connection warm = site.connect();
    one(warm, request);
  }
  wait_for_go();
  const auto begin = Clock::now();
  std::vector<double> times;
  for (int n = 0; n < count; ++n) {
    const auto sent = Clock::now();
    Connection connection = site.connect();
    one(connection, request);
    times.push_back(Microseconds(Clock::now() - sent).count());
    SSL_shutdown(connection.ssl());
  }
  say(since(begin), std::move(times));
}

void down(const Site& site, std::uint64_t bytes) {
  Connection connection = site.connect();
  one(connection, site.request("GET /small"));
  wait_for_go();
  const auto begin = Clock::now();
  one(connection, site.request("GET /down?bytes=" + std::to_string(bytes)));
  say(since(begin), {});
}

void up(const Site& site, std::uint64_t bytes) {
  Connection connection = site.connect();
  one(connection, site.request("GET /small"));
  wait_for_go();
  const auto begin = Clock::now();
  connection.write(site.request("POST /up", "Content-Length: " + std::to_string(bytes) + "\r\n"));
  const std::string piece(kPieceBytes, 'x');
  while (bytes > 0) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, piece.size()));
    connection.write(std::string_view(piece).substr(0, part));
    bytes -= part;
  }
  const std::string head = good_head(connection);
  connection.discard(number_of(head, "content-length:", 0));
  say(since(begin), {});
}

void events(const Site& site, int streams, int count, int microseconds) {
  std::vector<Connection> open;
  for (int i = 0; i < streams; ++i) {
    open.push_back(site.connect());
    one(open.back(), site.request("GET /small"));
  }
  wait_for_go();
  const auto begin = Clock::now();
  const std::string request = site.request("GET /events?count=" + std::to_string(count) +
                                           "&microseconds=" + std::to_string(microseconds));
  auto times = together(streams, [&](int i) {
    Connection& connection = open[static_cast<std::size_t>(i)];
    connection.write(request);
    good_head(connection);
    std::vector<double> out;
    std::string text;
    std::vector<char> buffer(kPieceBytes);
    constexpr std::string_view kLeft = "\"left\":";
    while (text.find("\r\n0\r\n\r\n") == std::string::npos) {
      const std::size_t got = connection.read(buffer.data(), buffer.size());
      const auto now = Clock::now().time_since_epoch();
      if (got == 0) throw std::runtime_error("the stream was cut");
      text.append(buffer.data(), got);
      std::size_t at = 0;
      std::size_t end = 0;
      while ((at = text.find(kLeft, end)) != std::string::npos &&
             text.find(',', at) != std::string::npos) {
        const std::chrono::nanoseconds left(number_of(text.substr(at, 64), kLeft, 0));
        out.push_back(Microseconds(now - left).count());
        end = text.find(',', at);
      }
      text.erase(0, end);
    }
    if (out.size() != static_cast<std::size_t>(count))
      throw std::runtime_error("events are missing");
    return out;
  });
  say(since(begin), std::move(times));
}

int run(const Site& site) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string order;
    std::uint64_t a = 0;
    int b = 0;
    int c = 0;
    words >> order >> a >> b >> c;
    if (order == "requests") requests(site, static_cast<int>(a), b);
    if (order == "connections") connections(site, "GET /small", static_cast<int>(a));
    if (order == "posts") connections(site, "POST /small", static_cast<int>(a));
    if (order == "down") down(site, a);
    if (order == "up") up(site, a);
    if (order == "events") events(site, static_cast<int>(a), b, c);
  }
  return 0;
}

}  // namespace
}  // namespace redoubtful::bench

int main(int argc, char** argv) {
  const char* key = std::getenv("BENCH_KEY");
  const char* name = std::getenv("BENCH_FIELD");
  if (argc != 4 || key == nullptr) return 64;
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const std::string field = std::string(name != nullptr ? name : "x-api-key") + ": " + key;
    const redoubtful::bench::Site site(argv[1], argv[2], argv[3], field);
    return redoubtful::bench::run(site);
  } catch (const std::exception& error) {
    std::cout << "error " << error.what() << std::endl;
    return 1;
  }
}
