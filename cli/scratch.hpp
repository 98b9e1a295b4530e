#pragma once

// A directory of nobody else's that is gone again, with everything in it, when it goes out of
// scope: a home and a project for runs that `doctor` and `demo` make to show what happens.

#include <string>
#include <vector>

#include "common/error.hpp"

namespace redoubtful::cli {

class Scratch {
 public:
  // In $TMPDIR, or /tmp where that is unset or lies where no project can; mode 0700. Errors:
  // kSystemCall.
  static Result<Scratch> make();

  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&&) = delete;
  Scratch(const Scratch&) = delete;
  ~Scratch();

  std::string home() const { return path_ + "/home"; }
  std::string project() const { return path_ + "/home/project"; }

  // A file with `content`, its directories made. `path` lies below home(). Errors: kSystemCall.
  Result<void> write(const std::string& path, const std::string& content) const;

  // For our own program: this home, and nothing of the caller's environment but TERM and the like.
  std::vector<std::string> environment() const;

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Our own program, as it is installed: what a demonstration has to run. Errors: kSystemCall.
Result<std::string> own_program();

}  // namespace redoubtful::cli
