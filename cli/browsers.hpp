#pragma once

// What browsers inside need, and programs that want to open one.
//
// A browser asks neither the distribution's bundle nor a variable whom to trust. Chromium, Chrome
// and Chrome for Testing obey policies of an administrator, which name the session's authority;
// what comes without policies (Playwright's headless shell, Electron) reads ~/.pki/nssdb, a small
// file system of each run's own, because NSS writes there. The host's own policies are not seen:
// they are about the host's network.
//
// Chromium's own sandbox needs what only `nested: true` leaves open. Else a file in /etc/chromium.d
// says so to Debian's chromium; Playwright starts it without by itself, and others have to be told.
//
// Nobody browses from inside: $BROWSER and the names by which programs look for one are
// redoubtful-init, which asks the supervisor to print the address (cli/init/page_request.hpp).

#include <string>
#include <vector>

#include "cli/mount_plan.hpp"
#include "cli/trust_files.hpp"

namespace redoubtful::cli {

inline constexpr const char* kOpenerDirectory = "/run/redoubtful/bin";  // the first one of PATH

// NAME=VALUE, which profiles may overrule.
std::vector<std::string> browser_variables();

// Links to init by the names of programs that open pages. For every box.
std::vector<MountStep> opener_steps();

// What Debian's chromium reads where its own sandbox cannot be built.
// Source: /usr/bin/chromium of Debian, which sources the files of that directory.
MountStep chromium_flags_step();

// Whom browsers trust: steps at the end of the plan, and the text of its later ones.
class BrowserTrust {
 public:
  // Without the database where a mount of the user's has ~/.pki.
  void add_to(MountPlan& plan);

  // In the order of the steps. `authority` is one certificate in PEM.
  std::vector<FileText> texts(const std::string& authority) const;

 private:
  bool database_ = false;
};

}  // namespace redoubtful::cli
