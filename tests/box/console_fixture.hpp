#pragma once

// Runs the console driver (tests/support/programs): the real Console, the real redoubtful-init and
// real programs, without the mounts of a box, with a temporary directory as the working directory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/places.hpp"
#include "tests/support/pty_session.hpp"

namespace redoubtful::test {

inline const std::string kDriver = support_program("console_driver");

class Console : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("REDOUBTFUL_INIT", init_program().c_str(), 1);
    ::setenv("PS1", "$ ", 1);
    ::setenv("ENV", "/dev/null", 1);
    ::setenv("TERM", "xterm", 1);
    char name[] = "/tmp/redoubtful-console-XXXXXX";
    directory_ = ::mkdtemp(name);
    options_.directory = directory_;
    options_.environment["HISTFILE"] = "";
    write("inputrc", "set enable-bracketed-paste off\n");
    options_.environment["INPUTRC"] = path("inputrc");
    options_.environment["D"] = kDriver;
  }
  void TearDown() override {
    [[maybe_unused]] const int removed = std::system(("rm -rf " + directory_).c_str());
  }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }

  std::string read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }

  struct Outcome {
    int status = -1;
    std::string output;  // standard output and standard error
  };

  // A script of the host's shell, without any terminal; $D is the driver.
  Outcome shell(const std::string& script) const {
    const std::string command = "cd " + directory_ + " && setsid sh -c '" + script + "' 2>&1";
    ::setenv("D", kDriver.c_str(), 1);
    Outcome outcome;
    FILE* const pipe = ::popen(command.c_str(), "r");
    char buffer[4096];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) {
      outcome.output.append(buffer, got);
    }
    const int status = ::pclose(pipe);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome;
  }

  // The driver itself as the program of a terminal.
  std::vector<std::string> driver(const std::string& script) const {
    return {kDriver, "bash", "-c", script};
  }

  // An interactive shell with job control as the user's shell.
  std::vector<std::string> host_shell() const { return {"bash", "--norc", "--noprofile", "-i"}; }

  std::string directory_;
  PtyOptions options_;
};

inline int exit_code(std::optional<int> status) {
  if (!status) return -1;
  return WIFEXITED(*status) ? WEXITSTATUS(*status) : 128 + WTERMSIG(*status);
}

}  // namespace redoubtful::test
