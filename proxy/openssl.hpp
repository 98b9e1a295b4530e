#pragma once

// OpenSSL's objects with an owner each, and its reasons in words. The only file that frees them.
//
// OpenSSL is used as a library that touches no file: no configuration, no engines, no default
// certificate paths. So it works the same on every host, and behind the confinement.

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace redoubtful::proxy {

template <auto free_function>
struct OpensslDeleter {
  template <class T>
  void operator()(T* object) const noexcept {
    free_function(object);
  }
};
template <class T, auto free_function>
using OpensslPtr = std::unique_ptr<T, OpensslDeleter<free_function>>;

using BioMethodPtr = OpensslPtr<BIO_METHOD, BIO_meth_free>;
using BioPtr = OpensslPtr<BIO, BIO_free_all>;
using KeyPtr = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using SslContextPtr = OpensslPtr<SSL_CTX, SSL_CTX_free>;
using SslPtr = OpensslPtr<SSL, SSL_free>;
using SslSessionPtr = OpensslPtr<SSL_SESSION, SSL_SESSION_free>;
using CertificatePtr = OpensslPtr<X509, X509_free>;
using StorePtr = OpensslPtr<X509_STORE, X509_STORE_free>;
using NamePtr = OpensslPtr<X509_NAME, X509_NAME_free>;
using ExtensionPtr = OpensslPtr<X509_EXTENSION, X509_EXTENSION_free>;
using GeneralNamesPtr = OpensslPtr<GENERAL_NAMES, GENERAL_NAMES_free>;
using GeneralNamePtr = OpensslPtr<GENERAL_NAME, GENERAL_NAME_free>;
using BasicConstraintsPtr = OpensslPtr<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>;
using BitStringPtr = OpensslPtr<ASN1_BIT_STRING, ASN1_BIT_STRING_free>;
using Ia5StringPtr = OpensslPtr<ASN1_IA5STRING, ASN1_IA5STRING_free>;
using OctetStringPtr = OpensslPtr<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
using IntegerPtr = OpensslPtr<ASN1_INTEGER, ASN1_INTEGER_free>;
using AuthorityKeyIdPtr = OpensslPtr<AUTHORITY_KEYID, AUTHORITY_KEYID_free>;
using KeyUsesPtr = OpensslPtr<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;
using BignumPtr = OpensslPtr<BIGNUM, BN_free>;
using DigestPtr = OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free>;

// Whether the heap for private keys is locked into memory (kLocked), works but may be swapped
// (RLIMIT_MEMLOCK is too low), or is not to be had, so that keys are in ordinary memory.
enum class SecureHeap { kLocked, kUnlocked, kAbsent };

// Loads no configuration, and makes the heap that private keys live in: guarded, left out of core
// dumps, erased when freed. To be called before the first key is made; more often is harmless.
SecureHeap initialize_openssl() noexcept;

// Empties the error queue of this thread. The reason that came first, in OpenSSL's words ("wrong
// version number"); empty when there is none.
std::string take_openssl_reason();

// kTls: "what: reason". Empties the error queue.
Error openssl_error(std::string_view what);

}  // namespace redoubtful::proxy
