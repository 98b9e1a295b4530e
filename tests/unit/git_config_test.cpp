#include "cli/git_config.hpp"

#include <algorithm>
#include <random>

#include "cli/git_executing_keys.hpp"
#include "common/text.hpp"
#include "tests/support/scratch_tree.hpp"

namespace redoubtful::cli {
namespace {

using test::ScratchTree;

std::string shown(const std::vector<GitConfigEntry>& entries) {
  // As `git config --list -z` prints: key, newline, value, NUL; without a value, no newline.
  std::string text;
  for (const auto& entry : entries) {
    text += entry.key;
    if (entry.value) text += "\n" + *entry.value;
    text += '\0';
  }
  return text;
}

// git from 2.45 on keeps a tab inside a value, before that it is a space; none of the keys that are
// judged means one thing with a tab and another with a space.
std::string with_spaces(std::string text) {
  std::replace(text.begin(), text.end(), '\t', ' ');
  return text;
}

const char* const kCorpus[] = {
    "",
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n",
    ("[remote \"origin\"]\n\turl = https://example.test/x.git\n\tfetch = "
     "+refs/heads/*:refs/remotes/origin/*\n"),
    "[core]pager=less\n[alias]\tco = checkout ; comment\n",
    "[a \"b\\\"c\\\\d\"]\nk = \"q \\\" \\\\ \\n \\t \\b\" tail # c\n",
    "[A.B]\nKey-1 = v\\\n  continued \\\n\tand on\nbool\n",
    "\xEF\xBB\xBF[core]\r\n\tpager = less\r\n",
    "# only a comment\n; another",
    "[core]\n\teditor = \"vim -c \\\"x; y\\\"\"\n\n\n[x]y\n",
    "[include]\n\tpath = ../evil\n[includeIf \"gitdir:~/\"]\n\tpath = e\n",
    "[core]\n  k = a  b\t c   \n  l = \"  a  \"  \n m=\n n = ;\n",
    "[url \"git@x:\"]\n insteadOf = https://x/\n",
    "[core \"\"]\n k = 1\n[ \"x\"]\n k = 2\n",
    "[core]x = \"a\"b\"c\"\n[core]\ny=a\\\\b\\\"c\n",
};

TEST(GitConfig, ReadsWhatGitReads) {
  ScratchTree tree;
  for (const char* text : kCorpus) {
    tree.write("f", text);
    const auto git = test::git(tree.path(), {"config", "--list", "-z", "--file", "f"});
    auto entries = parse_git_config(text);
    ASSERT_EQ(git.status, 0) << text;
    ASSERT_TRUE(entries) << text << entries.error().what();
    EXPECT_EQ(with_spaces(shown(*entries)), with_spaces(git.output)) << text;
  }
}

TEST(GitConfig, RefusesWhatGitRefuses) {
  ScratchTree tree;
  for (const char* text : {"[core\n", "[core]\nx = \"open\n", "[core]\nx = \\q\n", "[co re]\nx=1\n",
                           "[core \"a]\nx=1\n", "[core \"a\" ]\nx=1\n", "[]\nx=1\n",
                           "[core]\n1x=1\n", "[core]\nx y = 1\n", "[core]\n=1\n",
                           "[core]\nx_y = 1\n", "\xEF\xBB[core]\n", "[a \"b\nc\"]\nx=1\n", "@\n"}) {
    tree.write("f", text);
    EXPECT_NE(test::git(tree.path(), {"config", "--list", "-z", "--file", "f"}).status, 0) << text;
    EXPECT_FALSE(parse_git_config(text)) << text;
  }
}

TEST(GitConfig, CallsWhatVersionsOfGitReadDifferentlyAnAnomaly) {
  for (const std::string& text :
       {std::string("[core]\nx = a\0b\n", 15), std::string("[core]\rx = 1\n"),
        std::string("x = 1\n"), std::string("[core]\nx = \xEF\xBB\xBF\n"),
        std::string("[core]\nx = a\\"), "[core]\nx = " + std::string(2 << 20, 'a') + "\n"}) {
    auto entries = parse_git_config(text);
    ASSERT_FALSE(entries) << quoted(text);
    EXPECT_NE(entries.error().what().find("line "), std::string::npos);
  }
}

// Whatever mutation does: where git accepts the file, we read the same entries or refuse it.
TEST(GitConfig, NeverReadsAMutatedFileOtherwiseThanGit) {
  ScratchTree tree;
  std::mt19937 random(20261120);  // NOLINT: the same mutations in every run
  const std::string alphabet = "[]\"\\=#; \t\n\r.-aZ0core\xEF\xBB\xBF";
  // More for a long run: REDOUBTFUL_GIT_MUTATIONS=20000.
  const char* wanted = std::getenv("REDOUBTFUL_GIT_MUTATIONS");
  const int files = wanted == nullptr ? 400 : std::atoi(wanted);
  int accepted_by_both = 0;
  int accepted_by_git = 0;
  for (int i = 0; i < files; ++i) {
    std::string text = kCorpus[random() % std::size(kCorpus)];
    const unsigned changes = 1 + static_cast<unsigned>(random() % 3);
    for (unsigned k = 0; k < changes; ++k) {
      const std::size_t at = text.empty() ? 0 : random() % text.size();
      const char byte = alphabet[random() % alphabet.size()];
      switch (random() % 4) {
        case 0:
          text.insert(at, 1, byte);
          break;
        case 1:
          if (!text.empty()) text.erase(at, 1);
          break;
        case 2:
          if (!text.empty()) text[at] = byte;
          break;
        default:
          text.insert(at, kCorpus[random() % std::size(kCorpus)]);
      }
    }
    tree.write("f", text);
    const auto git = test::git(tree.path(), {"config", "--list", "-z", "--file", "f"});
    auto entries = parse_git_config(text);
    if (git.status == 0) {
      ++accepted_by_git;
      if (!entries) continue;
      ++accepted_by_both;
      ASSERT_EQ(with_spaces(shown(*entries)), with_spaces(git.output)) << quoted(text, 10'000);
    } else {
      ASSERT_FALSE(entries) << quoted(text, 10'000);
    }
  }
  // The mutations must not all be nonsense, nor our anomalies the rule.
  EXPECT_GT(accepted_by_both, files / 5);
  EXPECT_GT(accepted_by_both * 10, accepted_by_git * 7);
}

struct Planted {
  const char* config;
  const char* key;
};

// Each of these makes git run something or obey somebody; alone in a new file it must be found.
const Planted kPlanted[] = {
    {"[core]\nhooksPath = /tmp/x\n", "core.hookspath"},
    {"[core]\nfsmonitor = /tmp/x\n", "core.fsmonitor"},
    {"[core]\nsshCommand = x\n", "core.sshcommand"},
    {"[CORE]\nPAGER = x\n", "core.pager"},
    {"[core]\neditor = x\n", "core.editor"},
    {"[core]\naskPass = x\n", "core.askpass"},
    {"[core]\ngitProxy = x\n", "core.gitproxy"},
    {"[core]\nalternateRefsCommand = x\n", "core.alternaterefscommand"},
    {"[core]\nattributesFile = x\n", "core.attributesfile"},
    {"[core]\nworktree = /\n", "core.worktree"},
    {"[sequence]\neditor = x\n", "sequence.editor"},
    {"[diff]\nexternal = x\n", "diff.external"},
    {"[diff \"d\"]\ncommand = x\n", "diff.d.command"},
    {"[diff \"d\"]\ntextconv = x\n", "diff.d.textconv"},
    {"[filter \"f\"]\nclean = x\n", "filter.f.clean"},
    {"[filter \"f\"]\nsmudge = x\n", "filter.f.smudge"},
    {"[filter \"f\"]\nprocess = x\n", "filter.f.process"},
    {"[merge \"m\"]\ndriver = x\n", "merge.m.driver"},
    {"[mergetool \"m\"]\ncmd = x\n", "mergetool.m.cmd"},
    {"[mergetool \"m\"]\npath = x\n", "mergetool.m.path"},
    {"[merge]\ntool = ../../x\n", "merge.tool"},
    {"[difftool \"m\"]\ncmd = x\n", "difftool.m.cmd"},
    {"[guitool \"m\"]\ncmd = x\n", "guitool.m.cmd"},
    {"[man \"m\"]\ncmd = x\n", "man.m.cmd"},
    {"[browser \"m\"]\npath = x\n", "browser.m.path"},
    {"[credential]\nhelper = !x\n", "credential.helper"},
    {"[credential \"https://x\"]\nhelper = x\n", "credential.https://x.helper"},
    {"[alias]\nst = !x\n", "alias.st"},
    {"[gpg]\nprogram = x\n", "gpg.program"},
    {"[gpg \"ssh\"]\nprogram = x\n", "gpg.ssh.program"},
    {"[gpg \"ssh\"]\ndefaultKeyCommand = x\n", "gpg.ssh.defaultkeycommand"},
    {"[pager]\nlog = x\n", "pager.log"},
    {"[include]\npath = x\n", "include.path"},
    {"[includeIf \"onbranch:main\"]\npath = x\n", "includeif.onbranch:main.path"},
    {"[url \"a\"]\ninsteadOf = b\n", "url.a.insteadof"},
    {"[url \"a\"]\npushInsteadOf = b\n", "url.a.pushinsteadof"},
    {"[remote \"o\"]\nproxy = x\n", "remote.o.proxy"},
    {"[remote \"o\"]\nvcs = x\n", "remote.o.vcs"},
    {"[remote \"o\"]\nuploadpack = x\n", "remote.o.uploadpack"},
    {"[remote \"o\"]\nreceivepack = x\n", "remote.o.receivepack"},
    {"[remote \"o\"]\nurl = ext::sh -c x\n", "remote.o.url"},
    {"[remote \"o\"]\npushurl = -x\n", "remote.o.pushurl"},
    {"[remote \"o\"]\nurl = ssh://-oProxyCommand=x/y\n", "remote.o.url"},
    {"[branch \"b\"]\nremote = ext::x\n", "branch.b.remote"},
    {"[protocol \"ext\"]\nallow = always\n", "protocol.ext.allow"},
    {"[protocol]\nallow = always\n", "protocol.allow"},
    {"[http]\nproxy = x\n", "http.proxy"},
    {"[http]\nsslVerify = false\n", "http.sslverify"},
    {"[http \"https://x\"]\nsslCAInfo = x\n", "http.https://x.sslcainfo"},
    {"[submodule \"s\"]\nupdate = !x\n", "submodule.s.update"},
    {"[uploadpack]\npackObjectsHook = x\n", "uploadpack.packobjectshook"},
    {"[sendemail]\ntoCmd = x\n", "sendemail.tocmd"},
    {"[sendemail \"i\"]\nsmtpServer = /x\n", "sendemail.i.smtpserver"},
    {"[interactive]\ndiffFilter = x\n", "interactive.difffilter"},
    {"[trailer \"t\"]\ncommand = x\n", "trailer.t.command"},
    {"[trailer \"t\"]\ncmd = x\n", "trailer.t.cmd"},
    {"[tar \"x\"]\ncommand = x\n", "tar.x.command"},
    {"[web]\nbrowser = x\n", "web.browser"},
    {"[init]\ntemplateDir = x\n", "init.templatedir"},
    {"[gc]\nrecentObjectsHook = x\n", "gc.recentobjectshook"},
    {"[hook \"x\"]\ncommand = x\n", "hook.x.command"},
    {"[lfs \"customtransfer.x\"]\npath = x\n", "lfs.customtransfer.x.path"},
    {"[rebase]\ninstructionFormat = %n exec x\n", "rebase.instructionformat"},
    {"[imap]\ntunnel = x\n", "imap.tunnel"},
    {"[instaweb]\nhttpd = x\n", "instaweb.httpd"},
};

TEST(GitConfigRepair, TakesOutEveryExecutingKeyAndNothingElse) {
  const std::string before = "[core]\n\tbare = false\n[user]\n\tname = t\n";
  ScratchTree tree;
  for (const auto& planted : kPlanted) {
    const GitConfigRepair repair = repair_git_config(before, before + planted.config);
    ASSERT_TRUE(repair.repaired) << planted.config;
    EXPECT_FALSE(repair.anomaly) << planted.config;
    ASSERT_EQ(repair.planted.size(), 1u) << planted.config;
    EXPECT_EQ(repair.planted[0].key, planted.key);
    tree.write("f", *repair.repaired);
    tree.write("b", before);
    EXPECT_EQ(test::git(tree.path(), {"config", "--list", "-z", "--file", "f"}).output,
              test::git(tree.path(), {"config", "--list", "-z", "--file", "b"}).output)
        << planted.config;
  }
}

TEST(GitConfigRepair, LeavesOrdinaryWorkAlone) {
  for (const char* config :
       {"[user]\nname = x\n", "[remote \"o\"]\nurl = https://x.test/y.git\nfetch = +a:b\n",
        "[remote \"o\"]\nurl = git@x.test:y/z.git\n", "[remote \"o\"]\nurl = ../other\n",
        "[branch \"b\"]\nremote = origin\nmerge = refs/heads/b\n", "[pager]\nlog = false\n",
        "[core]\nfsmonitor = true\nbare = false\n", "[extensions]\nworktreeConfig = true\n",
        "[submodule \"s\"]\nurl = https://x.test/s\nactive = true\nupdate = rebase\n",
        "[core]\nsparseCheckout = true\n", "[merge]\ntool = vimdiff\n", "[pull]\nrebase = true\n",
        "[lfs]\nrepositoryformatversion = 0\n", "[commit]\ngpgSign = false\n",
        "[remote \"a\"]\nannex-uuid = x\n", "[http]\npostBuffer = 1\n"}) {
    EXPECT_FALSE(repair_git_config("", config).repaired) << config;
  }
}

TEST(GitConfigRepair, KeepsEveryOtherByte) {
  const std::string before = "[core]\n\tpager = less ; mine\n";
  const std::string after =
      "# kept\n[core]\n\tpager = less ; mine\n\n  hooksPath = a\\\n b ; gone\n[x] sshCommand = y\n"
      "[core] sshCommand = z # gone\n\teditor=\"q\"\r\n[user]\r\n  name = \"n\" \n";
  const GitConfigRepair repair = repair_git_config(before, after);
  ASSERT_TRUE(repair.repaired);
  EXPECT_EQ(
      *repair.repaired,
      "# kept\n[core]\n\tpager = less ; mine\n\n[x] sshCommand = y\n[core] \n[user]\r\n  name = "
      "\"n\" \n");
}

TEST(GitConfigRepair, PutsBackWhatForbadeSomething) {
  const std::string before = "[protocol \"ext\"]\n\tallow = never\n[core]\n\thooksPath = /safe\n";
  const GitConfigRepair repair = repair_git_config(before, "[user]\n\tname = x\n");
  ASSERT_TRUE(repair.repaired);
  EXPECT_EQ(repair.removed.size(), 2u);
  EXPECT_FALSE(repair_git_config(before, *repair.repaired).repaired);
  EXPECT_NE(repair.repaired->find("name = x"), std::string::npos);
}

TEST(GitConfigRepair, ReorderingDoesNotChooseAnotherWinner) {
  const std::string before = "[core]\n\tpager = old\n\tpager = new\n";
  const GitConfigRepair repair =
      repair_git_config(before, "[core]\n\tpager = new\n\tpager = old\n");
  ASSERT_TRUE(repair.repaired);
  EXPECT_EQ(parse_git_config(*repair.repaired)->back().value, "new");
}

TEST(GitConfigRepair, DuplicatesAreCounted) {
  const GitConfigRepair repair = repair_git_config(
      "[core]\n\tpager = a\n\tpager = b\n", "[core]\n\tpager = a\n\tpager = b\n\tpager = a\n");
  ASSERT_EQ(repair.planted.size(), 1u);
  EXPECT_EQ(*repair.repaired, "[core]\n\tpager = a\n\tpager = b\n");
}

TEST(GitConfigRepair, GoesBackToTheSnapshotWhenItCannotBeSure) {
  const std::string before = "[core]\n\tbare = false\n";
  for (const std::string& after :
       {before + "[x\n", before + std::string("a\0b = 1\n", 8), "pager = x\n" + before}) {
    const GitConfigRepair repair = repair_git_config(before, after);
    EXPECT_TRUE(repair.anomaly);
    EXPECT_EQ(repair.repaired, before);
  }
}

TEST(GitConfig, FormatsAnEntrySoThatItReadsTheSame) {
  for (const char* text : kCorpus) {
    auto entries = parse_git_config(text);
    ASSERT_TRUE(entries);
    for (const auto& entry : *entries) {
      if (entry.section().empty()) continue;  // "[ \"x\"]": git has no other way to write it
      auto again = parse_git_config(format_git_config_entry(entry));
      ASSERT_TRUE(again) << format_git_config_entry(entry);
      ASSERT_EQ(again->size(), 1u);
      EXPECT_EQ(again->front().key, entry.key);
      EXPECT_EQ(again->front().value, entry.value);
    }
  }
}

}  // namespace
}  // namespace redoubtful::cli
