#include "proxy/own_connection.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "common/child_process.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

TEST(OwnConnection, IsToldFromThoseOfOthers) {
  asio::io_context context;
  for (const char* address : {"127.0.0.1", "::1", "::"}) {
    const auto bound = asio::ip::make_address(address);
    Tcp::acceptor listener(context, Tcp::endpoint(bound, 0));
    const Tcp::endpoint where(
        asio::ip::make_address(bound.is_unspecified() ? "127.0.0.1" : address),
        listener.local_endpoint().port());

    Tcp::socket own(context);
    own.connect(where);
    Tcp::socket back = listener.accept();
    EXPECT_TRUE(is_own_connection(back)) << address;
    own.close();
    EXPECT_FALSE(is_own_connection(back)) << address << ": its end is gone";

    auto other = ChildProcess::fork([&]() -> int {
      const int fd = ::socket(where.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
      char byte = 0;
      if (::connect(fd, where.data(), static_cast<socklen_t>(where.size())) != 0) return 1;
      return static_cast<int>(::read(fd, &byte, 1));  // until this test closes it
    });
    ASSERT_TRUE(other);
    Tcp::socket theirs = listener.accept();
    EXPECT_FALSE(is_own_connection(theirs)) << address;
    theirs.close();
    EXPECT_EQ(shell_status(other->wait()), 0);
  }
}

}  // namespace
}  // namespace redoubtful::proxy
