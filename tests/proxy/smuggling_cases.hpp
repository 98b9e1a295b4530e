#pragma once

// The corpus of smuggling_test.cpp: what an attacker sends, and what must come of it.
//
// Sources: RFC 9112 section 11.2, Linhart et al. "HTTP Request Smuggling" (2005), Kettle "HTTP
// Desync Attacks" (2019) and "Browser-Powered Desync" (2022), llhttp and mitmproxy advisories.

#include <ostream>
#include <string>
#include <vector>

#include "proxy/http1.hpp"

namespace redoubtful::proxy::test {

enum class Where { kHead, kBody };

struct SmugglingCase {
  std::string name;
  std::string raw;
  std::vector<std::string> received;  // by the origin, request by request
  unsigned status = 0;                // of the refusal, after those; 0: none
  Http1Entry entry = Http1Entry::kDirect;
  // kBody: the head is judged and may be on its way, but the origin never sees the end of a
  // request; `passed` is what was whole of the body before it broke.
  Where where = Where::kHead;
  std::string passed = {};
};

std::vector<SmugglingCase> smuggling_cases();

// For GoogleTest, which would print the bytes of the object.
void PrintTo(const SmugglingCase& attack, std::ostream* out);

}  // namespace redoubtful::proxy::test
