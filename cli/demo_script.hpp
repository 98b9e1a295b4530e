#pragma once

// What `demo` tries, and what has to come of it. Pure: a script for /bin/sh is made here, and what
// it printed is judged here; demo.cpp runs it, in a box and where it can do no harm also outside.
//
// The same commands run on both sides, so a line never rests on a refusal alone: what is hidden
// inside has to be there outside.

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace redoubtful::cli {

// What the machine offers to show.
struct DemoWorld {
  std::string project;       // in the throw-away home
  std::string home;          // the throw-away home
  std::string real_home;     // of the person; "" when there is none
  std::string secret;        // content of the decoy ~/.ssh/id_ed25519 and of the variables
                             // DEMO_API_KEY and DEMO_TOKEN, which is a credential of the profile
  std::string greeting;      // what both servers outside say
  int forwarded_host = 0;    // port outside; 0: no pasta here
  int forwarded_inside = 0;  // port inside
  int other_port = 0;        // a server outside that nobody forwards
  bool filtered = false;     // a web server stands for kDemoAllowedHost; needs bash
  bool git = false;          // the project is a repository
  bool compiler = false;     // there is a cc
  bool bash = false;         // for connections
  bool unshare = false;      // there is unshare(1)
  uid_t uid = 0;
  gid_t gid = 0;
};

// Names of the demonstration's own: one that its profile allows, one that no rule speaks of.
inline constexpr const char* kDemoAllowedHost = "allowed.demo.example";
inline constexpr const char* kDemoOtherHost = "other.demo.example";

enum class Side { kInside, kOutside };

// Prints one record for each trial and exits with kDemoStatus.
inline constexpr int kDemoStatus = 42;
std::string demo_script(const DemoWorld& world, Side side);

struct TrialOutcome {
  int status = -1;
  std::string output;
};
using TrialOutcomes = std::map<std::string, TrialOutcome>;

// The records in what a script printed. Anything else in it is skipped.
TrialOutcomes parse_outcomes(std::string_view printed);

// What demo.cpp found in the project when the run was over.
struct DemoRemains {
  bool file_kept = false;               // the file the agent wrote, with its content and our uid
  bool hook_unchanged = false;          // the hook, or .envrc, is what it was
  std::optional<std::string> commit;    // the last commit's subject; none: no repository
  std::vector<std::string> unexpected;  // files in the home that nobody asked for
  int status = -1;                      // of the run
};

struct DemoLine {
  std::string_view section;  // "visible", "hidden", "refused", "kept"
  bool holds = false;
  std::string what;
  std::string measured;
};

std::vector<DemoLine> judge(const DemoWorld& world, const TrialOutcomes& inside,
                            const TrialOutcomes& outside, const DemoRemains& remains);

}  // namespace redoubtful::cli
