#include "cli/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>

namespace redoubtful::cli::log {
namespace {

std::chrono::steady_clock::time_point g_start = std::chrono::steady_clock::now();
Verbosity g_verbosity = Verbosity::kNormal;

// While a terminal is relayed it is in raw mode, where a bare newline does not return the carriage;
// the extra one does no harm otherwise.
spdlog::logger& logger() {
  static spdlog::logger instance = [] {
    spdlog::logger made("redoubtful", std::make_shared<spdlog::sinks::stderr_sink_st>());
    made.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "redoubtful: %v", spdlog::pattern_time_type::local, ::isatty(2) == 1 ? "\r\n" : "\n"));
    made.set_level(spdlog::level::trace);
    return made;
  }();
  return instance;
}

}  // namespace

void configure(Verbosity verbosity) { g_verbosity = verbosity; }

void error(std::string_view text) { logger().error(text); }

void note(std::string_view text) {
  if (g_verbosity != Verbosity::kQuiet) logger().info(text);
}

void stage(std::string_view text) {
  if (g_verbosity == Verbosity::kTimed) {
    const std::chrono::duration<double, std::milli> since =
        std::chrono::steady_clock::now() - g_start;
    logger().debug("{:7.2f} ms  {}", since.count(), text);
  } else if (g_verbosity == Verbosity::kVerbose) {
    logger().debug(text);
  }
}

void plain(std::string_view lines) { std::fwrite(lines.data(), 1, lines.size(), stderr); }

void error(const Error& problem) {
  error(problem.what());
  if (!problem.hint().empty()) error("  " + problem.hint());
}

}  // namespace redoubtful::cli::log
