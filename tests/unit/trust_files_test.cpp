#include "cli/trust_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redoubtful::cli {
namespace {

using ::testing::Contains;
using ::testing::StartsWith;

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out += kDigits[static_cast<unsigned char>(c) >> 4U];
    out += kDigits[static_cast<unsigned char>(c) & 0xFU];
  }
  return out;
}

std::string pem(std::string_view base64) {
  return "-----BEGIN CERTIFICATE-----\n" + std::string(base64) + "\n-----END CERTIFICATE-----\n";
}

// Source: FIPS 180-4's examples, and the lengths around a block's end against sha1sum(1).
TEST(Sha1, IsThatOfTheStandard) {
  EXPECT_EQ(hex(sha1("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(hex(sha1(std::string(1'000'000, 'a'))), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  EXPECT_EQ(hex(sha1(std::string(55, 'a'))), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
  EXPECT_EQ(hex(sha1(std::string(56, 'a'))), "c2db330f6083854c99d4b5bfb6e8f29f201be699");
  EXPECT_EQ(hex(sha1(std::string(64, 'a'))), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

TEST(Certificates, AreTakenOutOfPemAndWhatIsBrokenIsLeftOut) {
  EXPECT_EQ(certificates_of("# a comment\n" + pem("YWJj") + pem("YWI=\n") + pem("YQ==")),
            (std::vector<std::string>{"abc", "ab", "a"}));
  EXPECT_EQ(certificates_of(pem("YW\r\nJj")), (std::vector<std::string>{"abc"}));
  for (const auto& broken :
       {std::string(), pem(""), pem("YW*j"), pem("Y"), pem("YQ==YQ=="), pem("YQ==="),
        std::string("-----BEGIN CERTIFICATE-----\nYWJj"), std::string("YWJj")}) {
    EXPECT_TRUE(certificates_of(broken).empty()) << broken;
  }
}

TEST(Sha1, OfPiecesIsThatOfTheWhole) {
  const std::string whole(300, 'a');
  for (std::size_t piece = 1; piece < 140; ++piece) {
    Sha1 sum;
    for (std::size_t at = 0; at < whole.size(); at += piece) {
      sum.add(std::string_view(whole).substr(at, piece));
    }
    EXPECT_EQ(hex(sum.finish()), hex(sha1(whole))) << piece;
  }
}

TEST(JavaTrustStore, HasTheFormatOfTheJdk) {
  const std::string store = java_trust_store({"abc"});
  EXPECT_EQ(hex(store.substr(0, store.size() - 20)),
            "feedfeed"
            "00000002"
            "00000001"
            "00000002"
            "0005726f6f7430"
            "0000000000000000"
            "0005582e353039"
            "00000003616263");
  std::string checked;
  for (const char c : std::string("changeit")) checked += std::string(1, '\0') + c;
  EXPECT_EQ(store.substr(store.size() - 20),
            sha1(checked + "Mighty Aphrodite" + store.substr(0, store.size() - 20)));
}

TEST(TrustVariables, NameTheBundleAndForNodeTheAuthorityAlone) {
  const auto variables = trust_variables();
  EXPECT_EQ(variables.size(), 13U);
  EXPECT_THAT(variables, Contains("SSL_CERT_FILE=/etc/redoubtful/ca-bundle.pem"));
  EXPECT_THAT(variables, Contains("NODE_EXTRA_CA_CERTS=/etc/redoubtful/ca.pem"));
}

}  // namespace
}  // namespace redoubtful::cli
