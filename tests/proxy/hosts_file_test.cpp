#include "proxy/hosts_file.hpp"

#include <gtest/gtest.h>

namespace redoubtful::proxy {
namespace {

std::vector<std::string> found(const std::string& text, const std::string& name) {
  std::vector<std::string> addresses;
  for (const auto& address : HostsFile(text).addresses(Host::parse(name).value())) {
    addresses.push_back(address.to_string());
  }
  return addresses;
}
using List = std::vector<std::string>;

TEST(HostsFile, TellsTheAddressesOfANameInTheirOrder) {
  const std::string text =
      "# comment a.test\n"
      "127.0.0.1\tlocalhost\n"
      "\n"
      "  203.0.113.7   a.test   b.test # and c.test\n"
      "2001:db8::7 A.Test.\r\n"
      "203.0.113.7 a.test\n"
      "fe80::1%eth0 a.test\n"
      "203.0.113.8 aa.test a.testing\n"
      "nonsense a.test\n"
      "203.0.113.300 a.test\n"
      "203.0.113.9";
  EXPECT_EQ(found(text, "a.test"), (List{"203.0.113.7", "2001:db8::7"}));
  EXPECT_EQ(found(text, "b.test"), List{"203.0.113.7"});
  EXPECT_EQ(found(text, "localhost"), List{"127.0.0.1"});
  EXPECT_EQ(found(text, "c.test"), List{});
  EXPECT_EQ(found(text, "test"), List{});
  EXPECT_EQ(found("203.0.113.1 last.test", "last.test"), List{"203.0.113.1"});
}

TEST(HostsFile, OneThatCannotBeReadIsEmpty) {
  EXPECT_TRUE(
      HostsFile::read("/nonexistent/hosts").addresses(Host::parse("localhost").value()).empty());
  EXPECT_TRUE(found("", "a.test").empty());
  EXPECT_TRUE(found("\n\n#\n \n", "a.test").empty());
}

}  // namespace
}  // namespace redoubtful::proxy
