#include "proxy/certificate_authority.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <ctime>
#include <list>
#include <unordered_map>

namespace redoubtful::proxy {
namespace {

constexpr std::time_t kHour = 60 * 60;
constexpr std::time_t kBackDated = kHour;  // a container's clock may be behind
constexpr std::size_t kLeaves = 1024;      // some 4 KiB each
constexpr long kVersion3 = 2;              // X.509 counts from 0

// One failed call makes a certificate useless, and none of them fails alone in practice: the first
// is remembered and reported by whoever asked for the certificate.
class CertificateBuilder {
 public:
  CertificateBuilder() : certificate_(X509_new()), ok_(certificate_ != nullptr) {}

  X509* get() const noexcept { return certificate_.get(); }
  void check(int result) noexcept { ok_ = ok_ && result == 1; }

  void serial() {
    std::array<unsigned char, 16> bytes{};
    check(RAND_bytes(bytes.data(), bytes.size()));
    bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7FU) | 0x40U);  // positive, never short
    const BignumPtr number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
    check(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(get())) ? 1 : 0);
  }

  void valid_from(std::time_t now) {
    check(ASN1_TIME_set(X509_getm_notBefore(get()), now - kBackDated) != nullptr ? 1 : 0);
  }
  void valid_until(std::time_t end) {
    check(ASN1_TIME_set(X509_getm_notAfter(get()), end) != nullptr ? 1 : 0);
  }

  void subject(const std::string& common_name) {
    const NamePtr name(X509_NAME_new());
    check(X509_NAME_add_entry_by_NID(
        name.get(), NID_commonName, MBSTRING_UTF8,
        reinterpret_cast<const unsigned char*>(common_name.data()),  // OpenSSL's bytes
        static_cast<int>(common_name.size()), -1, 0));
    check(X509_set_subject_name(get(), name.get()));
  }

  enum class Weight { kOrdinary = 0, kCritical = 1 };
  void extension(int nid, void* value, Weight weight) {
    check(value != nullptr ? 1 : 0);
    if (ok_) {
      check(X509_add1_ext_i2d(get(), nid, value, static_cast<int>(weight), X509V3_ADD_APPEND));
    }
  }

  void key_usage(std::initializer_list<int> bits) {
    const BitStringPtr usage(ASN1_BIT_STRING_new());
    for (const int bit : bits) check(ASN1_BIT_STRING_set_bit(usage.get(), bit, 1));
    extension(NID_key_usage, usage.get(), Weight::kCritical);
  }

  void basic_constraints(BASIC_CONSTRAINTS* constraints) {
    extension(NID_basic_constraints, constraints, Weight::kCritical);
  }

  CertificatePtr sign(EVP_PKEY* key) {
    if (!ok_ || X509_sign(get(), key, EVP_sha256()) == 0) return nullptr;
    return std::move(certificate_);
  }

 private:
  CertificatePtr certificate_;
  bool ok_;
};

// RFC 5280, section 4.2.1.2, method 1: SHA-1 of the public key's bits. An identifier, not a
// protection.
OctetStringPtr key_id(X509* certificate) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  unsigned length = 0;
  OctetStringPtr id(ASN1_OCTET_STRING_new());
  if (!id || X509_pubkey_digest(certificate, EVP_sha1(), digest.data(), &length) != 1 ||
      ASN1_OCTET_STRING_set(id.get(), digest.data(), static_cast<int>(length)) != 1) {
    return nullptr;
  }
  return id;
}

AuthorityKeyIdPtr authority_key_id(const ASN1_OCTET_STRING* id) {
  AuthorityKeyIdPtr authority(AUTHORITY_KEYID_new());
  if (authority) authority->keyid = ASN1_OCTET_STRING_dup(id);
  return authority && authority->keyid != nullptr ? std::move(authority) : nullptr;
}

GeneralNamesPtr alternative_name(const Host& host) {
  GeneralNamesPtr names(GENERAL_NAMES_new());
  GeneralNamePtr name(GENERAL_NAME_new());
  if (!names || !name) return nullptr;
  if (host.is_address()) {
    OctetStringPtr address(a2i_IPADDRESS(host.text().c_str()));
    if (!address) return nullptr;
    GENERAL_NAME_set0_value(name.get(), GEN_IPADD, address.release());
  } else {
    Ia5StringPtr text(ASN1_IA5STRING_new());
    if (!text || ASN1_STRING_set(text.get(), host.text().data(),
                                 static_cast<int>(host.text().size())) != 1) {
      return nullptr;
    }
    GENERAL_NAME_set0_value(name.get(), GEN_DNS, text.release());
  }
  if (sk_GENERAL_NAME_push(names.get(), name.get()) == 0) return nullptr;
  static_cast<void>(name.release());  // the stack's now
  return names;
}

