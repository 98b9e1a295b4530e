#include "cli/browsers.hpp"

#include <algorithm>
#include <array>

#include "cli/home_settings.hpp"
#include "cli/mount_attach.hpp"
#include "cli/nss_database.hpp"

namespace redoubtful::cli {
namespace {

constexpr const char* kPolicyFile = "/etc/redoubtful/browser-policy.json";

// Sources: chromium's policy_path in chrome/common/chrome_paths.cc; Debian's chromium has the
// first.
constexpr std::array kPolicyDirectories = {
    "/etc/chromium/policies/managed",
    "/etc/opt/chrome/policies/managed",
    "/etc/opt/chrome_for_testing/policies/managed",
};

// Sources: xdg-open(1); Debian's alternatives and sensible-browser(1); what gh, Node's open and
// Python's webbrowser look for.
constexpr std::array kOpeners = {"sensible-browser", "www-browser", "x-www-browser", "xdg-open"};

MountStep link_step(std::string target, const char* to) {
  MountStep step = own_step(StepKind::kSymlink, std::move(target));
  step.text = to;
  return step;
}

MountStep later_file(std::string target, mode_t permissions) {
  MountStep step = own_step(StepKind::kFile, std::move(target));
  step.later = true;
  step.permissions = permissions;
  return step;
}

// The armour of PEM without its first and last line and without breaks is the base64 of the DER.
std::string base64_of(const std::string& pem) {
  std::string out;
  std::size_t at = 0;
  while (at < pem.size()) {
    const std::size_t end = std::min(pem.find('\n', at), pem.size());
    const std::string line = pem.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with("-----")) out += line;
  }
  return out;
}

}  // namespace

std::vector<std::string> browser_variables() {
  return {std::string("BROWSER=") + kOpenerDirectory + "/xdg-open"};
}

MountStep chromium_flags_step() {
  MountStep step = own_step(StepKind::kFile, "/etc/chromium.d/redoubtful");
  step.text =
      "# The box confines it. Its own sandbox needs `nested: true`: redoubtful run -u nested ...\n"
      "export CHROMIUM_FLAGS=\"$CHROMIUM_FLAGS --no-sandbox\"\n";
  return step;
}

std::vector<MountStep> opener_steps() {
  std::vector<MountStep> out = {own_step(StepKind::kDirectory, kOpenerDirectory)};
  for (const char* name : kOpeners) {
    out.push_back(link_step(std::string(kOpenerDirectory) + "/" + name, kInitPath));
  }
  return out;
}

void BrowserTrust::add_to(MountPlan& plan) {
  plan.steps.push_back(later_file(kPolicyFile, 0444));
  for (const char* directory : kPolicyDirectories) {
    plan.steps.push_back(link_step(std::string(directory) + "/redoubtful.json", kPolicyFile));
  }
  const std::string database = plan.home + "/.pki/nssdb";
  database_ = !is_laid_over(plan, database);
  if (!database_) return;
  plan.steps.push_back(own_step(StepKind::kTmpfs, database));
  plan.steps.push_back(later_file(database + "/cert9.db", 0600));
}

std::vector<FileText> BrowserTrust::texts(const std::string& authority) const {
  std::vector<FileText> out;
  out.push_back({"{\"CACertificates\": [\"" + base64_of(authority) + "\"]}\n", {}});
  if (!database_) return out;
  const auto certificates = certificates_of(authority);
  out.push_back({certificates.empty() ? std::string() : nss_database(certificates.front()), {}});
  return out;
}

}  // namespace redoubtful::cli
