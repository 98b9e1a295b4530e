#include "common/control_channel.hpp"

#include <utility>

namespace redoubtful::control {
namespace {

constexpr std::string_view kMagic = "RDBT";

enum class Type : std::uint8_t {
  kConfigure = 1,
  kReady,
  kFailed,
  kListeners,
  kServing,
  kProbe,
  kProbeResult,
  kFinish,
  kSummary,
};

Error broken(const std::string& what) {
  return Error(Errc::kPeerProtocol, "the control channel: " + what);
}

// Lays fields down one after the other. All numbers are little endian.
class Writer {
 public:
  void number(std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) {
      out_ += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
    }
  }
  void text(std::string_view value) {
    number(value.size(), 4);
    out_ += value;
  }
  template <class T, class Put>
  void list(const std::vector<T>& items, Put put) {
    number(items.size(), 4);
    for (const auto& item : items) put(item);
  }
  void texts(const std::vector<std::string>& items) {
    list(items, [this](const std::string& item) { text(item); });
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Reads them back. After the first thing that is wrong everything reads as empty, and `fine()` says
// so.
class Reader {
 public:
  Reader(std::string_view rest, std::vector<UniqueFd> descriptors)
      : rest_(rest), descriptors_(std::move(descriptors)) {}

  std::uint64_t number(std::size_t bytes) {
    if (rest_.size() < bytes) return fail();
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
    }
    rest_.remove_prefix(bytes);
    return value;
  }
  std::string text() {
    const std::uint64_t size = number(4);
    if (size > rest_.size()) fail();
    if (!fine_) return {};
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return value;
  }
  template <class T, class Get>
  std::vector<T> list(Get get) {
    std::vector<T> items;
    const std::uint64_t count = number(4);
    if (count > kMaxItems) fail();
    for (std::uint64_t i = 0; fine_ && i < count; ++i) items.push_back(get());
    return items;
  }
  std::vector<std::string> texts() {
    return list<std::string>([this] { return text(); });
  }
  UniqueFd descriptor() {
    if (taken_ == descriptors_.size()) {
      fail();
      return {};
    }
    return std::move(descriptors_[taken_++]);
  }
  std::size_t descriptors_left() const { return descriptors_.size() - taken_; }
  std::uint64_t fail() {
    fine_ = false;
    return 0;
  }
  bool whole() const { return fine_ && rest_.empty() && taken_ == descriptors_.size(); }

 private:
  std::string_view rest_;
  std::vector<UniqueFd> descriptors_;
  std::size_t taken_ = 0;
  bool fine_ = true;
};

struct Put {
  Writer& out;
  std::vector<int>& descriptors;

