#include "cli/passed_descriptors.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/file.hpp"
#include "common/pipe.hpp"

namespace redoubtful::cli {
namespace {

struct Pair {
  explicit Pair(int type = SOCK_SEQPACKET) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
    near = UniqueFd(ends[0]);
    far = UniqueFd(ends[1]);
  }
  UniqueFd near;
  UniqueFd far;
};

TEST(PassedDescriptors, ArriveInOrderAndAreTheSameFiles) {
  const Pair pair;
  auto first = make_pipe();
  auto second = make_pipe();
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(pass_descriptors(pair.near.get(), "ab", {first->write.get(), second->write.get()}));
  auto taken = take_descriptors(pair.far.get());
  ASSERT_TRUE(taken) << taken.error().what();
  EXPECT_EQ(taken->bytes, "ab");
  ASSERT_EQ(taken->descriptors.size(), 2U);
  ASSERT_TRUE(write_all(taken->descriptors[1].get(), "x"));
  char byte = 0;
  EXPECT_EQ(::read(second->read.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
}

TEST(PassedDescriptors, APacketThatIsNotThereIsNotWaitedFor) {
  const Pair pair;
  auto taken = take_descriptors(pair.far.get());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().system_errno(), EAGAIN);
}

TEST(PassedDescriptors, OneThatDoesNotFitIsRefused) {
  const Pair pair;
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  ASSERT_TRUE(pass_descriptors(pair.near.get(), std::string(1000, 'x'), {pipe->write.get()}));
  auto taken = take_descriptors(pair.far.get());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), Errc::kPeerProtocol);
}

TEST(PassedDescriptors, AnEndThatIsGoneIsAnError) {
  Pair pair;
  pair.far.reset();
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  auto passed = pass_descriptors(pair.near.get(), "x", {pipe->write.get()});
  ASSERT_FALSE(passed);
  EXPECT_EQ(passed.error().system_errno(), EPIPE);
}

}  // namespace
}  // namespace redoubtful::cli
