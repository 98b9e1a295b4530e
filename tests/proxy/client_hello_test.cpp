#include "proxy/client_hello.hpp"

#include <gtest/gtest.h>

#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

using namespace std::string_literals;

std::string number(std::size_t value, std::size_t bytes) {
  std::string out;
  for (std::size_t i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}
std::string with_length(const std::string& data, std::size_t bytes) {
  return number(data.size(), bytes) + data;
}
std::string extension(unsigned type, const std::string& data) {
  return number(type, 2) + with_length(data, 2);
}
std::string sni(const std::string& name, int type = 0) {
  return extension(0, with_length(static_cast<char>(type) + with_length(name, 2), 2));
}
std::string alpn(const std::vector<std::string>& protocols) {
  std::string list;
  for (const auto& protocol : protocols) list += with_length(protocol, 1);
  return extension(16, with_length(list, 2));
}

struct Body {
  std::string version = "\x03\x03";
  std::string random = std::string(32, 'r');
  std::string session = std::string(32, 's');
  std::string ciphers = "\x13\x01\x13\x02";
  std::string compressions = "\0"s;
  std::string bytes(const std::string& extensions) const {
    return version + random + with_length(session, 1) + with_length(ciphers, 2) +
           with_length(compressions, 1) + extensions;
  }
};

std::string message(const std::string& body) { return "\x01" + with_length(body, 3); }
std::string record(const std::string& part) { return "\x16\x03\x01" + with_length(part, 2); }
std::string hello(const std::string& extensions) {
  return record(message(Body().bytes(with_length(extensions, 2))));
}

ClientHello parsed(const std::string& bytes) {
  auto result = parse_client_hello(bytes);
  if (const auto* error = std::get_if<Error>(&result)) ADD_FAILURE() << error->what();
  if (std::holds_alternative<NeedMoreBytes>(result)) ADD_FAILURE() << "wants more";
  const auto* found = std::get_if<ClientHello>(&result);
  return found != nullptr ? *found : ClientHello();
}
bool refused(const std::string& bytes) {
  auto result = parse_client_hello(bytes);
  const auto* error = std::get_if<Error>(&result);
  return error != nullptr && error->code() == Errc::kPeerProtocol;
}
bool wants_more(const std::string& bytes) {
  return std::holds_alternative<NeedMoreBytes>(parse_client_hello(bytes));
}

TEST(ClientHello, TellsNameAndProtocols) {
  const auto found = parsed(hello(sni("api.example.com") + alpn({"h2", "http/1.1"})));
  EXPECT_EQ(found.server_name, "api.example.com");
  EXPECT_EQ(found.protocols, (std::vector<std::string>{"h2", "http/1.1"}));
  EXPECT_FALSE(found.encrypted);
}

TEST(ClientHello, NeedsNeitherNameNorExtensions) {
  EXPECT_EQ(parsed(hello(alpn({"h2"}))).server_name, "");
  EXPECT_EQ(parsed(record(message(Body().bytes("")))).server_name, "");
  EXPECT_EQ(parsed(record(message(Body().bytes("\0\0"s)))).server_name, "");
  EXPECT_EQ(parsed(record(message(Body{.version = "\x03\x01", .session = ""}.bytes("")))).protocols,
            std::vector<std::string>());
}

TEST(ClientHello, TheNameIsGivenAsItWasSent) {
  for (const auto& name : {"API.Example.COM"s, "a\0b"s, "xn--bcher-kva.example"s, "127.0.0.1"s,
                           std::string(255, 'a')}) {
    EXPECT_EQ(parsed(hello(sni(name))).server_name, name);
  }
}

TEST(ClientHello, GreaseAndUnknownExtensionsAreLeftAlone) {
  const auto found = parsed(hello(extension(0x0a0a, "") + sni("a.test") + extension(0xfafa, "x") +
                                  extension(41, std::string(300, 'k'))));
  EXPECT_EQ(found.server_name, "a.test");
  EXPECT_EQ(parsed(hello(alpn({"\x1a\x1a", "h2"}))).protocols.size(), 2u);
}

TEST(ClientHello, AnEncryptedOneIsTold) {
  const auto found = parsed(hello(sni("public.example") + extension(0xfe0d, "\0\0\x01\0\x01"s)));
  EXPECT_TRUE(found.encrypted);
  EXPECT_EQ(found.server_name, "public.example");
  EXPECT_TRUE(refused(hello(extension(0xfe0d, "\x01"))));  // inner
  EXPECT_TRUE(refused(hello(extension(0xfe0d, ""))));
}

TEST(ClientHello, ComesInAnyPieces) {
  const std::string whole = message(Body().bytes(with_length(sni("api.example.com"), 2)));
  for (std::size_t size : {1, 2, 3, 4, 5, 39, 100}) {
    std::string bytes;
    for (std::size_t at = 0; at < whole.size(); at += size) bytes += record(whole.substr(at, size));
    EXPECT_EQ(parsed(bytes).server_name, "api.example.com") << size;
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      ASSERT_TRUE(wants_more(bytes.substr(0, cut))) << size << " " << cut;
    }
  }
}

TEST(ClientHello, WhatComesBehindIsNotLookedAt) {
  const std::string bytes = hello(sni("a.test"));
  EXPECT_EQ(parsed(bytes + "\xff\xff\xff").server_name, "a.test");
  const std::string body = message(Body().bytes(with_length(sni("a.test"), 2)));
  EXPECT_EQ(parsed(record(body + "more")).server_name, "a.test");
  // Complete already, though its record goes on.
  EXPECT_EQ(parsed(record(body + "more").substr(0, 5 + body.size())).server_name, "a.test");
}

