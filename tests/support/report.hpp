#pragma once

// What a probe printed (tests/box/probes/probe.h), as assertions.

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/program.hpp"

namespace redoubtful::test {

class ProbeReport {
 public:
  explicit ProbeReport(Outcome outcome);

  // The probe came to its end. Ask this first: a probe that died early refuses nothing.
  testing::AssertionResult complete() const;
  // The attempt was made, and failed for one of these reasons (any, when none is named). An attempt
  // that killed its process counts as refused, by the name of the signal.
  testing::AssertionResult refused(std::string_view attempt,
                                   std::vector<std::string_view> reasons = {}) const;
  testing::AssertionResult worked(std::string_view attempt) const;

  // "WORKED", "refused EPERM" ...; empty when there was no such attempt.
  std::string answer(std::string_view attempt) const;
  // All attempts in order.
  std::vector<std::string> attempts() const;
  // Lines that begin with `prefix`, without it.
  std::vector<std::string> lines(std::string_view prefix) const;
  const Outcome& outcome() const noexcept { return outcome_; }

 private:
  Outcome outcome_;
  std::vector<std::string> lines_;
};

}  // namespace redoubtful::test
