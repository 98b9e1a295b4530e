// Every input that a fuzz target has been given or has found is replayed here, without libFuzzer.

#include "tests/fuzz/box_targets.hpp"
#include "tests/fuzz/control_channel_target.hpp"
#include "tests/fuzz/guard_targets.hpp"
#include "tests/fuzz/host_target.hpp"
#include "tests/fuzz/replay.hpp"

namespace redoubtful {
namespace {

using fuzz::replay;

TEST(FuzzCorpus, GitConfig) { replay("git_config", fuzz::git_config); }
TEST(FuzzCorpus, GitIndex) { replay("git_index", fuzz::git_index); }
TEST(FuzzCorpus, GitFile) { replay("gitfile", fuzz::git_file); }
TEST(FuzzCorpus, ControlChannel) { replay("control_channel", fuzz::control_channel); }
TEST(FuzzCorpus, Profile) { replay("profile", fuzz::profile); }
TEST(FuzzCorpus, InitSpec) { replay("init_spec", fuzz::init_spec); }
TEST(FuzzCorpus, OutputFilter) { replay("output_filter", fuzz::output_filter); }
TEST(FuzzCorpus, Host) { replay("host", fuzz::host); }

}  // namespace
}  // namespace redoubtful
