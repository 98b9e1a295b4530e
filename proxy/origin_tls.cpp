#include <fcntl.h>

#include <array>
#include <map>
#include <optional>

#include "common/file.hpp"
#include "common/text.hpp"
#include "proxy/limits.hpp"
#include "proxy/openssl.hpp"
#include "proxy/origin_sessions.hpp"
#include "proxy/tls.hpp"
#include "proxy/tls_reasons.hpp"
#include "proxy/tls_stream.hpp"
#include "proxy/trusted_roots.hpp"

namespace redoubtful::proxy {
namespace {

// Debian and most, Fedora, openSUSE, RHEL, Alpine and the BSDs. Source: Go, crypto/x509/root_linux.
constexpr std::array<const char*, 5> kSystemBundles{
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem"};
constexpr std::size_t kMaxBundleBytes = 16 * 1024 * 1024;  // a distribution's is 220 KiB

Result<std::string> read_bundle(const std::string& path) {
  auto text = read_file(path, kMaxBundleBytes);
  if (!text) return Error(Errc::kInvalidProfile, std::move(text).error().what());
  if (text->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    return Error(Errc::kInvalidProfile, quoted(path) + " has no certificate in PEM form");
  }
  return text;
}

Result<std::string> read_system_bundle(const std::string& path) {
  if (!path.empty()) return read_bundle(path);
  for (const char* place : kSystemBundles) {
    if (auto text = read_bundle(place)) return text;
  }
  return std::string();
}

// Text until somebody asks.
class LazyRoots {
 public:
  explicit LazyRoots(std::string pem) : pem_(std::move(pem)) {}

  const TrustedRoots& get() {
    if (!roots_) {
      roots_.emplace(pem_);
      pem_ = std::string();
    }
    return *roots_;
  }

 private:
  std::string pem_;
  std::optional<TrustedRoots> roots_;
};

// What one host is verified against. The store fills as chains are seen.
struct Trust {
  StorePtr store{X509_STORE_new()};
  std::vector<std::shared_ptr<LazyRoots>> roots;
};

// One connection's part, kept with its SSL, which calls back as long as it lives.
struct OriginConnection {
  Host name;
  std::string origin;
  std::shared_ptr<Trust> trust;
  std::shared_ptr<OriginSessions> sessions;
  std::string certificate_failure;
};

void free_connection(void* /*ssl*/, void* pointer, CRYPTO_EX_DATA* /*data*/, int /*slot*/,
                     long /*number*/, void* /*argument*/) {
  delete static_cast<OriginConnection*>(pointer);
}

int connection_slot() {
  static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_connection);
  return slot;
}

OriginConnection& connection_of(const SSL* ssl) {
  return *static_cast<OriginConnection*>(SSL_get_ex_data(ssl, connection_slot()));
}

// Hands OpenSSL the roots that the chain asks for; what is trusted it decides alone.
int verify(X509_STORE_CTX* context, void* /*unused*/) noexcept {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  OriginConnection& connection = connection_of(ssl);
  const auto offer = [&](const X509_NAME* name) {
    for (const auto& roots : connection.trust->roots) {
      roots->get().add_to(connection.trust->store.get(), name);
    }
  };
  if (X509* leaf = X509_STORE_CTX_get0_cert(context); leaf != nullptr) {
    offer(X509_get_subject_name(leaf));  // it may itself be what the user trusts
    offer(X509_get_issuer_name(leaf));
  }
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_untrusted(context);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    offer(X509_get_issuer_name(sk_X509_value(chain, i)));
  }
  const int result = X509_verify_cert(context);
  if (result <= 0) {
    connection.certificate_failure = certificate_reason(context, connection.name);
    return 0;
  }
  return 1;
}

int keep_session(SSL* ssl, SSL_SESSION* session) noexcept {
  const OriginConnection& connection = connection_of(ssl);
  connection.sessions->keep(connection.origin, SslSessionPtr(session));
  return 1;  // the session is ours now
}

SslContextPtr make_client_context() {
  SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) return nullptr;
  SSL_CTX* raw = context.get();
  SSL_CTX_set_security_level(raw, 2);  // whatever the distribution's default is
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  // A record that carries no data comes back to us, so that a peer cannot hold the thread with
  // them.
  SSL_CTX_clear_mode(raw, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(raw, verify, nullptr);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(raw, keep_session);
  if (SSL_CTX_set_ciphersuites(raw,
                               "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                               "TLS_CHACHA20_POLY1305_SHA256") != 1) {
    return nullptr;
  }
  return context;
}

// Length-prefixed, as ALPN writes them. Names that cannot be written are left out.
std::string alpn_wire(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) continue;
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

bool set_name(SSL* ssl, const Host& name) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  // RFC 6125, section 6.4.4, and RFC 9525: a common name is not a host name.
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  // What the user trusts is trusted, also where it is not a root.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  if (name.is_address()) {
    return X509_VERIFY_PARAM_set1_ip_asc(parameters, name.text().c_str()) == 1;
  }
  return X509_VERIFY_PARAM_set1_host(parameters, name.text().data(), name.text().size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, name.text().c_str()) == 1;
}

class SystemOriginTls final : public OriginTls {
 public:
  explicit SystemOriginTls(std::vector<std::shared_ptr<LazyRoots>> roots)
      : trust_(std::make_shared<Trust>()) {
    trust_->roots = std::move(roots);
  }

