#pragma once

// What `redoubtful` and `redoubtful-proxy` say to each other over their one socketpair. [trusted
// core]
//
// Everything secret travels here: nothing in argv, environment or files. A message is a frame:
// magic, version, type and length (little endian, 12 bytes), then its fields, each with a length of
// its own. Both ends are ours, yet each message is checked as if it were not: a wrong magic or
// version, an unknown type, a length over its bound, bytes left over or descriptors that the
// message does not carry end the conversation.
//
// The order:  Configure →  ← Ready or Failed   Listeners →   ← Serving   …   Finish →   ← Summary
//
// Threads: none. The socket is SOCK_STREAM; frames may arrive in pieces.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::control {

inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::size_t kMaxFrameBytes = 8 * 1024 * 1024;  // a profile with very many rules
inline constexpr std::size_t kMaxItems = 4096;                  // of any list in a message
inline constexpr std::size_t kMaxDescriptors = 250;  // SCM_MAX_FD is 253; Source: unix(7)

struct NamedValue {
  std::string name;
  std::string value;  // may be secret: decode() leaves no other copy of it
};

// redoubtful → proxy, once, first.
struct Configure {
  std::string session;                  // names the run in the audit log
  std::string profile;                  // JSON as `redoubtful show --json` prints it
  std::vector<NamedValue> environment;  // variables that credential sources and HTTPS_PROXY name
  std::vector<std::string> commands;    // NAME=VALUE: the environment of programs that sources name
  UniqueFd audit;                       // opened for appending; absent: no log is kept
};

// What the box gets in place of a secret.
struct Surrogate {
  std::string credential;
  std::vector<std::string> variables;
  std::string value;
};

// A file as the box has it: the host's own, with surrogates for what is a credential of this
// session and without what else could be one.
struct ExposedFile {
  std::string path;  // as the profile has it, "~/" replaced
  std::string text;
};

// proxy → redoubtful: the sources were read, the agent may start.
struct Ready {
  std::string ca_certificate;  // PEM, never the key
  std::vector<Surrogate> surrogates;
  std::vector<ExposedFile> files;
  std::vector<std::string> notes;  // lines for the person: what is live, what is off and why
};

// proxy → redoubtful: it cannot start. The process ends afterwards.
struct Failed {
  Errc code = Errc::kNone;
  std::string what;
  std::string hint;
};

// What one of the passed sockets is for. All were made in the box's network namespace.
enum class SocketPurpose : std::uint8_t {
  kDnsUdp = 1,     // bound to 127.0.0.1:53
  kDnsTcp = 2,     // listening on 127.0.0.1:53
  kPlainHttp = 3,  // listening on port 80 of every address
  kTls = 4,        // listening on port 443 of every address
  kExplicit = 5,   // listening on 127.0.0.1:3128
  kSpare4 = 6,     // an unbound IPv4 stream socket, for a name's own port
  kSpare6 = 7,     // the same, IPv6
  kSsh = 8,        // listening on port 22 of every address
};

struct PassedSocket {
  SocketPurpose purpose{};
  UniqueFd fd;
};

// redoubtful → proxy, once, after the box's namespaces exist.
struct Listeners {
  std::vector<PassedSocket> sockets;
};

// proxy → redoubtful: confined, and accepting.
struct Serving {};

// redoubtful → proxy, any time after Ready: what would happen to a request (`redoubtful why`)? The
// proxy judges, resolves, vets, dials and does the TLS handshake; it sends no request and no
// credential.
struct Probe {
  std::string target;  // a host, host:port or URL, as somebody typed it
  std::string method;
};

// proxy → redoubtful.
struct ProbeResult {
  std::uint8_t reachable = 0;      // 1: allowed, and it answered
  std::vector<std::string> lines;  // what was found, step by step, for people
};

// redoubtful → proxy: the box is gone; say what happened and end.
struct Finish {};

struct RefusedHost {
  std::string target;  // "host" or "host:port"
  std::uint64_t count = 0;
  std::string remedy;  // a rule for `redoubtful allow`; empty where none would help
};

// proxy → redoubtful, last.
struct Summary {
  std::vector<RefusedHost> refused;
  std::vector<std::string> discovered;  // --network discover: the rules that this run needed
  std::vector<std::string> alarms;      // a line each
};

using Message =
    std::variant<Configure, Ready, Failed, Listeners, Serving, Probe, ProbeResult, Finish, Summary>;

// A frame and the descriptors that go with its first byte, in order; they stay owned by the
// message.
struct Encoded {
  std::string bytes;
  std::vector<int> descriptors;
};
Result<Encoded> encode(const Message& message);

// A frame's header: magic, version, type, number of descriptors, zero, length of what follows.
inline constexpr std::size_t kHeaderBytes = 12;
struct Header {
  std::uint8_t type = 0;
  std::uint8_t descriptors = 0;
  std::uint32_t length = 0;
};
// Errors: kPeerProtocol.
Result<Header> decode_header(std::string_view bytes);

// What follows a header. Takes the descriptors that arrived with it. Errors: kPeerProtocol.
Result<Message> decode(const Header& header, std::string_view body,
                       std::vector<UniqueFd> descriptors);

// Sends it whole, waiting where it must. Errors: kSystemCall.
Result<void> send(int socket, const Message& message);

// Collects frames from a socket. One for each socket, for its whole life.
class Receiver {
 public:
  explicit Receiver(int socket) : socket_(socket) {}

  // Waits for the next message. Errors: kSystemCall; kPeerProtocol, also when the other end is
  // gone.
  Result<Message> receive();

  // Takes what is there, never waits. Nothing: no whole message yet.
  Result<std::optional<Message>> poll();

 private:
  Result<std::optional<Message>> collect(int flags);

  int socket_;
  std::string bytes_;
  std::vector<UniqueFd> descriptors_;
  std::optional<Header> header_;
};

}  // namespace redoubtful::control
