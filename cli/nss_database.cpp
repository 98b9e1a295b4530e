#include "cli/nss_database.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "cli/trust_files.hpp"

namespace redoubtful::cli {
namespace {

// ---- What NSS wants to know of a certificate, each as DER ----

struct Parts {
  std::string_view serial;
  std::string_view issuer;
  std::string_view subject;
};

struct Element {
  std::string_view whole;    // with its tag and length
  std::string_view content;  // without
};

// Takes one element off the front. Nothing: there is no whole one.
std::optional<Element> take(std::string_view& der) {
  constexpr std::size_t kMostLengthBytes = 3;
  if (der.size() < 2) return std::nullopt;
  std::size_t head = 2;
  std::size_t length = static_cast<unsigned char>(der[1]);
  if (length >= 0x80) {
    const std::size_t count = length & 0x7FU;
    if (count == 0 || count > kMostLengthBytes || der.size() < head + count) return std::nullopt;
    length = 0;
    for (; head < 2 + count; ++head) {
      length = length << 8U | static_cast<unsigned char>(der[head]);
    }
  }
  if (der.size() - head < length) return std::nullopt;
  const Element out{der.substr(0, head + length), der.substr(head, length)};
  der.remove_prefix(head + length);
  return out;
}

std::optional<Parts> parts_of(std::string_view certificate) {
  constexpr char kVersionTag = '\xA0';
  const auto outer = take(certificate);
  if (!outer) return std::nullopt;
  std::string_view inner = outer->content;
  const auto signed_part = take(inner);
  if (!signed_part) return std::nullopt;
  std::string_view fields = signed_part->content;
  if (fields.starts_with(kVersionTag) && !take(fields)) return std::nullopt;
  const auto serial = take(fields);
  const auto algorithm = take(fields);
  const auto issuer = take(fields);
  const auto validity = take(fields);
  const auto subject = take(fields);
  if (!serial || !algorithm || !issuer || !validity || !subject) return std::nullopt;
  return Parts{serial->whole, issuer->whole, subject->whole};
}

// ---- SQLite's file format, as far as a table of two rows and its index need it ----

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kHeaderBytes = 100;

template <std::size_t N>
std::string number(std::uint64_t value) {
  std::string out(N, '\0');
  for (std::size_t i = 0; i < N; ++i) out[N - 1 - i] = static_cast<char>(value >> (8 * i) & 0xFFU);
  return out;
}

// Big-endian, seven bits a byte, the last one without the high bit; up to 21 bits.
std::string varint(std::size_t value) {
  std::string out(1, static_cast<char>(value & 0x7FU));
  while ((value >>= 7U) != 0) out.insert(out.begin(), static_cast<char>(0x80U | (value & 0x7FU)));
  return out;
}

struct Value {
  std::size_t type;  // SQLite's serial type
  std::string bytes;
};
Value nothing() { return {0, {}}; }
Value integer(std::uint8_t value) { return {1, number<1>(value)}; }
Value text(std::string_view value) { return {2 * value.size() + 13, std::string(value)}; }
Value blob(std::string_view value) { return {2 * value.size() + 12, std::string(value)}; }

std::string record(const std::vector<Value>& values) {
  std::string types;
  std::string bytes;
  for (const auto& value : values) {
    types += varint(value.type);
    bytes += value.bytes;
  }
  // The head's length counts itself: one byte of it, as long as there are few columns.
  return varint(types.size() + 1) + types + bytes;
}

enum class PageKind : char { kIndexLeaf = 0x0A, kTableLeaf = 0x0D };

// A page with these cells, the first `taken` bytes left for what stands before. Nothing: no room.
std::optional<std::string> leaf(PageKind kind, const std::vector<std::string>& cells,
                                std::size_t taken) {
  std::string page(kPageBytes, '\0');
  std::string pointers;
  std::size_t end = kPageBytes;
  for (const auto& cell : cells) {
    if (cell.size() + taken + 8 + 2 * cells.size() > end) return std::nullopt;
    end -= cell.size();
    page.replace(end, cell.size(), cell);
    pointers += number<2>(end);
  }
  const std::string head = std::string(1, static_cast<char>(kind)) + number<2>(0) +
                           number<2>(cells.size()) + number<2>(end) + number<1>(0) + pointers;
  page.replace(taken, head.size(), head);
  return page;
}

std::string table_cell(std::uint8_t row, const std::string& payload) {
  return varint(payload.size()) + varint(row) + payload;
}
std::string index_cell(const std::string& payload) { return varint(payload.size()) + payload; }

std::string file_header(std::uint32_t pages) {
  constexpr std::uint32_t kVersion = 3'040'000;  // of the library whose format this is
  std::string out("SQLite format 3\0", 16);
  out += number<2>(kPageBytes);
  out += std::string("\1\1\0\x40\x20\x20", 6);  // rollback journal; fractions, as they must be
  out += number<4>(1) + number<4>(pages);       // changes; size
  out += number<4>(0) + number<4>(0);           // free pages
  out += number<4>(1) + number<4>(4);           // version of the schema; format of the schema
  out += number<4>(0) + number<4>(0);
  out += number<4>(1);  // UTF-8
  out.resize(kHeaderBytes - 8, '\0');
  return out + number<4>(1) + number<4>(kVersion);
}

// ---- The two objects: the certificate, and what it is trusted for ----

// PKCS#11's numbers, and NSS's own.
std::string word(std::uint32_t value) { return number<4>(value); }
constexpr std::uint32_t kCertificateClass = 1;           // CKO_CERTIFICATE
constexpr std::uint32_t kTrustClass = 0xCE534353;        // CKO_NSS_TRUST
constexpr std::uint32_t kTrustedDelegator = 0xCE534352;  // CKT_NSS_TRUSTED_DELEGATOR: an authority
constexpr std::uint32_t kTrustUnknown = 0xCE534355;      // CKT_NSS_TRUST_UNKNOWN

// Columns are attributes, by number: class, token, private, label, value, certificate type,
// issuer, serial, subject, modifiable; trust for servers, clients, code, mail; step-up; SHA-1.
constexpr std::string_view kTable =
    "CREATE TABLE nssPublic (id PRIMARY KEY UNIQUE ON CONFLICT ABORT, a0, a1, a2, a3, a11, a80, "
    "a81, a82, a101, a170, ace536358, ace536359, ace53635a, ace53635b, ace536360, ace5363b4)";

const std::string kTrue(1, '\1');
const std::string kFalse(1, '\0');

std::string certificate_row(std::string_view certificate, const Parts& parts) {
  return record({integer(1), blob(word(kCertificateClass)), blob(kTrue), blob(kFalse),
                 blob("redoubtful"), blob(certificate), blob(word(0)), blob(parts.issuer),
                 blob(parts.serial), blob(parts.subject), blob(kTrue), nothing(), nothing(),
                 nothing(), nothing(), nothing(), nothing()});
}

std::string trust_row(std::string_view certificate, const Parts& parts) {
  return record({integer(2), blob(word(kTrustClass)), blob(kTrue), blob(kFalse), nothing(),
                 nothing(), nothing(), blob(parts.issuer), blob(parts.serial), nothing(),
                 blob(kTrue), blob(word(kTrustedDelegator)), blob(word(kTrustUnknown)),
                 blob(word(kTrustUnknown)), blob(word(kTrustUnknown)), blob(kFalse),
                 blob(sha1(certificate))});
}

}  // namespace

std::string nss_database(std::string_view certificate) {
  const auto parts = parts_of(certificate);
  if (!parts) return {};
  const auto schema =
      leaf(PageKind::kTableLeaf,
           {table_cell(1, record({text("table"), text("nssPublic"), text("nssPublic"), integer(2),
                                  text(kTable)})),
            table_cell(2, record({text("index"), text("sqlite_autoindex_nssPublic_1"),
                                  text("nssPublic"), integer(3), nothing()}))},
           kHeaderBytes);
  const auto table = leaf(PageKind::kTableLeaf,
                          {table_cell(1, certificate_row(certificate, *parts)),
                           table_cell(2, trust_row(certificate, *parts))},
                          0);
  const auto index = leaf(
      PageKind::kIndexLeaf,
      {index_cell(record({integer(1), integer(1)})), index_cell(record({integer(2), integer(2)}))},
      0);
  if (!schema || !table || !index) return {};
  std::string out = *schema + *table + *index;
  return out.replace(0, kHeaderBytes, file_header(3));
}

}  // namespace redoubtful::cli
