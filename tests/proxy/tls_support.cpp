#include "tests/proxy/tls_support.hpp"

#include <openssl/pem.h>
#include <stdlib.h>

#include <fstream>
#include <list>

#include "proxy/limits.hpp"
#include "proxy/tasks.hpp"

namespace redoubtful::proxy::test {

namespace asio = boost::asio;

namespace {

void check(bool ok) {
  if (!ok) throw std::runtime_error(openssl_error("test certificate").what());
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  check(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

}  // namespace

std::string Identity::pem() const {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509(memory.get(), certificate.get()) == 1);
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

Identity make_identity(const CertificateSpec& spec, const Identity* issuer) {
  initialize_openssl();
  Identity made{CertificatePtr(X509_new()), KeyPtr(EVP_EC_gen("P-256"))};
  X509* certificate = made.certificate.get();
  check(X509_set_version(certificate, 2) == 1);
  static long serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), spec.begins);
  X509_gmtime_adj(X509_getm_notAfter(certificate), spec.ends);
  X509_NAME* name = X509_get_subject_name(certificate);
  check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(spec.common_name.c_str()),
                                   -1, -1, 0) == 1);
  X509* signer = issuer != nullptr ? issuer->certificate.get() : certificate;
  check(X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1);
  check(X509_set_pubkey(certificate, made.key.get()) == 1);
  add_extension(certificate, signer, NID_basic_constraints, spec.basic_constraints);
  add_extension(certificate, signer, NID_subject_alt_name, spec.alternative_names);
  add_extension(certificate, signer, NID_ext_key_usage, spec.extended_key_usage);
  add_extension(certificate, signer, NID_subject_key_identifier, "hash");
  EVP_PKEY* key = issuer != nullptr ? issuer->key.get() : made.key.get();
  check(X509_sign(certificate, key, EVP_sha256()) > 0);
  return made;
}

Identity make_root(const std::string& common_name) {
  return make_identity({.common_name = common_name,
                        .alternative_names = {},
                        .basic_constraints = "critical,CA:TRUE",
                        .extended_key_usage = {}},
                       nullptr);
}

TemporaryFile::TemporaryFile(const std::string& content)
    : path_((std::filesystem::temp_directory_path() / "redoubtful-tls-XXXXXX").string()) {
  const UniqueFd fd(::mkstemp(path_.data()));
  check(fd.valid());
  std::ofstream(path_) << content;
}

TemporaryFile::~TemporaryFile() { std::filesystem::remove(path_); }

SslContextPtr origin_context(const Identity& identity, std::vector<std::string> protocols) {
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
  check(SSL_CTX_use_certificate(context.get(), identity.certificate.get()) == 1 &&
        SSL_CTX_use_PrivateKey(context.get(), identity.key.get()) == 1);
  const unsigned char id[] = "origin";
  SSL_CTX_set_session_id_context(context.get(), id, sizeof id);
  static std::list<std::string> wires;  // as long as the process
  std::string& wire = wires.emplace_back();
  for (const std::string& protocol : protocols) {
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  const auto choose = [](SSL*, const unsigned char** out, unsigned char* length,
                         const unsigned char* offered, unsigned offered_length, void* argument) {
    const auto& speaks = *static_cast<const std::string*>(argument);
    unsigned char* chosen = nullptr;
    const int result = SSL_select_next_proto(
        &chosen, length, reinterpret_cast<const unsigned char*>(speaks.data()),
        static_cast<unsigned>(speaks.size()), offered, offered_length);
    *out = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
  };
  if (!wire.empty()) SSL_CTX_set_alpn_select_cb(context.get(), choose, &wire);
  return context;
}

Awaitable<std::unique_ptr<TlsStream>> serve(asio::ip::tcp::socket socket, SSL_CTX* context) {
  SslPtr ssl(SSL_new(context));
  SSL_set_accept_state(ssl.get());
  auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(ssl), "");
  const auto failure = co_await stream->handshake();
  if (failure.failed()) stream.reset();
  co_return stream;
}

Connection connect(asio::io_context& context, OriginTls& tls, SSL_CTX* origin,
                   const std::string& name, std::vector<std::string> protocols) {
  auto pair = connected_pair(context);
  Connection connection;
  const auto task = [&]() -> Awaitable<int> {
    auto serving = serve(std::move(pair.server), origin);
    auto connecting =
        tls.connect(std::move(pair.client), Host::parse(name).value(), std::move(protocols));
    auto [served, connected] = co_await both(std::move(serving), std::move(connecting));
    connection.origin = std::move(served);
    if (auto* stream = std::get_if<0>(&connected)) {
      connection.stream = std::move(*stream);
    } else {
      connection.failure = std::get<1>(connected);
    }
    co_return 0;
  };
  run(context, task());
  return connection;
}

Accepted accept(asio::io_context& context, CertificateAuthority& authority, SslPtr client,
                const std::string& name, std::string protocol) {
  auto pair = connected_pair(context);
  Accepted accepted;
  SSL_set_connect_state(client.get());
  accepted.client = std::make_unique<TlsStream>(std::move(pair.client), std::move(client), "");
  const auto task = [&]() -> Awaitable<int> {
    auto serving = accept_tls(authority, std::move(pair.server), "", Host::parse(name).value(),
                              std::move(protocol));
    auto connecting = accepted.client->handshake();
    auto [served, failure] = co_await both(std::move(serving), std::move(connecting));
    if (failure.failed()) accepted.client.reset();
    if (auto* stream = std::get_if<0>(&served)) {
      accepted.stream = std::move(*stream);
    } else {
      accepted.failure = std::get<1>(served);
    }
    co_return 0;
  };
  run(context, task());
  return accepted;
}

Awaitable<std::string> read_all(Stream& stream) {
  std::string all;
  std::vector<char> buffer(limits::kRelayBytes);
  for (;;) {
    const IoResult got = co_await stream.read_some(asio::buffer(buffer));
    all.append(buffer.data(), got.bytes);
    if (got.error == asio::error::eof) co_return all;
    if (got.error) co_return all + "|" + got.error.message();
  }
}

Awaitable<int> write_all(Stream& stream, std::string text) {
  std::vector<asio::const_buffer> buffers = {asio::buffer(text)};
  const IoResult put = co_await stream.write(std::move(buffers));
  if (!put.error) co_await stream.shutdown_write();
  co_return put.error ? -1 : 0;
}

SocketPair connected_pair(boost::asio::io_context& context) {
  using boost::asio::ip::tcp;
  tcp::acceptor acceptor(context, {boost::asio::ip::address_v4::loopback(), 0});
  SocketPair pair{tcp::socket(context), tcp::socket(context)};
  pair.client.connect(acceptor.local_endpoint());
  acceptor.accept(pair.server);
  return pair;
}

}  // namespace redoubtful::proxy::test
