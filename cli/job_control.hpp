#pragma once

// Stopping oneself as the terminal would have done it, so that the caller's shell sees a stopped
// job.

namespace redoubtful::cli {

// kGroup: everybody in the pipeline or script, as with ^Z. kSelf: this process only.
enum class StopScope { kSelf, kGroup };

// True when stopped and continued again; false, at once, when nothing could stop us (SIGTSTP and
// friends in an orphaned process group; a signal that was ignored from the start). The caller has
// blocked `signal_number` and SIGCONT; both are blocked again afterwards.
bool stop_until_continued(int signal_number, StopScope scope);

// What the process was started with.
bool is_ignored(int signal_number);

}  // namespace redoubtful::cli
