#include "cli/page_requests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

namespace redoubtful::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class Pages : public ::testing::Test {
 protected:
  std::vector<std::string> said;
  PageRequests pages{[this](const std::string& line) { said.push_back(line); }};
};

TEST(PrintableAddress, LeavesAGoodOneAsItIs) {
  for (const char* address : {"https://github.com/login/device?code=ABCD-1234&x=%20#top",
                              "http://localhost:3000/", "mailto:me@example.test",
                              "/home/me/src/report.html", "https://[::1]:8443/~me/(a)'!*$,;=+"}) {
    EXPECT_EQ(printable_address(address), address);
  }
}

// The attack: an address that writes into the terminal of whoever reads it, or a line of our own.
TEST(PrintableAddress, HasNothingATerminalObeys) {
  EXPECT_EQ(printable_address("https://x/\x1b]52;c;ZXZpbA==\x07"),
            "https://x/%1B]52;c;ZXZpbA==%07");
  EXPECT_EQ(printable_address("https://x\r\nredoubtful: all is well"),
            "https://x%0D%0Aredoubtful:%20all%20is%20well");
  EXPECT_EQ(printable_address("https://b\xC3\xBC"
                              "cher/\x9b\x7f"),
            "https://b%C3%BCcher/%9B%7F");
  EXPECT_EQ(printable_address(std::string("a\0b", 3)), "a%00b");
}

TEST_F(Pages, AreSaidOnceEach) {
  pages.ask("https://one.example/");
  pages.ask("https://two.example/");
  pages.ask("https://one.example/");
  pages.ask("");
  EXPECT_THAT(said,
              ElementsAre(EndsWith(": https://one.example/"), EndsWith(": https://two.example/")));
  pages.repeat();
  EXPECT_EQ(said.size(), 4U);
}

TEST_F(Pages, AreNotAWayToFloodTheScreen) {
  for (int i = 0; i < 1000; ++i) pages.ask("https://x.example/" + std::to_string(i));
  ASSERT_EQ(said.size(), 21U);
  EXPECT_THAT(said[19], EndsWith("/19"));
  EXPECT_THAT(said[20], HasSubstr("not shown any more"));
}

TEST_F(Pages, ArriveAsDatagramsAndOneThatIsTooLongIsDropped) {
  EventLoop loop;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd theirs(ends[0]);
  pages.listen(loop, UniqueFd(ends[1]));
  const std::string longest = "https://x/" + std::string(8192 - 10, 'a');
  for (const auto& text : {std::string("https://first/"), longest + "b", longest}) {
    ASSERT_EQ(::send(theirs.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  ASSERT_TRUE(loop.run_once(std::chrono::milliseconds(1000)));
  EXPECT_THAT(said, ElementsAre(EndsWith("https://first/"), EndsWith(longest)));
  pages.stop();
  ASSERT_EQ(::send(theirs.get(), "https://late/", 13, 0), 13);
  ASSERT_TRUE(loop.run_once(std::chrono::milliseconds(0)));
  EXPECT_EQ(said.size(), 2U);
}

}  // namespace
}  // namespace redoubtful::cli
