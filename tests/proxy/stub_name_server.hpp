#pragma once

// A name server on loopback that answers from a table, over UDP and TCP, and counts what it was
// asked. For tests in which nothing may be asked of the real one.

#include <array>
#include <boost/asio.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace redoubtful::proxy::test {

struct StubAnswer {
  std::vector<std::string> addresses = {};  // A for IPv4, AAAA for IPv6
  unsigned code = 0;
  enum class Udp { kWhole, kTruncated } udp = Udp::kWhole;
  std::vector<unsigned> unanswered = {};  // types that get no answer at all: 1 (A), 28 (AAAA)
};

class StubNameServer {
 public:
  explicit StubNameServer(boost::asio::io_context& context)
      : state_(std::make_shared<State>(context)) {
    receive(state_);
    accept(state_);
  }
  ~StubNameServer() {
    state_->udp.close();
    state_->tcp.close();
  }
  StubNameServer(const StubNameServer&) = delete;
  StubNameServer& operator=(const StubNameServer&) = delete;

  // As Resolver::create() takes it.
  std::string address() const {
    return "127.0.0.1:" + std::to_string(state_->udp.local_endpoint().port());
  }
  // What is not in the table does not exist.
  std::map<std::string, StubAnswer>& table() { return state_->table; }
  // Names as they were asked for, once for each query.
  const std::vector<std::string>& asked() const { return state_->asked; }
  std::size_t over_tcp() const { return state_->over_tcp; }

 private:
  using Udp = boost::asio::ip::udp;
  using Tcp = boost::asio::ip::tcp;
  enum class Way { kUdp, kTcp };

  struct State {
    explicit State(boost::asio::io_context& context) : udp(context), tcp(context) {
      const boost::asio::ip::address loopback = boost::asio::ip::address_v4::loopback();
      tcp.open(Tcp::v4());
      // The port that the kernel gives for UDP may be somebody's for TCP.
      for (int tries = 0; tries < 100; ++tries) {
        udp = Udp::socket(context, Udp::endpoint(loopback, 0));
        boost::system::error_code error;
        tcp.bind(Tcp::endpoint(loopback, udp.local_endpoint().port()), error);
        if (!error) break;
      }
      tcp.listen();
    }
    Udp::socket udp;
    Tcp::acceptor tcp;
    Udp::endpoint sender;
    std::array<char, 1500> buffer{};
    std::map<std::string, StubAnswer> table;
    std::vector<std::string> asked;
    std::size_t over_tcp = 0;
  };
  struct Connection {
    explicit Connection(Tcp::socket accepted) : socket(std::move(accepted)) {}
    Tcp::socket socket;
    std::array<char, 2> length{};
    std::string message;
  };

  static void receive(const std::shared_ptr<State>& state) {
    auto handler = [state](const boost::system::error_code& error, std::size_t bytes) {
      if (error) return;
      const std::string reply = answer(*state, {state->buffer.data(), bytes}, Way::kUdp);
      boost::system::error_code ignored;
      if (!reply.empty()) state->udp.send_to(boost::asio::buffer(reply), state->sender, 0, ignored);
      receive(state);
    };
    state->udp.async_receive_from(boost::asio::buffer(state->buffer), state->sender,
                                  std::move(handler));
  }

  static void accept(const std::shared_ptr<State>& state) {
    auto handler = [state](const boost::system::error_code& error, Tcp::socket socket) {
      if (error) return;
      serve(state, std::make_shared<Connection>(std::move(socket)));
      accept(state);
    };
    state->tcp.async_accept(std::move(handler));
  }

  static void serve(const std::shared_ptr<State>& state, const std::shared_ptr<Connection>& peer) {
    auto on_length = [state, peer](const boost::system::error_code& error, std::size_t) {
      if (error) return;
      peer->message.resize(static_cast<unsigned char>(peer->length[0]) * 256u +
                           static_cast<unsigned char>(peer->length[1]));
      auto on_message = [state, peer](const boost::system::error_code& failed, std::size_t) {
        if (failed) return;
        ++state->over_tcp;
        std::string reply = answer(*state, peer->message, Way::kTcp);
        reply.insert(0, two(static_cast<unsigned>(reply.size())));
        boost::system::error_code ignored;
        boost::asio::write(peer->socket, boost::asio::buffer(reply), ignored);
        serve(state, peer);
      };
      boost::asio::async_read(peer->socket, boost::asio::buffer(peer->message),
                              std::move(on_message));
    };
    boost::asio::async_read(peer->socket, boost::asio::buffer(peer->length), std::move(on_length));
  }

  static std::string two(unsigned value) {
    return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
  }

  static std::string answer(State& state, const std::string& query, Way way) {
    std::string name;
    std::size_t at = 12;
    while (at < query.size() && query[at] != 0) {
      const auto length = static_cast<unsigned char>(query[at]);
      name += (name.empty() ? "" : ".") + query.substr(at + 1, length);
      at += length + 1u;
    }
    if (at + 5 > query.size()) return {};
    const std::string question = query.substr(12, at + 5 - 12);
    const unsigned type = static_cast<unsigned char>(query[at + 2]);
    state.asked.push_back(name);

    const auto found = state.table.find(name);
    const StubAnswer entry =
        found == state.table.end() ? StubAnswer{.addresses = {}, .code = 3} : found->second;
    for (const unsigned silent : entry.unanswered) {
      if (silent == type) return {};
    }
    std::string records;
    unsigned count = 0;
    for (const auto& text : entry.addresses) {
      const auto address = boost::asio::ip::make_address(text);
      if ((type == 1) != address.is_v4() || (type != 1 && type != 28)) continue;
      ++count;
      records += two(0xc00c) + two(type) + two(1) + two(0) + two(60);
      const auto put = [&records](const auto& bytes) {
        records += two(static_cast<unsigned>(bytes.size()));
        for (const auto byte : bytes) records += static_cast<char>(byte);
      };
      if (address.is_v4()) put(address.to_v4().to_bytes());
      if (address.is_v6()) put(address.to_v6().to_bytes());
    }
    const bool cut = way == Way::kUdp && entry.udp == StubAnswer::Udp::kTruncated;
    if (cut) {
      records.clear();
      count = 0;
    }
    return query.substr(0, 2) + two(0x8180u | (cut ? 0x0200u : 0u) | entry.code) + two(1) +
           two(count) + two(0) + two(0) + question + records;
  }

  std::shared_ptr<State> state_;
};

}  // namespace redoubtful::proxy::test