KeyUsesPtr server_authentication() {
  KeyUsesPtr uses(EXTENDED_KEY_USAGE_new());
  // Of the table of built-in objects: never freed.
  if (!uses || sk_ASN1_OBJECT_push(uses.get(), OBJ_nid2obj(NID_server_auth)) == 0) return nullptr;
  return uses;
}

CertificatePtr make_authority(EVP_PKEY* key, const std::string& name, std::time_t now,
                              std::chrono::hours life) {
  CertificateBuilder builder;
  if (builder.get() == nullptr) return nullptr;
  builder.check(X509_set_version(builder.get(), kVersion3));
  builder.serial();
  builder.valid_from(now);
  builder.valid_until(now + life.count() * kHour);
  builder.subject(name);
  builder.check(X509_set_issuer_name(builder.get(), X509_get_subject_name(builder.get())));
  builder.check(X509_set_pubkey(builder.get(), key));
  const BasicConstraintsPtr constraints(BASIC_CONSTRAINTS_new());
  const IntegerPtr depth(ASN1_INTEGER_new());
  if (!constraints || !depth || ASN1_INTEGER_set(depth.get(), 0) != 1) return nullptr;
  constraints->ca = 0xFF;  // written as it is, and DER knows no other true: Go refuses 0x01
  constraints->pathlen = ASN1_INTEGER_dup(depth.get());
  builder.basic_constraints(constraints.get());
  builder.key_usage({5, 6});  // keyCertSign, cRLSign: RFC 5280, section 4.2.1.3
  const OctetStringPtr id = key_id(builder.get());
  builder.extension(NID_subject_key_identifier, id.get(), CertificateBuilder::Weight::kOrdinary);
  return builder.sign(key);
}

CertificatePtr make_leaf(X509* authority, EVP_PKEY* authority_key, EVP_PKEY* leaf_key,
                         const Host& host, std::time_t now) {
  constexpr auto kOrdinary = CertificateBuilder::Weight::kOrdinary;
  CertificateBuilder builder;
  if (builder.get() == nullptr) return nullptr;
  builder.check(X509_set_version(builder.get(), kVersion3));
  builder.serial();
  builder.valid_from(now);
  // A common name holds 64 characters. The SAN is what counts, and it is critical only where the
  // subject is empty, which some clients dislike: so the subject is never empty.
  builder.subject(host.text().size() <= ub_common_name ? host.text() : "redoubtful");
  builder.check(X509_set_issuer_name(builder.get(), X509_get_subject_name(authority)));
  // With its issuer: a leaf that is kept never has to be made again.
  builder.check(X509_set1_notAfter(builder.get(), X509_get0_notAfter(authority)));
  builder.check(X509_set_pubkey(builder.get(), leaf_key));
  const BasicConstraintsPtr constraints(BASIC_CONSTRAINTS_new());
  builder.basic_constraints(constraints.get());
  builder.key_usage({0});  // digitalSignature
  const KeyUsesPtr uses = server_authentication();
  builder.extension(NID_ext_key_usage, uses.get(), kOrdinary);
  const GeneralNamesPtr names = alternative_name(host);
  builder.extension(NID_subject_alt_name, names.get(), kOrdinary);
  const OctetStringPtr id = key_id(builder.get());
  builder.extension(NID_subject_key_identifier, id.get(), kOrdinary);
  const OctetStringPtr issuer_id = key_id(authority);
  const AuthorityKeyIdPtr issuer = issuer_id ? authority_key_id(issuer_id.get()) : nullptr;
  builder.extension(NID_authority_key_identifier, issuer.get(), kOrdinary);
  return builder.sign(authority_key);
}

std::string pem_of(X509* certificate) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  if (!memory || PEM_write_bio_X509(memory.get(), certificate) != 1) return {};
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

int protocol_slot() {
  static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return slot;
}

