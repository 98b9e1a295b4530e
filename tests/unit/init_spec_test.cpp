#include "cli/init_spec.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstring>
#include <random>

#include "cli/init/spec_reader.hpp"

namespace redoubtful::cli {
namespace {

using ::testing::ElementsAre;

InitSpec example() {
  InitSpec spec;
  spec.arguments = {"sh", "-c", "echo \xff \n '\"", ""};
  spec.environment = {"PATH=/usr/bin", "EMPTY=", "ODD=\x01"};
  spec.directory = "/home/me/a b\n";
  spec.limits = {{RLIMIT_NOFILE, 1024, 4096}, {RLIMIT_DATA, 1U << 30U, RLIM_INFINITY}};
  spec.landlock = LandlockSpec{{"/tmp", "/home/me"}};
  TerminalSpec terminal;
  terminal.replaces = {true, false, true};
  terminal.start = StartIn::kBackground;
  terminal.size.ws_row = 31;
  terminal.size.ws_col = 97;
  termios settings{};
  settings.c_lflag = ICANON | ECHO;
  settings.c_cc[VINTR] = 3;
  terminal.settings = settings;
  spec.terminal = terminal;
  return spec;
}

struct Decoded {
  bool ok = false;
  std::string bytes;
  std::vector<char*> pointers;
  init::Spec spec;

  explicit Decoded(std::string input) : bytes(std::move(input)) {
    protocol::SpecHeader header;
    if (!init::read_header(bytes.data(), bytes.size(), header)) return;
    pointers.resize(init::pointers_needed(header));
    ok = init::read_spec(bytes.data(), bytes.size(), pointers.data(), spec);
  }

  static std::vector<std::string> list(char** strings) {
    std::vector<std::string> out;
    for (; *strings != nullptr; ++strings) out.emplace_back(*strings);
    return out;
  }
};

TEST(InitSpec, ArrivesAsItWasWritten) {
  const Decoded decoded(encode(example()).value());
  ASSERT_TRUE(decoded.ok);
  const auto& header = decoded.spec.header;
  EXPECT_STREQ(decoded.spec.directory, "/home/me/a b\n");
  EXPECT_THAT(Decoded::list(decoded.spec.arguments),
              ElementsAre("sh", "-c", "echo \xff \n '\"", ""));
  EXPECT_THAT(Decoded::list(decoded.spec.environment),
              ElementsAre("PATH=/usr/bin", "EMPTY=", "ODD=\x01"));
  EXPECT_THAT(Decoded::list(decoded.spec.writable), ElementsAre("/tmp", "/home/me"));
  EXPECT_EQ(header.flags, protocol::kTerminalOn0 | protocol::kTerminalOn2 |
                              protocol::kMakeTerminal | protocol::kInBackground |
                              protocol::kCopyTermios | protocol::kConfineWrites);
  EXPECT_EQ(header.rows, 31);
  EXPECT_EQ(header.columns, 97);
  EXPECT_EQ(header.termios.local, static_cast<std::uint32_t>(ICANON | ECHO));
  EXPECT_EQ(header.termios.characters[VINTR], 3);
  ASSERT_EQ(header.limit_count, 2);
  EXPECT_EQ(header.limits[1].soft, 1U << 30U);
  EXPECT_EQ(header.limits[1].hard, RLIM_INFINITY);
}

TEST(InitSpec, RefusesWhatCannotBeStarted) {
  InitSpec no_command = example();
  no_command.arguments.clear();
  InitSpec nul = example();
  nul.environment.emplace_back(std::string("A=b\0c", 5));
  InitSpec relative = example();
  relative.directory = "here";
  InitSpec huge = example();
  huge.arguments.emplace_back(protocol::kMaxSpecBytes, 'x');
  InitSpec limits = example();
  limits.limits.resize(protocol::kMaxLimits + 1);
  for (const InitSpec& spec : {no_command, nul, relative, huge, limits}) {
    const auto result = encode(spec);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Errc::kUsage);
  }
}

TEST(InitSpec, EveryTruncationAndExtensionIsRefused) {
  const std::string whole = encode(example()).value();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(Decoded(whole.substr(0, length)).ok) << length;
  }
  EXPECT_FALSE(Decoded(whole + '\0').ok);
  // Also where the header agrees with the length.
  const auto with_length = [](std::string bytes) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(bytes.data() + offsetof(protocol::SpecHeader, bytes), &size, sizeof size);
    return bytes;
  };
  for (std::size_t length = sizeof(protocol::SpecHeader); length < whole.size(); ++length) {
    EXPECT_FALSE(Decoded(with_length(whole.substr(0, length))).ok) << length;
  }
  EXPECT_FALSE(Decoded(with_length(whole + '\0')).ok);
  EXPECT_TRUE(Decoded(with_length(whole)).ok);
}

TEST(InitSpec, RefusesOtherVersionsAndImpossibleCounts) {
  const auto changed = [](auto change) {
    std::string bytes = encode(example()).value();
    protocol::SpecHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    change(header);
    std::memcpy(bytes.data(), &header, sizeof header);
    return Decoded(bytes).ok;
  };
  EXPECT_TRUE(changed([](auto&) {}));
  EXPECT_FALSE(changed([](auto& header) { header.magic ^= 1U; }));
  EXPECT_FALSE(changed([](auto& header) { ++header.version; }));
  EXPECT_FALSE(changed([](auto& header) { header.flags |= 1U << 31U; }));
  EXPECT_FALSE(changed([](auto& header) { header.limit_count = protocol::kMaxLimits + 1; }));
  EXPECT_FALSE(changed([](auto& header) { header.argument_count = 0; }));
  EXPECT_FALSE(changed([](auto& header) { header.argument_count = 0xFFFFFFFF; }));
  EXPECT_FALSE(changed([](auto& header) { ++header.variable_count; }));
  EXPECT_FALSE(changed([](auto& header) { --header.writable_count; }));
}

TEST(InitSpec, SurvivesRandomDamage) {
  const std::string whole = encode(example()).value();
  std::mt19937 random(4711);
  std::size_t accepted = 0;
  for (int round = 0; round < 100'000; ++round) {
    std::string bytes = whole;
    for (int i = 0; i < 3; ++i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const Decoded decoded(bytes);
    if (decoded.ok) ++accepted;
  }
  EXPECT_GT(accepted, 0U) << "damage inside a string is still a specification";
}

TEST(InitSpec, TheMemoryFileCannotBeChangedAnyMore) {
  const auto fd = seal(example());
  ASSERT_TRUE(fd);
  EXPECT_EQ(::pwrite(fd->get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(fd->get(), 0), -1);
  EXPECT_EQ(::fcntl(fd->get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
  EXPECT_EQ(::mmap(nullptr, 1, PROT_WRITE, MAP_SHARED, fd->get(), 0), MAP_FAILED);
  EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace redoubtful::cli
