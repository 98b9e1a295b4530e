#include "cli/nss_database.hpp"

#include <gtest/gtest.h>

#include "cli/trust_files.hpp"

// That SQLite and NSS themselves read it is tried in tests/box/browsers_suite.py.

namespace redoubtful::cli {
namespace {

// An authority on P-256, made with openssl(1).
constexpr const char* kAuthority =
    "MIIBiTCCAS6gAwIBAgIUUFDE3nwpCtErIBfMYblXzVInSbgwCgYIKoZIzj0EAwIwIjEgMB4GA1UEAwwX"
    "cmVkb3VidGZ1bCB0ZXN0IG9yaWdpbnMwHhcNMjYxMTI4MDkxMDM1WhcNMjYxMjI4MDkxMDM1WjAiMSAw"
    "HgYDVQQDDBdyZWRvdWJ0ZnVsIHRlc3Qgb3JpZ2luczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABC8A"
    "QsHC0iwU9sJmfHwa4vsdZtuvoRHayB9wOX3zvxwY9IIGlRQQcGtOJKIsn0t0ZkVUleuS/sVwR8ThZpqo"
    "ZiGjQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMB0GA1UdDgQWBBSAqdxmmIoVXdy0"
    "oLntDlWfaHbXXTAKBggqhkjOPQQDAgNJADBGAiEAiNGquMg3aZowQKWF7zUtbjAjkU5dKHngFbyElCXH"
    "UMUCIQDVf+zMulPDMCyiqoREM24VnKaeRV2P13nJY6FuXVEJSA==";

std::string certificate() {
  return certificates_of("-----BEGIN CERTIFICATE-----\n" + std::string(kAuthority) +
                         "\n-----END CERTIFICATE-----\n")
      .at(0);
}

TEST(NssDatabase, IsThreePagesWithTheCertificateAndWhatItIsTrustedFor) {
  const std::string der = certificate();
  const std::string file = nss_database(der);
  ASSERT_EQ(file.size(), 3U * 4096U);
  EXPECT_TRUE(file.starts_with(std::string("SQLite format 3\0", 16)));
  EXPECT_NE(file.find("CREATE TABLE nssPublic (id PRIMARY KEY"), std::string::npos);
  EXPECT_NE(file.find(der), std::string::npos);
  EXPECT_NE(file.find(sha1(der)), std::string::npos);
  EXPECT_NE(file.find("\xCE\x53\x43\x52"), std::string::npos) << "an authority for servers";
}

TEST(NssDatabase, OfWhatIsNoCertificateIsNothing) {
  const std::string der = certificate();
  for (std::size_t length = 0; length < der.size(); ++length) {
    EXPECT_EQ(nss_database(der.substr(0, length)), "") << length;
  }
  for (const char* text : {"", "x", "\x30\x80", "\x30\x84\xFF\xFF\xFF\xFF", "\x30\x00"}) {
    EXPECT_EQ(nss_database(text), "");
  }
  std::string wild = der;
  for (std::size_t at = 0; at < wild.size(); ++at) {
    const char before = wild[at];
    wild[at] = '\xFF';  // lengths among them: nothing is read past the end
    (void)nss_database(wild);
    wild[at] = before;
  }
  EXPECT_NE(nss_database(wild), "") << "control";
}

// One page holds a row of each; a certificate with many names would need more.
TEST(NssDatabase, OfACertificateThatIsTooLargeIsNothing) {
  std::string der = certificate();
  ASSERT_EQ(der[1], '\x82');
  const std::size_t inner = der.size() - 4 + 4000;
  der += std::string(4000, '\0');
  der[2] = static_cast<char>(inner >> 8U);
  der[3] = static_cast<char>(inner & 0xFFU);
  EXPECT_EQ(nss_database(der), "");
}

}  // namespace
}  // namespace redoubtful::cli