// Source: RFC 7301. Without a common protocol the handshake goes on without any, as before ALPN.
int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* offered, unsigned offered_length, void* /*unused*/) {
  const auto* wanted = static_cast<const std::string*>(SSL_get_ex_data(ssl, protocol_slot()));
  if (wanted == nullptr || wanted->empty()) return SSL_TLSEXT_ERR_NOACK;
  for (unsigned at = 0; at < offered_length;) {
    const unsigned length = offered[at];
    if (length > offered_length - at - 1) break;
    const unsigned char* name = offered + at + 1;
    if (std::equal(name, name + length, wanted->begin(), wanted->end())) {
      *out = name;
      *out_length = static_cast<unsigned char>(length);
      return SSL_TLSEXT_ERR_OK;
    }
    at += length + 1;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

SslContextPtr make_server_context() {
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return nullptr;
  SSL_CTX* raw = context.get();
  SSL_CTX_set_security_level(raw, 2);  // whatever the distribution's default is
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(
      raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  // A record that carries no data comes back to us, so that a peer cannot hold the thread with
  // them.
  SSL_CTX_clear_mode(raw, SSL_MODE_AUTO_RETRY);
  // Tickets only: nothing is kept for a client that may never come back.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 1);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  if (SSL_CTX_set_ciphersuites(raw,
                               "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                               "TLS_CHACHA20_POLY1305_SHA256") != 1) {
    return nullptr;
  }
  return context;
}

class SessionAuthority final : public CertificateAuthority {
 public:
  SessionAuthority(KeyPtr key, KeyPtr leaf_key, CertificatePtr certificate, std::string pem)
      : key_(std::move(key)),
        leaf_key_(std::move(leaf_key)),
        certificate_(std::move(certificate)),
        pem_(std::move(pem)) {}

  const std::string& certificate_pem() const noexcept override { return pem_; }

  Result<void> prepare() override {
    if (!context_) context_ = make_server_context();
    if (!context_) return openssl_error("cannot set up TLS");
    return {};
  }

  Result<SslPtr> server(const Host& host, const std::string& protocol) override {
    X509* leaf = leaf_for(host);
    if (leaf == nullptr) return openssl_error("cannot make a certificate for " + host.text());
    if (auto prepared = prepare(); !prepared) return std::move(prepared).error();
    SslPtr ssl(SSL_new(context_.get()));
    // A ticket counts for the name that it was given for, and no other.
    std::array<unsigned char, SHA256_DIGEST_LENGTH> id{};
    SHA256(reinterpret_cast<const unsigned char*>(host.text().data()), host.text().size(),
           id.data());
    if (!ssl || SSL_use_certificate(ssl.get(), leaf) != 1 ||
        SSL_use_PrivateKey(ssl.get(), leaf_key_.get()) != 1 ||
        SSL_set_session_id_context(ssl.get(), id.data(), id.size()) != 1 ||
        SSL_set_ex_data(ssl.get(), protocol_slot(), const_cast<std::string*>(&protocol)) != 1) {
      return openssl_error("cannot serve TLS for " + host.text());
    }
    return ssl;
  }

 private:
  X509* leaf_for(const Host& host) {
    if (const auto found = by_name_.find(host.text()); found != by_name_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->certificate.get();
    }
    CertificatePtr made =
        make_leaf(certificate_.get(), key_.get(), leaf_key_.get(), host, std::time(nullptr));
    if (!made) return nullptr;
    if (recent_.size() == kLeaves) {
      by_name_.erase(recent_.back().name);
      recent_.pop_back();
    }
    recent_.push_front({host.text(), std::move(made)});
    by_name_[host.text()] = recent_.begin();
    return recent_.front().certificate.get();
  }

  struct Leaf {
    std::string name;
    CertificatePtr certificate;
  };

  KeyPtr key_;
  KeyPtr leaf_key_;
  CertificatePtr certificate_;
  std::string pem_;
  SslContextPtr context_;   // null before the first use
  std::list<Leaf> recent_;  // most recent first
  std::unordered_map<std::string, std::list<Leaf>::iterator> by_name_;
};

}  // namespace

Result<std::unique_ptr<CertificateAuthority>> CertificateAuthority::create(
    std::chrono::hours life) {
  initialize_openssl();
  KeyPtr key(EVP_EC_gen("P-256"));
  KeyPtr leaf_key(EVP_EC_gen("P-256"));
  if (!key || !leaf_key) return openssl_error("cannot make a P-256 key");
  std::array<unsigned char, 8> random{};
  if (RAND_bytes(random.data(), random.size()) != 1) return openssl_error("no random numbers");
  // Several sessions at once must not be taken for one another by clients that look up by name.
  std::string name = "redoubtful session CA ";
  for (const unsigned char byte : random) {
    constexpr char kHex[] = "0123456789abcdef";
    name += {kHex[byte >> 4U], kHex[byte & 0xFU]};
  }
  CertificatePtr certificate = make_authority(key.get(), name, std::time(nullptr), life);
  if (!certificate) return openssl_error("cannot make the session's certificate authority");
  std::string pem = pem_of(certificate.get());
  if (pem.empty()) return openssl_error("cannot write the session's certificate");
  return std::unique_ptr<CertificateAuthority>(std::make_unique<SessionAuthority>(
      std::move(key), std::move(leaf_key), std::move(certificate), std::move(pem)));
}

}  // namespace redoubtful::proxy
