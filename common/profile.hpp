#pragma once

// What the user wants, after every layer has been merged: the one value that the mount plan, the
// environment, the policy and `show` are computed from.
//
// A Profile is data: it has been checked for form (keys, types, host grammar, path syntax) but not
// against this machine; whether a mount exists is the mount plan's business. Every value carries
// the place it came from, because every refusal names it.
//
// Lifetime: plain values, no references into the documents they came from.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/credential_places.hpp"
#include "common/host.hpp"
#include "common/oauth_grant.hpp"

namespace redoubtful {

// Where a value was written.
struct Origin {
  std::string file;    // a path, "command line" or "built in"
  int line = 0;        // from 1; 0 when the place has no lines (command line)
  int column = 0;      // from 1
  std::string option;  // for the command line: the option as written, e.g. "-m ~/x:rw"

  // "~/x.yaml:3:5", or "command line (-m ~/x:rw)".
  std::string text() const;
};

template <class T>
struct Sourced {
  T value{};
  Origin origin;
};

enum class HomeMode { kTmpfs, kPersistent };
enum class MountMode { kReadOnly, kReadWrite };
enum class NetworkMode { kNone, kFiltered, kDiscover, kDangerouslyOpen };

struct MountRequest {
  std::string path;  // absolute, or "~/..."; as the layer wrote it (flags: made absolute)
  std::string to;    // absolute, or "~/..."; empty: the same as path
  MountMode mode = MountMode::kReadOnly;
  bool create = false;    // make an empty directory at `path` on the host first
  bool optional = false;  // absent: skipped without an error
  Origin origin;
};

// A program's own settings file in the private home, put in order before each run: what is listed
// of the user's file, and what is set. Everything else in it is gone at the next run.
struct SettingsFile {
  std::string file;  // "~/...", of the private home
  std::string from;  // the user's file: "~/..." or absolute; empty: the same as file
  // JSON pointers; of TOML and YAML, names of single values. Of both files; of the user's alone.
  std::vector<std::string> keep;
  std::vector<std::string> copy;
  std::string fallback;  // a JSON object: what holds where nothing was kept; or empty
  std::string set;       // a JSON object, merged over it; or empty
  Origin origin;
};

struct FilesystemProfile {
  Sourced<HomeMode> home{HomeMode::kTmpfs, {}};
  Sourced<MountMode> cwd{MountMode::kReadWrite, {}};
  std::vector<MountRequest> mounts;
  std::vector<Sourced<std::string>> path;     // directories put first in PATH, in order
  std::vector<Sourced<std::string>> hide;     // globs relative to each mount
  std::vector<Sourced<std::string>> protect;  // added guarded paths; "!x" takes one off
  std::vector<SettingsFile> settings;         // each file once
};

struct EnvironmentVariable {
  std::string name;
  std::string value;
  Origin origin;
};

struct EnvironmentProfile {
  std::vector<Sourced<std::string>> pass;  // names, or a prefix followed by '*'
  std::vector<EnvironmentVariable> set;    // later ones win
};

enum class Transport { kTcp, kUdp };

// One forwarded or published port: `host` on the host's loopback, `inside` on the box's.
struct PortForward {
  Transport transport = Transport::kTcp;
  std::uint16_t host = 0;
  std::uint16_t inside = 0;
  Origin origin;
};

// Where connections to `host` go instead of to what its name resolves to.
struct OriginOverride {
  Host host;
  std::string address;  // "127.0.0.1:8443", "[::1]:8443" or without a port; empty: not overridden
  std::string ca;       // a PEM file whose certificates are trusted for this host; empty: none
  std::string via;  // "https://gateway[:port][/prefix]": TLS name, Host and path follow; or empty
  Origin origin;
};

struct NetworkProfile {
  Sourced<NetworkMode> mode{NetworkMode::kFiltered, {}};
  std::vector<Sourced<HostRule>> allow;
  std::vector<Sourced<HostRule>> deny;
  std::vector<Sourced<HostRule>> ask;
  std::vector<PortForward> forward;
  std::vector<PortForward> publish;
  std::vector<OriginOverride> origins;   // each host once
  std::vector<Sourced<std::string>> ca;  // PEM files added to the system's roots
  // "http://host:port"; absent: the host's own HTTPS_PROXY / NO_PROXY; an empty text: none at all
  std::optional<Sourced<std::string>> proxy;
};

// A place in a request where a surrogate becomes the real value.
enum class SurfaceKind {
  kHeader,       // the fields that are known to carry credentials; Basic is decoded
  kNamedHeader,  // one more field
  kQuery,        // a parameter of the query
  kCookie,
  kBody,       // a field of a JSON, form or multipart body
  kWebSocket,  // text frames to the origin
};
// "header", "named-header", "query", "cookie", "body", "websocket".
std::string_view surface_word(SurfaceKind kind) noexcept;
struct Surface {
  SurfaceKind kind = SurfaceKind::kHeader;
  std::string name;    // of the field, parameter or cookie; a field of JSON may be a pointer, /a/b
  std::string method;  // empty: any
  std::string path;    // a glob as in rules; empty: any

