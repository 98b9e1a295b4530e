#pragma once

// Running a program from a test: exact environment, input, descriptors and terminal; what it
// printed and how it ended, with a deadline, so that nothing a box does can hang a test.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/child_process.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::test {

inline constexpr std::chrono::seconds kRunDeadline{30};

enum class ProcessGroup { kOwn, kShared };  // shared: with the test, as a script's commands are

// How descriptors 0, 1 and 2 are connected. kTerminal: a pseudo terminal that is the controlling
// one of a new session, as in a terminal window; everything printed is then in Outcome::out.
enum class Streams { kPipes, kTerminal };

struct Program {
  std::vector<std::string> arguments{};    // the first is the path
  std::vector<std::string> environment{};  // exact
  std::string directory = "/";
  std::string input{};  // for kPipes: written to standard input, which then ends
  Streams streams = Streams::kPipes;
  ProcessGroup group = ProcessGroup::kOwn;
  std::map<int, int> descriptors{};  // number in the child -> number here; beats input for 0
};

struct Outcome {
  int status = -1;  // as a shell reports it: 128+n for a signal
  bool timed_out = false;
  std::string out;
  std::string err;
};

class Running {
 public:
  // Fails the test and returns something that has ended when it cannot be started.
  static Running start(const Program& program);

  pid_t pid() const noexcept { return child_.pid(); }
  void signal(int number) const noexcept { child_.signal(number); }
  void type(std::string_view bytes) const;  // kTerminal: on the keyboard
  // Reads until `text` has been printed. False at the deadline or the end.
  bool wait_for(std::string_view text, std::chrono::milliseconds deadline = kRunDeadline);
  // Waits for the end; kills the whole group at the deadline.
  Outcome finish(std::chrono::milliseconds deadline = kRunDeadline);

 private:
  bool read_some(std::chrono::steady_clock::time_point until);
  void drain();

  ChildProcess child_;
  UniqueFd input_, out_, err_;
  std::string pending_;
  Outcome outcome_;
};

Outcome run(const Program& program, std::chrono::milliseconds deadline = kRunDeadline);

// Makes this process the one that inherits orphans, so that remaining_descendants() sees what any
// program it started left behind, however it was detached.
void adopt_orphans();

// What is still there below this process when `patience` is over, as "PID NAME"; reaps what ended.
// Needs adopt_orphans() before the programs in question were started.
std::vector<std::string> remaining_descendants(std::chrono::milliseconds patience);

// Kills and reaps whatever is below this process.
void end_descendants();

// The ids of all descendants of `pid`; those with this name (/proc/PID/comm).
std::vector<pid_t> descendants_of(pid_t pid);
std::vector<pid_t> descendants_named(pid_t pid, std::string_view name);

}  // namespace redoubtful::test