TEST(ClientHello, WhatIsNotTlsIsRefusedAtItsFirstWrongByte) {
  for (const auto& bytes :
       {"G"s, "GET / HTTP/1.1\r\n\r\n"s, "SSH-2.0-x\r\n"s, "\x80\x2e\x01\x03\x01"s /* SSLv2 */,
        "\x16\x02"s, "\x16\x04\x01"s, "\x15\x03\x01\0\x02\x02\x28"s /* an alert */,
        "\x17\x03\x03\0\x01"s, "\x16\x03\x01\0\0"s, "\x16\x03\x01\x40\x01"s,
        "\x16\x03\x01\xff\xff"s, "\x16\x03\x01\0\x04\x02"s /* a ServerHello */, "\0"s}) {
    EXPECT_TRUE(refused(bytes)) << testing::PrintToString(bytes);
  }
  const std::string body = message(Body().bytes(""));
  EXPECT_TRUE(refused(record(body.substr(0, 20)) + "\x17\x03\x03"));
  EXPECT_TRUE(refused(record(body.substr(0, 20)) + "\x14\x03\x03\0\x01\x01"s));
  EXPECT_TRUE(wants_more(""));
  EXPECT_TRUE(wants_more("\x16"));
}

TEST(ClientHello, TwoReadersCouldDisagreeSoItIsRefused) {
  const std::string entry = "\0"s + with_length("a.test", 2);
  const std::pair<const char*, std::string> cases[] = {
      {"a name twice", sni("a.test") + sni("a.test")},
      {"two names", sni("a.test") + sni("b.test")},
      {"two names in one list", extension(0, with_length(entry + entry, 2))},
      {"another type first", extension(0, with_length("\x01" + with_length("x", 2) + entry, 2))},
      {"another type behind", extension(0, with_length(entry + "\x01" + with_length("x", 2), 2))},
      {"another type", sni("a.test", 1)},
      {"an empty name", sni("")},
      {"an over-long name", sni(std::string(256, 'a'))},
      {"an empty list", extension(0, with_length("", 2))},
      {"an empty extension", extension(0, "")},
      {"a list longer than its extension", extension(0, number(99, 2) + entry)},
      {"a list shorter than its extension", extension(0, with_length(entry, 2) + "x")},
      {"a name longer than its list", extension(0, with_length("\0\xff\xff"s + "a.test", 2))},
      {"a cut type", extension(0, with_length("\0"s, 2))},
      {"another extension twice", extension(10, "") + sni("a.test") + extension(10, "")},
      {"ALPN twice", alpn({"h2"}) + alpn({"http/1.1"})},
      {"an empty ALPN list", extension(16, with_length("", 2))},
      {"an empty protocol", alpn({"h2", ""})},
      {"a cut protocol", extension(16, with_length("\x09h2", 2))},
      {"ALPN with junk behind", extension(16, with_length("\x02h2", 2) + "x")},
      {"a cut extension", "\0\0\0"s},
      {"an extension that is too long", number(0, 2) + number(400, 2) + "x"},
  };
  for (const auto& [what, extensions] : cases) EXPECT_TRUE(refused(hello(extensions))) << what;
  EXPECT_FALSE(refused(hello(sni("a.test") + alpn({"h2"}))));
}

TEST(ClientHello, ABodyThatDoesNotFitIsRefused) {
  const std::string good = Body().bytes(with_length(sni("a.test"), 2));
  for (std::size_t bytes = 0; bytes < good.size(); ++bytes) {
    // One that ends just where extensions may begin is a hello without any.
    if (bytes == Body().bytes("").size()) continue;
    EXPECT_TRUE(refused(record(message(good.substr(0, bytes))))) << bytes;
  }
  const Body cases[] = {{.version = "\x02\x00"s},
                        {.session = std::string(33, 's')},
                        {.ciphers = ""},
                        {.ciphers = "\x13\x01\x13"},
                        {.compressions = ""}};
  for (const auto& body : cases) EXPECT_TRUE(refused(record(message(body.bytes("\0\0"s)))));
  EXPECT_TRUE(refused(record(message(good + "x"))));
}

TEST(ClientHello, OneThatIsTooLongIsRefusedBeforeItIsRead) {
  EXPECT_TRUE(refused("\x16\x03\x01\x40\x00\x01\x01\x00\x00"s));  // 64 KiB
  EXPECT_TRUE(refused("\x16\x03\x01\x40\x00\x01\xff\xff\xff"s));
  const auto padded = [](std::size_t bytes) {
    const std::size_t others = Body().bytes("\0\0"s).size() + sni("a.test").size() + 8;
    return message(Body().bytes(
        with_length(sni("a.test") + extension(21, std::string(bytes - others, '\0')), 2)));
  };
  const std::string most = padded(limits::kClientHelloBytes);
  ASSERT_EQ(most.size(), limits::kClientHelloBytes);
  EXPECT_EQ(parsed(record(most)).server_name, "a.test");
  EXPECT_TRUE(refused(record(padded(limits::kClientHelloBytes + 1).substr(0, 100))));
}

TEST(ClientHello, ThousandsOfTinyRecordsAreCutOff) {
  const std::string whole =
      message(Body().bytes(with_length(sni("a.test") + extension(21, std::string(8000, '\0')), 2)));
  std::string bytes;
  for (const char c : whole.substr(0, 4000)) bytes += record(std::string(1, c));
  EXPECT_TRUE(refused(bytes));
  EXPECT_TRUE(wants_more(bytes.substr(0, limits::kClientHelloBytes)));
}

}  // namespace
}  // namespace redoubtful::proxy
