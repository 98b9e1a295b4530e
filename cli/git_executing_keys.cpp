#include "cli/git_executing_keys.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace redoubtful::cli {
namespace {

constexpr std::string_view kRuns = "runs a program";
constexpr std::string_view kReads = "makes git read further configuration";
constexpr std::string_view kTrust = "changes whom git believes";
constexpr std::string_view kSends = "changes where git fetches from or pushes to";
constexpr std::string_view kPlace = "changes which files git works on";

enum class When {
  kAlways,
  kNotBoolean,    // "pager.log = false" only switches it off
  kDangerousUrl,  // is_dangerous_git_url()
  kShell,         // a value that begins with "!"
  kSlash,         // a name that should be a plain word is used as a path
};

struct Rule {
  std::string_view section;
  std::string_view name;  // "" for every name; "*x" for names that end in x, "x*" that begin with x
  std::string_view why;
  When when = When::kAlways;
};

// Rules hold with and without a subsection: where git knows only one form, the other does nothing.
constexpr Rule kRules[] = {
    {"alias", "", kRuns},
    {"annex", "*command", kRuns},
    {"annex", "*options", kRuns},
    {"branch", "pushremote", kRuns, When::kDangerousUrl},
    {"branch", "remote", kRuns, When::kDangerousUrl},
    {"browser", "", kRuns},
    {"checkout", "defaultremote", kRuns, When::kDangerousUrl},
    {"core", "alternaterefscommand", kRuns},
    {"core", "askpass", kRuns},
    {"core", "attributesfile", kReads},
    {"core", "editor", kRuns},
    {"core", "fsmonitor", kRuns, When::kNotBoolean},
    {"core", "gitproxy", kRuns},
    {"core", "hookspath", kRuns},
    {"core", "pager", kRuns},
    {"core", "protecthfs", kTrust},
    {"core", "protectntfs", kTrust},
    {"core", "sshcommand", kRuns},
    {"core", "virtualfilesystem", kRuns},
    {"core", "worktree", kPlace},
    {"credential", "helper", kRuns},
    {"credential", "protectprotocol", kTrust},
    {"credential", "sanitizeprompt", kTrust},
    {"diff", "command", kRuns},
    {"diff", "external", kRuns},
    {"diff", "guitool", kRuns, When::kSlash},
    {"diff", "textconv", kRuns},
    {"diff", "tool", kRuns, When::kSlash},
    {"difftool", "cmd", kRuns},
    {"difftool", "path", kRuns},
    {"filter", "", kRuns},
    {"gc", "recentobjectshook", kRuns},
    {"gitcvs", "", kRuns},
    {"gpg", "allowedsignersfile", kTrust},
    {"gpg", "defaultkeycommand", kRuns},
    {"gpg", "mintrustlevel", kTrust},
    {"gpg", "program", kRuns},
    {"gpg", "revocationfile", kTrust},
    {"guitool", "", kRuns},
    {"help", "browser", kRuns},
    {"hook", "", kRuns},
    {"http", "cookiefile", kTrust},
    {"http", "curloptresolve", kSends},
    {"http", "delegation", kTrust},
    {"http", "extraheader", kSends},
    {"http", "pinnedpubkey", kTrust},
    {"http", "proxy*", kSends},
    {"http", "savecookies", kPlace},
    {"http", "schannel*", kTrust},
    {"http", "ssl*", kTrust},
    {"imap", "", kSends},
    {"include", "path", kReads},
    {"includeif", "path", kReads},
    {"init", "templatedir", kReads},
    {"instaweb", "", kRuns},
    {"interactive", "difffilter", kRuns},
    {"lfs", "clean", kRuns},
    {"lfs", "customtransfer", kRuns},
    {"lfs", "gitprotocol", kSends},
    {"lfs", "path", kRuns},
    {"lfs", "args", kRuns},
    {"lfs", "proxy", kSends},
    {"lfs", "pushurl", kSends},
    {"lfs", "smudge", kRuns},
    {"lfs", "sshtransfer", kRuns},
    {"lfs", "standalonetransferagent", kRuns},
    {"lfs", "url", kSends},
    {"man", "", kRuns},
    {"merge", "driver", kRuns},
    {"merge", "guitool", kRuns, When::kSlash},
    {"merge", "tool", kRuns, When::kSlash},
    {"mergetool", "cmd", kRuns},
    {"mergetool", "layout", kRuns},
    {"mergetool", "path", kRuns},
    {"pager", "", kRuns, When::kNotBoolean},
    {"protocol", "allow", kTrust},
    {"pull", "octopus", kRuns},
    {"pull", "twohead", kRuns},
    // The format's %n starts a new line of the todo list, which may be "exec …".
    {"rebase", "instructionformat", kRuns},
    {"remote", "annex-*", kRuns},
    {"remote", "proxy*", kSends},
    {"remote", "pushdefault", kRuns, When::kDangerousUrl},
    {"remote", "pushurl", kRuns, When::kDangerousUrl},
    {"remote", "receivepack", kRuns},
    {"remote", "uploadpack", kRuns},
    {"remote", "url", kRuns, When::kDangerousUrl},
    {"remote", "vcs", kRuns},
    {"safe", "", kTrust},
    {"sendemail", "*cmd", kRuns},
    {"sendemail", "aliasesfile", kReads},
    {"sendemail", "smtp*", kRuns},
    {"sequence", "editor", kRuns},
    {"submodule", "update", kRuns, When::kShell},
    {"submodule", "url", kRuns, When::kDangerousUrl},
    {"svn", "authorsfile", kReads},
    {"svn", "authorsprog", kRuns},
    {"tar", "command", kRuns},
    {"trace2", "", kPlace},
    {"trailer", "cmd", kRuns},
    {"trailer", "command", kRuns},
    {"uploadpack", "packobjectshook", kRuns},
    {"url", "insteadof", kSends},
    {"url", "pushinsteadof", kSends},
    {"web", "browser", kRuns},
};

bool name_fits(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return true;
  if (pattern.front() == '*') return name.ends_with(pattern.substr(1));
  if (pattern.back() == '*') return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return name == pattern;
}

bool is_boolean(const GitConfigEntry& entry) {
  if (!entry.value) return true;
  std::string text = *entry.value;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  constexpr std::array<std::string_view, 9> kWords = {"",   "true", "false", "yes", "no",
                                                      "on", "off",  "0",     "1"};
  return std::find(kWords.begin(), kWords.end(), text) != kWords.end();
}

bool holds(When when, const GitConfigEntry& entry) {
  const std::string_view value = entry.value ? std::string_view(*entry.value) : std::string_view();
  switch (when) {
    case When::kAlways:
      return true;
    case When::kNotBoolean:
      return !is_boolean(entry);
    case When::kDangerousUrl:
      return is_dangerous_git_url(value);
    case When::kShell:
      return value.starts_with('!');
    case When::kSlash:
      return value.find('/') != std::string_view::npos;
  }
  return true;
}

// git-annex keeps plain facts about a remote under the same prefix as its commands.
bool is_plain_annex_fact(std::string_view name) {
  constexpr std::array<std::string_view, 6> kFacts = {"annex-uuid",     "annex-ignore",
                                                      "annex-sync",     "annex-cost",
                                                      "annex-readonly", "annex-config-uuid"};
  return std::find(kFacts.begin(), kFacts.end(), name) != kFacts.end();
}

}  // namespace