  std::string text() const;  // "header", "query:key /v1/**": for people
};

// A header field that is set whatever the client sent.
struct Attachment {
  std::string header;
  std::string value;  // "{}" in it stands for the real value
};

// How a credential gets into a request.
enum class CredentialType {
  kValue,  // one value, written where its surrogate stood
  kAws,    // a pair of keys: what was signed with the surrogate's is signed anew
  kOauth,  // a login that ends and is renewed: its access token, written as a value is
};
// "value", "aws", "oauth".
std::string_view type_name(CredentialType type) noexcept;

// A secret that stays outside, and the surrogate that stands for it inside.
struct CredentialProfile {
  std::string name;                     // the key in `credentials`, or the variable of -s
  std::string source;                   // "env:NAME" ...: where the value is, never the value
  std::vector<std::string> command{};   // `source: {command: [...]}`; `source` is then "command:"
  CredentialPlaces hosts;               // where it may be sent, and nowhere else
  std::vector<std::string> expose_env;  // variables that hold the surrogate inside
  std::vector<std::string> expose_file{};  // files of the home that hold it inside, "~/..."
  std::vector<Surface> replace_in{};       // empty: kHeader
  std::optional<Attachment> attach{};
  bool exclusive = false;  // nothing goes to its hosts without it, or with another's
  bool optional = false;   // an absent source is no error
  CredentialType type = CredentialType::kValue;
  // kAws: what may be signed for (proxy/aws_services.hpp); never empty. `expose_env` then holds the
  // variables of key id, secret and session token, in this order.
  std::vector<std::string> services{};
  std::optional<OauthGrant> refresh{};  // kOauth, and only there
  Origin origin;
};

struct Limits {
  std::optional<Sourced<std::uint64_t>> memory_bytes;
  std::optional<Sourced<std::uint64_t>> processes;
  std::optional<Sourced<std::chrono::seconds>> time;
};

struct AuditProfile {
  Sourced<bool> syslog{false, {}};  // every line of the audit log goes to the host's log as well
};

// A document that took part, in the order in which it was applied.
struct AppliedLayer {
  std::string name;  // "base", "claude", "command line" ...
  std::string file;
};

struct Profile {
  std::string description;
  std::vector<Sourced<std::string>> commands;
  std::vector<Sourced<std::string>> arguments;  // inserted after the command, before the user's own
  Sourced<bool> nested{false, {}};
  Sourced<bool> look_at_project{false, {}};  // forges and toolchains that it names are allowed
  FilesystemProfile filesystem;
  EnvironmentProfile environment;
  NetworkProfile network;
  std::vector<CredentialProfile> credentials;
  AuditProfile audit;
  Limits limits;
  std::vector<AppliedLayer> layers;
};

}  // namespace redoubtful