  Result<void> prepare() override {
    if (!context_) context_ = make_client_context();
    if (!context_) return openssl_error("cannot set up TLS");
    return {};
  }

  Result<void> trust_for(const Host& host, const std::string& pem_file) override {
    auto text = read_bundle(pem_file);
    if (!text) return std::move(text).error();
    auto& own = own_trust_[host.text()];
    if (!own) {
      own = std::make_shared<Trust>();
      own->roots = trust_->roots;
    }
    own->roots.push_back(std::make_shared<LazyRoots>(*std::move(text)));
    return {};
  }

  Awaitable<std::variant<std::unique_ptr<Stream>, TlsFailure>> connect(
      boost::asio::ip::tcp::socket socket, Host name, std::vector<std::string> protocols) override {
    using Outcome = std::variant<std::unique_ptr<Stream>, TlsFailure>;
    boost::system::error_code ignored;
    const auto peer = socket.remote_endpoint(ignored);
    SslPtr ssl = begin(name, peer.port(), protocols);
    if (!ssl) {
      co_return Outcome(TlsFailure{"proxy_internal_error",
                                   openssl_error("cannot begin TLS with " + name.text()).what()});
    }
    auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(ssl), "");
    Watchdog watchdog(*stream);
    watchdog.expires_after(limits::kHandshake);
    const TlsStream::Failure failure = co_await stream->handshake();
    OriginConnection& connection = connection_of(stream->ssl());
    if (failure.failed()) {
      // One that was refused would be refused again.
      sessions_->forget(connection.origin);
      if (!connection.certificate_failure.empty()) {
        co_return Outcome(TlsFailure{"tls_certificate_error", connection.certificate_failure});
      }
      const Ended ended = watchdog.expired() ? Ended::kByTheWatchdog : Ended::kByItself;
      co_return Outcome(handshake_reason(failure, ended, TlsPeer::kOrigin, name));
    }
    if (SSL_get_verify_result(stream->ssl()) != X509_V_OK) {
      co_return Outcome(TlsFailure{"tls_certificate_error",
                                   "the certificate of " + name.text() + " was not verified"});
    }
    const std::string chosen(stream->protocol());
    if (!chosen.empty() &&
        std::find(protocols.begin(), protocols.end(), chosen) == protocols.end()) {
      co_return Outcome(TlsFailure{"tls_protocol_error",
                                   name.text() + " chose a protocol that it was not offered"});
    }
    co_return Outcome(std::unique_ptr<Stream>(std::move(stream)));
  }

 private:
  SslPtr begin(const Host& name, std::uint16_t port, const std::vector<std::string>& protocols) {
    if (!context_) context_ = make_client_context();
    if (!context_) return nullptr;
    SslPtr ssl(SSL_new(context_.get()));
    if (!ssl) return nullptr;
    const auto own = own_trust_.find(name.text());
    auto trust = own != own_trust_.end() ? own->second : trust_;
    auto connection = std::make_unique<OriginConnection>(OriginConnection{
        name, name.text() + ' ' + std::to_string(port), std::move(trust), sessions_, {}});
    X509_STORE* store = connection->trust->store.get();
    const std::string origin = connection->origin;
    if (SSL_set_ex_data(ssl.get(), connection_slot(), connection.get()) != 1) return nullptr;
    static_cast<void>(connection.release());  // freed with the SSL
    SSL_set_connect_state(ssl.get());
    if (store == nullptr || SSL_set1_verify_cert_store(ssl.get(), store) != 1 ||
        !set_name(ssl.get(), name)) {
      return nullptr;
    }
    const std::string wire = alpn_wire(protocols);
    if (!wire.empty() &&
        SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                            static_cast<unsigned>(wire.size())) != 0) {
      return nullptr;
    }
    if (SSL_SESSION* session = sessions_->find(origin)) SSL_set_session(ssl.get(), session);
    return ssl;
  }

  SslContextPtr context_;
  std::shared_ptr<Trust> trust_;
  std::map<std::string, std::shared_ptr<Trust>> own_trust_;
  std::shared_ptr<OriginSessions> sessions_ = std::make_shared<OriginSessions>();
};

}  // namespace

Result<std::unique_ptr<OriginTls>> OriginTls::create(std::vector<Sourced<std::string>> roots,
                                                     std::string system_bundle) {
  initialize_openssl();
  std::vector<std::shared_ptr<LazyRoots>> bundles;
  auto system = read_system_bundle(system_bundle);
  if (!system) return std::move(system).error().during("reading the system's certificates");
  if (!system->empty()) bundles.push_back(std::make_shared<LazyRoots>(*std::move(system)));
  for (const auto& [file, origin] : roots) {
    auto text = read_bundle(file);
    // Without a file it is no profile's, but Vault's.
    if (!text && origin.file.empty()) return std::move(text).error();
    if (!text) return std::move(text).error().during(origin.text() + ": network.ca");
    bundles.push_back(std::make_shared<LazyRoots>(*std::move(text)));
  }
  if (bundles.empty()) {
    return Error(Errc::kInvalidProfile, "this system has no bundle of certificate authorities")
        .hint("install ca-certificates, or name a bundle as `ca` under `network`");
  }
  return std::unique_ptr<OriginTls>(std::make_unique<SystemOriginTls>(std::move(bundles)));
}

}  // namespace redoubtful::proxy