std::string_view why_executing(const GitConfigEntry& entry) {
  const std::string_view section = entry.section();
  const std::string_view name = entry.name();
  if (section == "remote" && is_plain_annex_fact(name)) return {};
  for (const Rule& rule : kRules) {
    if (rule.section == section && name_fits(rule.name, name) && holds(rule.when, entry)) {
      return rule.why;
    }
  }
  return {};
}

bool is_dangerous_git_url(std::string_view url) {
  if (url.starts_with('-')) return true;
  // "transport::address" names a remote helper; git takes it for one when only letters, digits and
  // "+-." stand before the colons (transport.c, is_transport_helper). Source: gitremote-helpers(7).
  const std::size_t helper = url.find("::");
  if (helper != std::string_view::npos && helper > 0 &&
      std::all_of(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(helper), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c != '\0' && std::strchr("+-._", c) != nullptr);
      })) {
    return true;
  }
  // A host or user that ssh would take for an option; git refuses these itself since 2.14.1.
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  // "ext://…" and the like: a scheme without a transport of its own is a helper's name, too.
  constexpr std::array<std::string_view, 10> kPlain = {
      "http", "https", "git", "ssh", "git+ssh", "ssh+git", "ftp", "ftps", "file", "rsync"};
  const std::string_view name = url.substr(0, scheme);
  if (std::find(kPlain.begin(), kPlain.end(), name) == kPlain.end()) return true;
  std::string_view host = url.substr(scheme + 3);
  host = host.substr(0, host.find('/'));
  if (host.starts_with('-')) return true;
  const std::size_t at = host.rfind('@');
  return at != std::string_view::npos && host.substr(at + 1).starts_with('-');
}

}  // namespace redoubtful::cli
