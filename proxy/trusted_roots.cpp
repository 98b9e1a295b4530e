#include "proxy/trusted_roots.hpp"

#include <openssl/asn1.h>

#include <optional>

namespace redoubtful::proxy {
namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
constexpr int kMaxChain = 8;  // issuers of issuers within one file

using DecodePtr = OpensslPtr<EVP_ENCODE_CTX, EVP_ENCODE_CTX_free>;

std::optional<std::string> decode_base64(std::string_view text) {
  const DecodePtr context(EVP_ENCODE_CTX_new());
  std::string out(text.size(), '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  int length = 0;
  int last = 0;
  if (!context) return std::nullopt;
  EVP_DecodeInit(context.get());
  if (EVP_DecodeUpdate(context.get(), bytes, &length,
                       reinterpret_cast<const unsigned char*>(text.data()),
                       static_cast<int>(text.size())) < 0 ||
      EVP_DecodeFinal(context.get(), bytes + length, &last) != 1) {
    return std::nullopt;
  }
  out.resize(static_cast<std::size_t>(length + last));
  return out;
}

// A cursor over DER. Source: RFC 5280, section 4.1.
class Der {
 public:
  explicit Der(const std::string& der)
      : at_(reinterpret_cast<const unsigned char*>(der.data())), end_(at_ + der.size()) {}

  bool enter() { return header() && constructed_; }
  bool skip() {
    if (!header()) return false;
    at_ += length_;
    return true;
  }
  bool next_is_context_specific() const { return at_ < end_ && (*at_ & 0xC0U) == 0x80U; }
  NamePtr name() { return NamePtr(d2i_X509_NAME(nullptr, &at_, end_ - at_)); }

 private:
  bool header() {
    int tag = 0;
    int tag_class = 0;
    const int result = ASN1_get_object(&at_, &length_, &tag, &tag_class, end_ - at_);
    constructed_ = (result & V_ASN1_CONSTRUCTED) != 0;
    // 0x80: malformed; 0x01: indefinite length, which DER does not have.
    return (result & 0x81) == 0 && length_ <= end_ - at_;
  }

  const unsigned char* at_;
  const unsigned char* end_;
  long length_ = 0;
  bool constructed_ = false;
};

NamePtr subject_of(const std::string& der) {
  Der cursor(der);
  if (!cursor.enter() || !cursor.enter()) return nullptr;  // Certificate, TBSCertificate
  if (cursor.next_is_context_specific() && !cursor.skip()) return nullptr;  // version
  for (int field = 0; field < 4; ++field) {  // serial, algorithm, issuer, validity
    if (!cursor.skip()) return nullptr;
  }
  return cursor.name();
}

}  // namespace

TrustedRoots::TrustedRoots(std::string_view pem) {
  for (;;) {
    const std::size_t begin = pem.find(kBegin);
    if (begin == std::string_view::npos) break;
    pem.remove_prefix(begin + kBegin.size());
    const std::size_t end = pem.find(kEnd);
    if (end == std::string_view::npos) break;
    if (auto der = decode_base64(pem.substr(0, end))) {
      if (NamePtr subject = subject_of(*der)) {
        entries_.push_back({std::move(subject), std::move(*der)});
      }
    }
    pem.remove_prefix(end + kEnd.size());
  }
  ERR_clear_error();
}

void TrustedRoots::add_to(X509_STORE* store, const X509_NAME* subject) const {
  std::vector<NamePtr> wanted;
  wanted.emplace_back(X509_NAME_dup(subject));
  for (std::size_t i = 0; i < wanted.size() && i < kMaxChain; ++i) {
    for (const Entry& entry : entries_) {
      if (!wanted[i] || X509_NAME_cmp(entry.subject.get(), wanted[i].get()) != 0) continue;
      const auto* bytes = reinterpret_cast<const unsigned char*>(entry.der.data());
      const CertificatePtr certificate(
          d2i_X509(nullptr, &bytes, static_cast<long>(entry.der.size())));
      if (!certificate) continue;
      X509_STORE_add_cert(store, certificate.get());  // one that is there already is left
      const X509_NAME* issuer = X509_get_issuer_name(certificate.get());
      if (X509_NAME_cmp(issuer, entry.subject.get()) != 0) {
        wanted.emplace_back(X509_NAME_dup(issuer));
      }
    }
  }
  ERR_clear_error();
}

}  // namespace redoubtful::proxy
