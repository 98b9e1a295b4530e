#include "proxy/dns_responder.hpp"

#include <array>
#include <cstdint>

#include "proxy/limits.hpp"
#include "proxy/private_names.hpp"

namespace redoubtful::proxy {
namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kMaxNameBytes = 255;  // on the wire, RFC 1035 section 2.3.4
constexpr std::size_t kMaxLabelBytes = 63;
constexpr std::uint32_t kTtl = 60;            // seconds
constexpr std::uint16_t kOurUdpBytes = 1232;  // what we say we take; the DNS flag day 2020's

enum Type : std::uint16_t {
  kA = 1,
  kSoa = 6,
  kPtr = 12,
  kAaaa = 28,
  kOpt = 41,
  kIxfr = 251,
  kAxfr = 252,
};
constexpr std::uint16_t kClassIn = 1;

// The upper bits of an extended one go into the OPT record.
enum Rcode : std::uint16_t {
  kNoError = 0,
  kFormErr = 1,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
  kBadVers = 16,
};

// Reads from the front. Every take_ is nothing at the first byte that is not there.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }

  std::optional<std::string_view> take(std::size_t count) {
    if (count > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::optional<std::uint8_t> take_8() {
    const auto bytes = take(1);
    if (!bytes) return std::nullopt;
    return static_cast<std::uint8_t>((*bytes)[0]);
  }
  std::optional<std::uint16_t> take_16() {
    const auto bytes = take(2);
    if (!bytes) return std::nullopt;
    return static_cast<std::uint16_t>(static_cast<std::uint8_t>((*bytes)[0]) << 8 |
                                      static_cast<std::uint8_t>((*bytes)[1]));
  }
  // A name that is written out; a compression pointer is refused. Its labels, without the root's.
  std::optional<std::vector<std::string_view>> take_name() {
    std::vector<std::string_view> labels;
    std::size_t bytes = 1;
    while (true) {
      const auto length = take_8();
      if (!length || *length > kMaxLabelBytes) return std::nullopt;
      if (*length == 0) return labels;
      const auto label = take(*length);
      bytes += *length + 1u;
      if (!label || bytes > kMaxNameBytes) return std::nullopt;
      labels.push_back(*label);
    }
  }

 private:
  std::string_view rest_;
};

struct Edns {
  std::uint8_t version = 0;
  bool dnssec_ok = false;
};

struct Query {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::vector<std::string_view> labels;
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::string_view question;  // as it came; empty: it could not be read
  std::optional<Edns> edns;
};

// The question and the additional records; false where they are not what a query has.
bool read_body(Query& query, std::string_view message, std::array<std::uint16_t, 4> counts) {
  if (counts[0] != 1 || counts[1] != 0 || counts[2] != 0) return false;
  Reader reader(message);
  auto labels = reader.take_name();
  const auto type = reader.take_16();
  const auto klass = reader.take_16();
  if (!labels || !type || !klass) return false;
  std::size_t question_bytes = 1 + 2 + 2;
  for (const auto& label : *labels) question_bytes += label.size() + 1;

  std::optional<Edns> edns;
  for (unsigned i = 0; i < counts[3]; ++i) {
    const auto owner = reader.take_name();
    const auto record_type = reader.take_16();
    const auto record_class = reader.take_16();
    const auto extended = reader.take_8();
    const auto version = reader.take_8();
    const auto flags = reader.take_16();
    const auto length = reader.take_16();
    if (!owner || !record_type || !record_class || !extended || !version || !flags || !length ||
        !reader.take(*length)) {
      return false;
    }
    if (*record_type != kOpt) continue;
    if (edns || !owner->empty()) return false;  // RFC 6891, section 6.1.1
    edns = Edns{.version = *version, .dnssec_ok = (*flags & 0x8000) != 0};
  }
  if (!reader.empty()) return false;
  query.labels = *std::move(labels);
  query.type = *type;
  query.klass = *klass;
  query.question = message.substr(0, question_bytes);
  query.edns = edns;
  return true;
}

void put_16(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}
void put_32(std::string& out, std::uint32_t value) {
  put_16(out, static_cast<std::uint16_t>(value >> 16));
  put_16(out, static_cast<std::uint16_t>(value & 0xffff));
}
void put_name(std::string& out, std::string_view name) {
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    out += static_cast<char>(label.size());
    out += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  out += '\0';
}

// `data`: the one record of the question's type; empty: a negative answer.
std::string answer(const Query& query, Rcode code, std::string_view data) {
  const bool negative = data.empty() && (code == kNoError || code == kNxDomain);
  std::string out;
  out.reserve(512);
  put_16(out, query.id);
  // QR, RA; opcode, RD and CD as they came. Never AA or AD: nothing here is anybody's zone.
  put_16(out, static_cast<std::uint16_t>(0x8080 | (query.flags & 0x7910) | (code & 0xf)));
  put_16(out, query.question.empty() ? 0 : 1);
  put_16(out, data.empty() ? 0 : 1);
  put_16(out, negative ? 1 : 0);
  put_16(out, query.edns ? 1 : 0);
  out += query.question;
  if (!data.empty()) {
    put_16(out, 0xc000 | kHeaderBytes);  // the question's name
    put_16(out, query.type);
    put_16(out, kClassIn);
    put_32(out, kTtl);
    put_16(out, static_cast<std::uint16_t>(data.size()));
    out += data;
  }
  if (negative) {  // its last field is how long the "no" may be kept
    std::string soa;
    put_name(soa, kOwnName);
    put_name(soa, kOwnName);
    for (const std::uint32_t number : {1u, kTtl, kTtl, kTtl, kTtl}) put_32(soa, number);
    out += '\0';
    put_16(out, kSoa);
    put_16(out, kClassIn);
    put_32(out, kTtl);
    put_16(out, static_cast<std::uint16_t>(soa.size()));
    out += soa;
  }
  if (query.edns) {
    out += '\0';
    put_16(out, kOpt);
    put_16(out, kOurUdpBytes);
    put_16(out, static_cast<std::uint16_t>(code >> 4 << 8));  // version 0
    put_16(out, query.edns->dnssec_ok ? 0x8000 : 0);          // RFC 3225, section 3
    put_16(out, 0);
  }
  return out;
}

// A name of the grammar of hosts, or nothing. Nothing is converted here: a name outside ASCII is
// written as A-labels in the DNS.
std::optional<Host> host_of(const std::vector<std::string_view>& labels) {
  std::string text;
  for (const auto& label : labels) {
    for (const char c : label) {
      const bool plain =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
      if (!plain) return std::nullopt;
    }
    if (!text.empty()) text += '.';
    text += label;
  }
  auto host = Host::parse(text);
  if (!host || host->is_address()) return std::nullopt;
  return *std::move(host);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The address that a name below in-addr.arpa or ip6.arpa stands for. Source: RFC 1035 section 3.5,
// RFC 3596 section 2.5.
std::optional<ip::address> reversed_address(const Host& name) {
  std::string_view text = name.text();
  constexpr std::string_view k4 = ".in-addr.arpa";
  constexpr std::string_view k6 = ".ip6.arpa";
  if (text.ends_with(k4)) {
    text.remove_suffix(k4.size());
    std::string forward;
    while (true) {
      const std::size_t dot = text.rfind('.');
      forward += text.substr(dot == std::string_view::npos ? 0 : dot + 1);
      if (dot == std::string_view::npos) break;
      forward += '.';
      text = text.substr(0, dot);
    }
    boost::system::error_code error;
    const auto address = ip::make_address_v4(forward, error);
    if (error) return std::nullopt;
    return address;
  }
  if (!text.ends_with(k6)) return std::nullopt;
  text.remove_suffix(k6.size());
  ip::address_v6::bytes_type bytes{};
  if (text.size() != 4 * bytes.size() - 1) return std::nullopt;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char* four = text.data() + 4 * i;  // "l.h." of the i-th byte from behind
    const int low = hex_digit(four[0]);
    const int high = hex_digit(four[2]);
    if (low < 0 || high < 0 || four[1] != '.') return std::nullopt;
    if (i + 1 < bytes.size() && four[3] != '.') return std::nullopt;
    bytes[bytes.size() - 1 - i] = static_cast<unsigned char>(high << 4 | low);
  }
  return ip::address_v6(bytes);
}

std::string data_of(std::uint16_t type, const ip::address_v4& v4, const ip::address_v6& v6) {
  std::string data;
  if (type == kA) {
    for (const auto byte : v4.to_bytes()) data += static_cast<char>(byte);
  } else if (type == kAaaa) {
    for (const auto byte : v6.to_bytes()) data += static_cast<char>(byte);
  }
  return data;
}

DnsAnswer answer_name(const Query& query, const Host& name, SyntheticNames& names,
                      const NamedByRule& named) {
  DnsAnswer result;
  if (is_localhost(name)) {
    result.bytes =
        answer(query, kNoError,
               data_of(query.type, ip::address_v4::loopback(), ip::address_v6::loopback()));
    return result;
  }
  if (const auto address = reversed_address(name)) {
    const auto owner = names.name(*address);
    std::string data;
    if (owner && query.type == kPtr) put_name(data, owner->text());
    result.bytes = answer(query, owner ? kNoError : kNxDomain, data);
    return result;
  }
  if (is_special_use(name) && name.text() != kOwnName && !(named && named(name))) {
    result.bytes = answer(query, kNxDomain, {});
    return result;
  }
  if (query.type != kA && query.type != kAaaa) {
    result.bytes = answer(query, kNoError, {});
    return result;
  }
  const auto addresses = names.addresses(name);
  if (!addresses) {
    result.limited = true;
    result.bytes = answer(query, kNxDomain, {});
    return result;
  }
  result.name = name;
  result.fresh = addresses->fresh;
  result.bytes = answer(query, kNoError, data_of(query.type, addresses->v4, addresses->v6));
  return result;
}

}  // namespace

std::optional<DnsAnswer> answer_dns(std::string_view message, SyntheticNames& names,
                                    const NamedByRule& named) {
  if (message.size() < kHeaderBytes || message.size() > limits::kDnsMessageBytes) {
    return std::nullopt;
  }
  Reader header(message.substr(0, kHeaderBytes));
  Query query;
  query.id = *header.take_16();
  query.flags = *header.take_16();
  std::array<std::uint16_t, 4> counts{};
  for (auto& count : counts) count = *header.take_16();
  if ((query.flags & 0x8000) != 0) return std::nullopt;

  const auto plain = [&](Rcode code) {
    return DnsAnswer{.bytes = answer(query, code, {}), .name = {}};
  };
  if ((query.flags & 0x7800) != 0) return plain(kNotImp);
  if (!read_body(query, message.substr(kHeaderBytes), counts)) return plain(kFormErr);
  if (query.edns && query.edns->version != 0) return plain(kBadVers);
  if (query.klass != kClassIn || query.type == kAxfr || query.type == kIxfr) {
    return plain(kRefused);
  }
  if (query.type == kOpt) return plain(kFormErr);
  if (query.labels.empty()) return plain(kNoError);  // the root is there
  const auto host = host_of(query.labels);
  if (!host) return plain(kNxDomain);
  return answer_name(query, *host, names, named);
}

}  // namespace redoubtful::proxy
