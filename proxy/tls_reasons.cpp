#include "proxy/tls_reasons.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <ctime>

#include "common/text.hpp"
#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

constexpr int kNamesShown = 4;

std::string date(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min);
}

std::string text_of(const X509_NAME* name) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  if (!memory || X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253) < 0) return "\"\"";
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &text);
  return quoted(std::string_view(text, static_cast<std::size_t>(length)), 160);
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  const int length = ASN1_STRING_length(address);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (length != 4 && length != 16) return "a malformed address";
  const int family = length == 4 ? AF_INET : AF_INET6;
  return ::inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size());
}

// "a.example, *.b.example and 3 more"
std::string names_of(X509* certificate) {
  const GeneralNamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string list;
  int shown_names = 0;
  int others = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    std::string text;
    if (name->type == GEN_DNS) {
      const ASN1_IA5STRING* dns = name->d.dNSName;
      text = shown({reinterpret_cast<const char*>(ASN1_STRING_get0_data(dns)),
                    static_cast<std::size_t>(ASN1_STRING_length(dns))});
    } else if (name->type == GEN_IPADD) {
      text = address_text(name->d.iPAddress);
    } else {
      continue;
    }
    if (shown_names == kNamesShown) {
      ++others;
      continue;
    }
    list += shown_names++ == 0 ? text : ", " + text;
  }
  if (others > 0) list += fmt::format(" and {} more", others);
  return list;
}

std::string whose(const Host& name, X509_STORE_CTX* context) {
  const std::string of = "the certificate of " + name.text();
  X509* current = X509_STORE_CTX_get_current_cert(context);
  if (X509_STORE_CTX_get_error_depth(context) == 0 || current == nullptr) return of;
  return of + ": its issuer " + text_of(X509_get_subject_name(current));
}

}  // namespace

std::string certificate_reason(X509_STORE_CTX* context, const Host& name) {
  const int error = X509_STORE_CTX_get_error(context);
  X509* current = X509_STORE_CTX_get_current_cert(context);
  const std::string subject = whose(name, context);
  const std::string issuer =
      current != nullptr ? text_of(X509_get_issuer_name(current)) : std::string("?");
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("{} expired on {}", subject, date(X509_get0_notAfter(current)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("{} is not valid before {}; is this machine's clock right?", subject,
                         date(X509_get0_notBefore(current)));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return fmt::format("{} is self-signed; to trust it, name it as its `ca` in `origins`",
                         subject);
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format("the certificate of {} was issued by {}, which this system does not trust",
                         name.text(), issuer);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: {
      const std::string names = current != nullptr ? names_of(current) : std::string();
      return names.empty()
                 ? fmt::format("the certificate that {} showed names no host", name.text())
                 : fmt::format("the certificate that {} showed is for {}", name.text(), names);
    }
    default:
      return fmt::format("{}: {}", subject, X509_verify_cert_error_string(error));
  }
}

namespace {

bool is_alert(int reason) { return reason >= SSL_AD_REASON_OFFSET; }

std::string openssl_reason(unsigned long code) {
  const char* text = ERR_reason_error_string(code);
  return text != nullptr ? text : "no reason given";
}

TlsFailure openssl_failure(unsigned long code, TlsPeer peer, const std::string& who) {
  const int reason = ERR_GET_REASON(code);
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
      return {"tls_protocol_error", who + " speaks no TLS version from 1.2 on"};
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_RECORD_TOO_SMALL:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return {"tls_protocol_error", who + " does not speak TLS on this port"};
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      if (peer == TlsPeer::kClient) {
        return {"tls_alert_received", who +
                                          " does not trust this session's certificates: it has "
                                          "trust anchors of its own, or pins the origin's"};
      }
      break;
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return {"tls_alert_received", who + " asks for a client certificate"};
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return {is_alert(reason) ? "tls_alert_received" : "tls_protocol_error",
              who + " and redoubtful have no cipher, group or signature in common"};
    default:
      break;
  }
  return is_alert(reason)
             ? TlsFailure{"tls_alert_received",
                          fmt::format("{} ended the handshake: {}", who, openssl_reason(code))}
             : TlsFailure{"tls_protocol_error",
                          fmt::format("TLS with {} failed: {}", who, openssl_reason(code))};
}

}  // namespace

TlsFailure handshake_reason(const TlsStream::Failure& failure, Ended ended, TlsPeer peer,
                            const Host& name) {
  namespace asio = boost::asio;
  const std::string who =
      peer == TlsPeer::kOrigin ? name.text() : "the client (for " + name.text() + ")";
  if (ended == Ended::kByTheWatchdog) {
    return {"connection_timeout", fmt::format("{} did not finish the TLS handshake within {} s",
                                              who, limits::kHandshake.count())};
  }
  if (failure.openssl != 0) return openssl_failure(failure.openssl, peer, who);
  if (failure.transport == asio::error::eof ||
      failure.transport == asio::ssl::error::stream_truncated ||
      failure.transport == asio::error::connection_reset) {
    return {"connection_terminated", who + " closed the connection during the TLS handshake"};
  }
  return {"connection_terminated",
          fmt::format("the connection to {} broke in the TLS handshake: {}", who,
                      failure.transport.message())};
}

}  // namespace redoubtful::proxy
