// A refusal in SSH's words. tests/box tries it with OpenSSH and git.

#include "proxy/tunnel_refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/policy_support.hpp"

namespace redoubtful::proxy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::size_t number_at(const std::string& bytes, std::size_t at) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < 4; ++i)
    out = out << 8U | static_cast<unsigned char>(bytes.at(at + i));
  return out;
}

TEST(SshRefusal, IsAVersionAndOneDisconnectOfWholeBlocks) {
  const std::string version = "SSH-2.0-redoubtful\r\n";
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string text(length, 'x');
    const std::string bytes = ssh_disconnect(text);
    ASSERT_TRUE(bytes.starts_with(version));
    const std::string packet = bytes.substr(version.size());
    EXPECT_EQ(packet.size() % 8, 0U);
    EXPECT_EQ(number_at(packet, 0), packet.size() - 4);
    const auto padding = static_cast<std::size_t>(packet[4]);
    EXPECT_GE(padding, 4U);
    EXPECT_LE(padding, 11U);
    EXPECT_EQ(packet[5], 1) << "SSH_MSG_DISCONNECT";
    EXPECT_EQ(number_at(packet, 6), 1U) << "SSH_DISCONNECT_HOST_NOT_ALLOWED_TO_CONNECT";
    EXPECT_EQ(number_at(packet, 10), length);
    EXPECT_EQ(packet.substr(14, length), text);
    EXPECT_EQ(number_at(packet, 14 + length), 2U);
    EXPECT_EQ(5 + 1 + 4 + 4 + length + 4 + 2 + padding, packet.size());
  }
  EXPECT_LT(ssh_disconnect(std::string(100'000, 'x')).size(), 3000U);
}

TEST(SshRefusal, SaysWhatToDo) {
  const Policy policy = test::RuleList().allow("web.example").deny("no.example").policy();
  const auto text = [&](const char* name) {
    const auto denied =
        std::get<Denial>(policy.admit(test::host(name), test::port(22), Carried::kOpaque));
    return ssh_refusal_text(policy, denied, test::host(name));
  };
  EXPECT_EQ(text("git.example"),
            "redoubtful: git.example:22: no rule allows it. Allow it with: redoubtful allow "
            "ssh://git.example (outside of the sandbox, by its user).");
  EXPECT_THAT(text("web.example"), HasSubstr("https://web.example/ is allowed: use that address."));
  EXPECT_THAT(text("no.example"), HasSubstr("a rule denies it (rule no.example, p.yaml:2)."));
  EXPECT_THAT(text("no.example"), Not(HasSubstr("allow")));
}

TEST(SshRefusal, IsForWhatBeginsAsSsh) {
  for (const char* yes : {"SSH-2.0-OpenSSH_9.2\r\n", "SSH-1.99-x", "SSH-"}) {
    EXPECT_TRUE(looks_like_ssh(yes)) << yes;
  }
  for (const char* no : {"", "S", "SSH", "ssh-2.0", " SSH-", "GET / HTTP/1.1", "\x16\x03\x01"}) {
    EXPECT_FALSE(looks_like_ssh(no)) << no;
  }
}

}  // namespace
}  // namespace redoubtful::proxy
