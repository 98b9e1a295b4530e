#include "cli/control_group.hpp"

#include <gtest/gtest.h>

#include "cli/limits.hpp"

namespace redoubtful::cli {
namespace {

constexpr const char* kUnified =
    "24 30 0:22 / /proc rw - proc proc rw\n"
    "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kHybrid =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "39 31 0:36 / /sys/fs/cgroup/cpu,pids rw - cgroup cgroup rw,cpu,pids\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

struct Found {
  const char* what;
  const char* groups;
  const char* mounts;
  const char* controller;
  GroupVersion version;
  const char* directory;
  const char* top;
};

TEST(ControlGroup, OwnGroupIsFoundWhereItIsMounted) {
  const Found cases[] = {
      {"a desktop", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n",
       kUnified, "memory", GroupVersion::kTwo,
       "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope",
       "/sys/fs/cgroup"},
      {"the root group", "0::/\n", kUnified, "pids", GroupVersion::kTwo, "/sys/fs/cgroup",
       "/sys/fs/cgroup"},
      {"version 1, alone", "4:memory:/jobs/7\n0::/\n", kHybrid, "memory", GroupVersion::kOne,
       "/sys/fs/cgroup/memory/jobs/7", "/sys/fs/cgroup/memory"},
      {"version 1, two controllers in one", "8:cpu,pids:/\n0::/\n", kHybrid, "pids",
       GroupVersion::kOne, "/sys/fs/cgroup/cpu,pids", "/sys/fs/cgroup/cpu,pids"},
      {"no version 1 hierarchy has it", "4:memory:/\n0::/x\n", kHybrid, "pids", GroupVersion::kTwo,
       "/sys/fs/cgroup/unified/x", "/sys/fs/cgroup/unified"},
      {"a container shows its own subtree", "0::/docker/ab/job\n",
       "9 1 0:9 /docker/ab /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "memory", GroupVersion::kTwo,
       "/sys/fs/cgroup/job", "/sys/fs/cgroup"},
      {"that subtree itself", "0::/docker/ab\n",
       "9 1 0:9 /docker/ab /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "memory", GroupVersion::kTwo,
       "/sys/fs/cgroup", "/sys/fs/cgroup"},
      {"a mount point with a space", "0::/x\n", "9 1 0:9 / /a\\040b rw - cgroup2 cgroup rw\n",
       "memory", GroupVersion::kTwo, "/a b/x", "/a b"},
      {"a mount over another", "0::/x\n",
       "9 1 0:9 / /old rw - cgroup2 cgroup rw\n10 1 0:9 / /new rw - cgroup2 cgroup rw\n", "memory",
       GroupVersion::kTwo, "/new/x", "/new"},
      {"a group with a colon", "0::/a:b/c\n", kUnified, "memory", GroupVersion::kTwo,
       "/sys/fs/cgroup/a:b/c", "/sys/fs/cgroup"},
  };
  for (const auto& test : cases) {
    const auto found = find_own_group(test.groups, test.mounts, test.controller);
    ASSERT_TRUE(found) << test.what;
    EXPECT_EQ(found->version, test.version) << test.what;
    EXPECT_EQ(found->directory, test.directory) << test.what;
    EXPECT_EQ(found->top, test.top) << test.what;
  }
}

TEST(ControlGroup, NothingIsFoundThatCannotBeSeen) {
  const std::pair<const char*, std::pair<const char*, const char*>> cases[] = {
      {"nothing at all", {"", ""}},
      {"no hierarchy mounted", {"0::/x\n", "24 30 0:22 / /proc rw - proc proc rw\n"}},
      {"outside the cgroup namespace", {"0::/../other\n", kUnified}},
      {"outside the mounted subtree",
       {"0::/docker/abc\n", "9 1 0:9 /docker/ab /sys/fs/cgroup rw - cgroup2 cgroup rw\n"}},
      {"version 1 not mounted, and version 2 does not count then",
       {"4:memory:/\n0::/\n", "41 31 0:38 / /u rw - cgroup2 cgroup2 rw\n"}},
      {"a named hierarchy is no controller",
       {"9:name=memory:/\n", "35 31 0:32 / /m rw - cgroup cgroup rw,name=memory\n"}},
      {"half a line", {"0:", "35 31 0:32 / /m rw - cgroup2"}},
      {"a memory_x hierarchy",
       {"4:memory_x:/\n", "35 31 0:32 / /m rw - cgroup cgroup rw,memory_x\n"}},
  };
  for (const auto& [what, text] : cases) {
    EXPECT_FALSE(find_own_group(text.first, text.second, "memory")) << what;
  }
}

TEST(BoxLimits, MemoryIsWrittenAsItIsMeant) {
  const std::pair<std::uint64_t, const char*> cases[] = {
      {std::uint64_t{8} << 30U, "8G"},
      {std::uint64_t{1536} << 20U, "1536M"},
      {std::uint64_t{1} << 40U, "1T"},
      {4096, "4K"},
      {1000000, "1000000 bytes"},
      {1023, "1023 bytes"},
      {(std::uint64_t{1} << 30U) + 1, "1073741825 bytes"},
  };
  for (const auto& [bytes, text] : cases) EXPECT_EQ(memory_text(bytes), text);
}

TEST(BoxLimits, NoLimitMakesNothing) {
  const auto limits = BoxLimits::prepare({});
  ASSERT_TRUE(limits);
  EXPECT_TRUE(limits->resource_limits().empty());
  EXPECT_TRUE(limits->notes().empty());
  EXPECT_TRUE(limits->reached().empty());
  EXPECT_TRUE(limits->enter());
}

}  // namespace
}  // namespace redoubtful::cli
