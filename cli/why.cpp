#include "cli/why.hpp"

#include <cstdio>

#include "cli/log.hpp"
#include "cli/programs.hpp"
#include "cli/proxy_process.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr int kNo = 1;

void print_line(const std::string& line) { std::fprintf(stdout, "%s\n", line.c_str()); }

// The proxy's words may quote what an origin said. It escapes that; nobody has to rely on it.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

}  // namespace

Result<int> why(const Places& places, Profile profile, const std::string& target) {
  if (profile.network.mode.value == NetworkMode::kDangerouslyOpen) {
    print_line("allowed: the network mode is dangerously-open (" +
               profile.network.mode.origin.text() + "), so nothing is looked at");
    return 0;
  }
  // They have opened their hosts by now, which is all that counts here.
  profile.credentials.clear();
  // Asking is nothing that an audit has to know of.
  profile.audit = {};
  const auto environment = own_environment();
  auto proxy = ProxyProcess::start(environment);
  if (!proxy) return std::move(proxy).error();
  auto configured = proxy->configure({.session = "why",
                                      .profile = &profile,
                                      .home = places.home,
                                      .environment = environment,
                                      .audit = {}});
  if (!configured) return std::move(configured).error();
  auto ready = proxy->wait_until_ready();
  if (!ready) return std::move(ready).error();
  for (const auto& note : ready->notes) log::note(note);
  auto result = proxy->probe({.target = target, .method = "GET"});
  if (!result) return std::move(result).error();
  for (const auto& line : result->lines) print_line(printable(line));
  for (const auto& line : proxy->complaints().lines) log::note(line);
  return result->reachable != 0 ? 0 : kNo;
}

}  // namespace redoubtful::cli