  Type operator()(const Configure& m) const {
    out.text(m.session);
    out.text(m.profile);
    out.list(m.environment, [this](const NamedValue& value) {
      out.text(value.name);
      out.text(value.value);
    });
    out.texts(m.commands);
    if (m.audit) descriptors.push_back(m.audit.get());
    return Type::kConfigure;
  }
  Type operator()(const Ready& m) const {
    out.text(m.ca_certificate);
    out.list(m.surrogates, [this](const Surrogate& surrogate) {
      out.text(surrogate.credential);
      out.texts(surrogate.variables);
      out.text(surrogate.value);
    });
    out.list(m.files, [this](const ExposedFile& file) {
      out.text(file.path);
      out.text(file.text);
    });
    out.texts(m.notes);
    return Type::kReady;
  }
  Type operator()(const Failed& m) const {
    out.number(static_cast<std::uint64_t>(m.code), 1);
    out.text(m.what);
    out.text(m.hint);
    return Type::kFailed;
  }
  Type operator()(const Listeners& m) const {
    out.list(m.sockets, [this](const PassedSocket& socket) {
      out.number(static_cast<std::uint64_t>(socket.purpose), 1);
      descriptors.push_back(socket.fd.get());
    });
    return Type::kListeners;
  }
  Type operator()(const Serving&) const { return Type::kServing; }
  Type operator()(const Probe& m) const {
    out.text(m.target);
    out.text(m.method);
    return Type::kProbe;
  }
  Type operator()(const ProbeResult& m) const {
    out.number(m.reachable, 1);
    out.texts(m.lines);
    return Type::kProbeResult;
  }
  Type operator()(const Finish&) const { return Type::kFinish; }
  Type operator()(const Summary& m) const {
    out.list(m.refused, [this](const RefusedHost& host) {
      out.text(host.target);
      out.number(host.count, 8);
      out.text(host.remedy);
    });
    out.texts(m.discovered);
    out.texts(m.alarms);
    return Type::kSummary;
  }
};

Errc known_code(std::uint64_t number, Reader& in) {
  if (number > static_cast<std::uint64_t>(Errc::kPeerProtocol)) in.fail();
  return static_cast<Errc>(number);
}

SocketPurpose known_purpose(std::uint64_t number, Reader& in) {
  if (number < static_cast<std::uint64_t>(SocketPurpose::kDnsUdp) ||
      number > static_cast<std::uint64_t>(SocketPurpose::kSsh)) {
    in.fail();
  }
  return static_cast<SocketPurpose>(number);
}

Configure get_configure(Reader& in) {
  Configure m;
  m.session = in.text();
  m.profile = in.text();
  m.environment = in.list<NamedValue>([&in] {
    NamedValue value;
    value.name = in.text();
    value.value = in.text();
    return value;
  });
  m.commands = in.texts();
  if (in.descriptors_left() > 0) m.audit = in.descriptor();
  return m;
}

Ready get_ready(Reader& in) {
  Ready m;
  m.ca_certificate = in.text();
  m.surrogates = in.list<Surrogate>([&in] {
    Surrogate surrogate;
    surrogate.credential = in.text();
    surrogate.variables = in.texts();
    surrogate.value = in.text();
    return surrogate;
  });
  m.files = in.list<ExposedFile>([&in] {
    ExposedFile file;
    file.path = in.text();
    file.text = in.text();
    return file;
  });
  m.notes = in.texts();
  return m;
}

Failed get_failed(Reader& in) {
  Failed m;
  m.code = known_code(in.number(1), in);
  m.what = in.text();
  m.hint = in.text();
  return m;
}

Listeners get_listeners(Reader& in) {
  Listeners m;
  m.sockets = in.list<PassedSocket>([&in] {
    PassedSocket socket;
    socket.purpose = known_purpose(in.number(1), in);
    socket.fd = in.descriptor();
    return socket;
  });
  return m;
}

Probe get_probe(Reader& in) {
  Probe m;
  m.target = in.text();
  m.method = in.text();
  return m;
}

ProbeResult get_probe_result(Reader& in) {
  ProbeResult m;
  m.reachable = static_cast<std::uint8_t>(in.number(1));
  m.lines = in.texts();
  return m;
}

Summary get_summary(Reader& in) {
  Summary m;
  m.refused = in.list<RefusedHost>([&in] {
    RefusedHost host;
    host.target = in.text();
    host.count = in.number(8);
    host.remedy = in.text();
    return host;
  });
  m.discovered = in.texts();
  m.alarms = in.texts();
  return m;
}

Result<Message> get(Type type, Reader& in) {
  switch (type) {
    case Type::kConfigure:
      return get_configure(in);
    case Type::kReady:
      return get_ready(in);
    case Type::kFailed:
      return get_failed(in);
    case Type::kListeners:
      return get_listeners(in);
    case Type::kServing:
      return Serving{};
    case Type::kProbe:
      return get_probe(in);
    case Type::kProbeResult:
      return get_probe_result(in);
    case Type::kFinish:
      return Finish{};
    case Type::kSummary:
      return get_summary(in);
  }
  return broken("a message of a type that does not exist");
}

}  // namespace

Result<Encoded> encode(const Message& message) {
  Writer body;
  Encoded out;
  const Type type = std::visit(Put{body, out.descriptors}, message);
  const std::string bytes = body.take();
  if (bytes.size() > kMaxFrameBytes) return broken("a message is too long");
  if (out.descriptors.size() > kMaxDescriptors) return broken("too many descriptors");
  Writer frame;
  frame.number(static_cast<std::uint64_t>(type), 1);
  frame.number(out.descriptors.size(), 1);
  frame.number(kVersion, 2);
  frame.number(bytes.size(), 4);
  out.bytes = std::string(kMagic) + frame.take() + bytes;
  return out;
}

Result<Header> decode_header(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || bytes.substr(0, 4) != kMagic) return broken("not a message");
  Reader in(bytes.substr(4, kHeaderBytes - 4), {});
  Header header;
  header.type = static_cast<std::uint8_t>(in.number(1));
  header.descriptors = static_cast<std::uint8_t>(in.number(1));
  const std::uint64_t version = in.number(2);
  header.length = static_cast<std::uint32_t>(in.number(4));
  if (version != kVersion) {
    return broken("the two programs are of different versions (" + std::to_string(version) +
                  " and " + std::to_string(kVersion) + ")")
        .hint("install redoubtful again: redoubtful and redoubtful-proxy belong together");
  }
  if (header.type < static_cast<std::uint8_t>(Type::kConfigure) ||
      header.type > static_cast<std::uint8_t>(Type::kSummary)) {
    return broken("a message of a type that does not exist");
  }
  if (header.length > kMaxFrameBytes || header.descriptors > kMaxDescriptors) {
    return broken("a message is too long");
  }
  return header;
}

Result<Message> decode(const Header& header, std::string_view body,
                       std::vector<UniqueFd> descriptors) {
  if (body.size() != header.length || descriptors.size() != header.descriptors) {
    return broken("a message is not whole");
  }
  Reader in(body, std::move(descriptors));
  auto message = get(static_cast<Type>(header.type), in);
  if (message && !in.whole()) return broken("a message is malformed");
  return message;
}

}  // namespace redoubtful::control
