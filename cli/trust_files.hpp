#pragma once

// What programs inside trust: the host's own roots and the session's certificate authority.
//
// A merged bundle lies over the distribution's bundle paths, so that programs that read no variable
// trust it; the variables name it as well. NODE_EXTRA_CA_CERTS adds to what Node has, so it names
// the authority alone; the others replace the system's store, so they name the merged bundle.
//
// Not covered: a program that reads the hashed directory (OpenSSL's CApath) and drops the
// environment.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/mount_plan.hpp"

namespace redoubtful::cli {

// Inside the box.
inline constexpr const char* kCaFile = "/etc/redoubtful/ca.pem";               // ours alone
inline constexpr const char* kCaBundleFile = "/etc/redoubtful/ca-bundle.pem";  // with the system's
inline constexpr const char* kJavaStoreFile = "/etc/redoubtful/truststore.jks";

// The host's bundle of certificate authorities, from the first of the distributions' places that
// has one; empty: none.
std::string read_system_bundle();

// NAME=VALUE for programs that do not look at the bundle's usual place.
std::vector<std::string> trust_variables();

// The option for JAVA_TOOL_OPTIONS.
std::string java_trust_option();

// The DER of every certificate in PEM text; what is broken is left out.
std::vector<std::string> certificates_of(std::string_view pem);

// FIPS 180-4. For the trust store's checksum, which is no protection; the command line has no
// OpenSSL.
class Sha1 {
 public:
  void add(std::string_view bytes);
  std::string finish();  // once, last

 private:
  std::array<std::uint32_t, 5> state_{0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U,
                                      0xC3D2E1F0U};
  std::string rest_;  // less than a block
  std::uint64_t length_ = 0;
};
std::string sha1(std::string_view bytes);

// A trust store in Java's JKS format with the password "changeit".
// Source: OpenJDK, sun.security.provider.JavaKeyStore (engineStore).
class JavaTrustStore {
 public:
  // So many certificates will be added, of so many bytes together.
  JavaTrustStore(std::size_t count, std::size_t bytes);
  void add(std::string_view certificate);  // DER
  std::string finish();                    // once, last

 private:
  void put(std::string_view bytes);

  std::string bytes_;
  Sha1 checksum_;
  std::size_t number_ = 0;
};
std::string java_trust_store(const std::vector<std::string>& certificates);

// Of a file: in two parts, so that what is long and known early is not copied for what is short
// and comes late.
struct FileText {
  std::string first;
  std::string second;
};

// The host's roots, decoded and hashed while the proxy makes the session's authority: that is
// most of the work, and it need not wait.
class SystemTrust {
 public:
  explicit SystemTrust(std::string bundle);

  // Adds the files (MountStep::later), and the covers over the bundles that `plan` shows, to the
  // end of the plan. A cover needs its place to exist on the host.
  static void add_to(MountPlan& plan, const HostFiles& files);

  // What is in the files, in the order of their steps. `authority` is the proxy's, one certificate
  // in PEM. Once.
  std::vector<FileText> finish(const std::string& authority);

 private:
  std::string bundle_;
  JavaTrustStore java_;  // of all but the authority
};

}  // namespace redoubtful::cli
