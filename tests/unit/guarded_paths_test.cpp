#include "cli/guarded_paths.hpp"

#include <gmock/gmock.h>

namespace redoubtful::cli {
namespace {

using testing::HasSubstr;
using Kind = GuardTarget::Kind;

TEST(GuardRules, NamesWhatCannotBeTakenOff) {
  const Sourced<std::string> off[] = {{"!.huski", {"p.yaml", 3, 5, ""}}};
  auto rules = GuardRules::build(off);
  ASSERT_FALSE(rules);
  EXPECT_THAT(rules.error().what(), HasSubstr("p.yaml:3:5"));
  EXPECT_THAT(rules.error().what(), HasSubstr(".husky"));
}

TEST(GuardTargets, LeaveOutWhatIsCoveredAlready) {
  const auto list = guard_targets({{".idea", EntryType::kDirectory},
                                   {".idea/x", EntryType::kFile},
                                   {"a/b/c", EntryType::kFile},
                                   {"secret/.envrc", EntryType::kFile}},
                                  {".git"}, {"secret"});
  EXPECT_EQ(list, (std::vector<GuardTarget>{{".git", Kind::kPin, EntryType::kDirectory},
                                            {".idea", Kind::kReadOnly, EntryType::kDirectory},
                                            {"a", Kind::kPin, EntryType::kDirectory},
                                            {"a/b", Kind::kPin, EntryType::kDirectory},
                                            {"a/b/c", Kind::kReadOnly, EntryType::kFile}}));
}

}  // namespace
}  // namespace redoubtful::cli
