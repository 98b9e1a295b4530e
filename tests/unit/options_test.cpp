#include "cli/options.hpp"

#include <gtest/gtest.h>

#include "cli/flags.hpp"
#include "cli/help.hpp"

namespace redoubtful::cli {
namespace {

using namespace std::string_literals;
using Words = std::vector<std::string>;

Result<Invocation> parse(const Words& words) { return parse_options(words, "/work dir"); }

Invocation run(Words words) {
  words.insert(words.begin(), "run");
  return parse(words).value();
}

int status(const Words& words) {
  const auto parsed = parse(words);
  return parsed ? 0 : exit_status(parsed.error().code());
}

TEST(Options, EverythingBehindTheCommandIsTheCommands) {
  const std::pair<Words, Words> table[] = {
      {{"bash"}, {"bash"}},
      {{"-q", "bash", "-c", "-q --help"}, {"bash", "-c", "-q --help"}},
      {{"bash", "--", "-x"}, {"bash", "--", "-x"}},
      {{"--", "--help"}, {"--help"}},
      {{"--", "--", "x"}, {"--", "x"}},
      {{"-q", "--", "-m"}, {"-m"}},
      {{"++", "x"}, {"++", "x"}},
      {{"-", "x"}, {"-", "x"}},
      {{"x", "++", "y"}, {"x", "++", "y"}},
      {{"x", "", "[a,b]", "%%", "\"q\"", "a\nb", "\xff\xfe"},
       {"x", "", "[a,b]", "%%", "\"q\"", "a\nb", "\xff\xfe"}},
      {{"", "x"}, {"", "x"}},
      {{"show", "run"}, {"show", "run"}},
      {{}, {}},
  };
  for (const auto& [words, command] : table) {
    EXPECT_EQ(run(words).selection.command, command) << testing::PrintToString(words);
  }
}

TEST(Options, TakeTheirValuesInEveryUsualSpelling) {
  for (const Words& words :
       {Words{"-u", "a", "--use", "b"}, Words{"-ua", "--use=b"}, Words{"-qua", "-vub"}}) {
    EXPECT_EQ(run(words).selection.use, (Words{"a", "b"})) << testing::PrintToString(words);
  }
  EXPECT_EQ(run({"-e", "A==b=c"}).selection.flags.set.at(0).value, "=b=c");
  EXPECT_EQ(run({"-e", "A="}).selection.flags.set.at(0).value, "");
  EXPECT_EQ(run({"--env=A=[x,y]"}).selection.flags.set.at(0).value, "[x,y]");
  EXPECT_EQ(run({"-e", "A"}).selection.flags.pass.at(0).value, "A");
  EXPECT_EQ(run({"-m", "--", "x"}).selection.flags.mounts.at(0).path, "/work dir/--");
  EXPECT_EQ(run({"-vv"}).verbosity, 2);
  EXPECT_EQ(run({"-v", "-v"}).verbosity, 2);
  EXPECT_TRUE(run({"-q"}).quiet);
  EXPECT_TRUE(run({"--dry-run", "x"}).dry_run);
  EXPECT_EQ(run({"--home", "tmpfs", "--home", "persistent"}).selection.flags.home->value,
            HomeMode::kPersistent);
  EXPECT_EQ(run({"-C", "/x"}).selection.directory, "/x");
  EXPECT_EQ(run({"-C", "x"}).selection.directory, "/work dir/x");
  EXPECT_EQ(run({}).selection.directory, "/work dir");
  EXPECT_EQ(parse({"show", "--json", "x"})->format, Format::kJson);
}

TEST(Options, RememberWhereTheyCameFrom) {
  const auto flags =
      run({"-m", "/x:rw", "-e", "TOKEN=secret", "--deny", "*.a.example"}).selection.flags;
  EXPECT_EQ(flags.mounts.at(0).origin.text(), "command line (-m /x:rw)");
  EXPECT_EQ(flags.set.at(0).origin.text(), "command line (-e TOKEN)")
      << "the value may be a secret";
  EXPECT_EQ(flags.deny.at(0).origin.text(), "command line (--deny *.a.example)");
  EXPECT_TRUE(flags.deny.at(0).value.any_port);
  EXPECT_EQ(run({"-m", "/\x1b[31m"}).selection.flags.mounts.at(0).origin.text(),
            "command line (-m \"/\\x1b[31m\")");
}

TEST(Options, WhatCannotBeParsedIs64AndWhatIsWrongIs78) {
  for (const Words& words : {Words{},
                             Words{"frobnicate"},
                             Words{"--frob"},
                             Words{"run", "--frob", "x"},
                             Words{"run", "--mont", "x"},
                             Words{"run", "-m"},
                             Words{"run", "-m", ""},
                             Words{"run", "--mount="},
                             Words{"run", "-q=x"},
                             Words{"run", "--dry-run=yes"},
                             Words{"run", "-x"},
                             Words{"run", "-\xff"},
                             Words{"run", "--\xff"},
                             Words{"run", "--=x"},
                             Words{"run", "-f", "http"},
                             Words{"run", "-m", "/a:/b:/c"},
                             Words{"run", "-m", ":/x"},
                             Words{"run", "-m", "/a:~/b"},
                             Words{"run", "--json"},
                             Words{"profile"},
                             Words{"profile", "x"},
                             Words{"profile", "check"},
                             Words{"profile", "check", "a", "b"},
                             Words{"profile", "list", "x"},
                             Words{"home", "reset", "a", "b"},
                             Words{"home", "lst"},
                             Words{"doctor", "x"}}) {
    EXPECT_EQ(status(words), 64) << testing::PrintToString(words);
  }
  for (const Words& words :
       {Words{"run", "-f", "0"}, Words{"run", "-f", "65536"}, Words{"run", "--publish", "1:0"},
        Words{"run", "-a", "a_b"}, Words{"run", "--deny", "*"}, Words{"run", "-a", "\xff"},
        Words{"run", "--network", "open"}, Words{"run", "--home", "cow"}, Words{"run", "-e", "1A"},
        Words{"run", "-e", "\xff=1"}, Words{"run", "-m", "a/../b"},
        Words{"run", "-m", "/" + std::string(4096, 'a')}, Words{"run", "-p", "/a:b"}}) {
    EXPECT_EQ(status(words), 78) << testing::PrintToString(words);
  }
}

TEST(Options, OfLaterVersionsAreKnownAndRefused) {
  for (const Words& words :
       {Words{"run", "-n", "x"}, Words{"run", "--name", "x"}, Words{"run", "-d", "x"},
        Words{"run", "--detach"}, Words{"run", "--cwd", "cow"}, Words{"run", "-m", "/x:cow"},
        Words{"ps"}, Words{"completion", "bash"}}) {
    const auto parsed = parse(words);
    ASSERT_FALSE(parsed) << testing::PrintToString(words);
    EXPECT_EQ(parsed.error().code(), Errc::kNotYet) << parsed.error().what();
    EXPECT_NE(parsed.error().what().find("not yet in this version"), std::string::npos);
  }
}

TEST(Options, NameTheNearest) {
  EXPECT_NE(parse({"run", "--mont", "x"}).error().what().find("did you mean --mount?"),
            std::string::npos);
  EXPECT_NE(parse({"rnu"}).error().what().find("did you mean run?"), std::string::npos);
  EXPECT_NE(parse({"claude"}).error().hint().find("redoubtful run claude"), std::string::npos);
}

TEST(Options, DispatchEveryCommand) {
  const std::pair<Words, Verb> table[] = {
      {{"run"}, Verb::kRun},
      {{"show"}, Verb::kShow},
      {{"profile", "list"}, Verb::kProfileList},
      {{"profile", "check", "f"}, Verb::kProfileCheck},
      {{"home", "list"}, Verb::kHomeList},
      {{"home", "path", "-C", "x"}, Verb::kHomePath},
      {{"home", "reset"}, Verb::kHomeReset},
      {{"why", "a.example"}, Verb::kWhy},
      {{"why", "-u", "x", "a.example", "-a", "b.example"}, Verb::kWhy},
      {{"allow", "a.example"}, Verb::kAllow},
      {{"audit"}, Verb::kAudit},
      {{"audit", "2025", "-f"}, Verb::kAudit},
      {{"doctor", "--json"}, Verb::kDoctor},
      {{"demo"}, Verb::kDemo},
      {{"--version"}, Verb::kVersion},
      {{"--help"}, Verb::kHelp},
      {{"-h"}, Verb::kHelp},
      {{"run", "--help"}, Verb::kHelp},
      {{"run", "-h", "x"}, Verb::kHelp},
      {{"profile", "--help"}, Verb::kHelp},
      {{"profile", "list", "--help"}, Verb::kHelp},
      {{"doctor", "--help"}, Verb::kHelp},
  };
  for (const auto& [words, verb] : table) {
    ASSERT_TRUE(parse(words)) << testing::PrintToString(words);
    EXPECT_EQ(parse(words)->verb, verb) << testing::PrintToString(words);
  }
  EXPECT_EQ(parse({"run", "--help"})->topic, "run");
}

TEST(Options, OfSmallCommandsStandOnEitherSideOfTheOperand) {
  for (const Words& words :
       {Words{"audit", "-f", "s", "--json"}, Words{"audit", "s", "--json", "-f"},
        Words{"audit", "-f", "--json", "--", "s"}}) {
    const auto audit = parse(words).value();
    EXPECT_EQ(audit.operand, "s") << testing::PrintToString(words);
    EXPECT_TRUE(audit.follow && audit.format == Format::kJson) << testing::PrintToString(words);
  }
  const auto allow = parse({"allow", "*.a.example", "-u", "p", "-C", "/x"}).value();
  EXPECT_EQ(allow.operand, "*.a.example");
  EXPECT_EQ(allow.profile, "p");
  EXPECT_EQ(allow.selection.directory, "/x");
  const auto why = parse({"why", "a.example", "-a", "b.example"}).value();
  EXPECT_EQ(why.operand, "a.example");
  EXPECT_EQ(why.selection.flags.allow.size(), 1U);
  EXPECT_TRUE(why.selection.command.empty());
  for (const Words& words :
       {Words{"why"}, Words{"why", "a", "b"}, Words{"allow"}, Words{"allow", "a", "b"},
        Words{"audit", "a", "b"}, Words{"audit", "-x"}, Words{"why", "a.example", "--", "-a"}}) {
    EXPECT_EQ(status(words), 64) << testing::PrintToString(words);
  }
}

TEST(Options, WorkWithoutACurrentDirectoryUntilOneIsNeeded) {
  EXPECT_TRUE(parse_options({"run", "-m", "/x", "x"}, ""));
  EXPECT_EQ(exit_status(parse_options({"run", "-m", "x"}, "").error().code()), 78);
  EXPECT_EQ(exit_status(parse_options({"run", "-C", "x"}, "").error().code()), 78);
}

TEST(MountOption, ReadsPathToAndMode) {
  struct Row {
    std::string text;
    std::string path;
    std::string to;
    MountMode mode;
  };
  for (const auto& row : {
           Row{"/a", "/a", "", MountMode::kReadOnly},
           Row{"/a:rw", "/a", "", MountMode::kReadWrite},
           Row{"/a:ro", "/a", "", MountMode::kReadOnly},
           Row{"/a:/b", "/a", "/b", MountMode::kReadOnly},
           Row{"/a:/b:rw", "/a", "/b", MountMode::kReadWrite},
           Row{"~/a:rw", "~/a", "", MountMode::kReadWrite},
           Row{"a", "/work dir/a", "", MountMode::kReadOnly},
           Row{".", "/work dir", "", MountMode::kReadOnly},
           Row{"./a/", "/work dir/a", "", MountMode::kReadOnly},
           Row{"../a:rw", "/a", "", MountMode::kReadWrite},
           Row{"..", "/", "", MountMode::kReadOnly},
           Row{"../../../a", "/a", "", MountMode::kReadOnly},
           Row{"~a", "/work dir/~a", "", MountMode::kReadOnly},
           Row{"/a:b", "/a:b", "", MountMode::kReadOnly},
           Row{"/a:b:c:rw", "/a:b:c", "", MountMode::kReadWrite},
           Row{"/a:rx", "/a:rx", "", MountMode::kReadOnly},
           Row{"/a:rw:ro", "/a:rw", "", MountMode::kReadOnly},
           Row{"/a:rw:rw", "/a:rw", "", MountMode::kReadWrite},
           Row{"/a:", "/a:", "", MountMode::kReadOnly},
           Row{"/a b\n\xff:/c:rw", "/a b\n\xff", "/c", MountMode::kReadWrite},
       }) {
    const auto mount = parse_mount(row.text, "/work dir");
    ASSERT_TRUE(mount) << row.text << ": " << mount.error().what();
    EXPECT_EQ(mount->path, row.path) << row.text;
    EXPECT_EQ(mount->to, row.to) << row.text;
    EXPECT_EQ(mount->mode, row.mode) << row.text;
  }
  for (const auto* text : {"", ":rw", ":ro", ":/b", "/a:/b:/c", "/a:~/b", "/a:/../b", "/a/../b",
                           "a/../../b", "/a:/b:cow", "rw:/.."}) {
    EXPECT_FALSE(parse_mount(text, "/work dir")) << text;
  }
}

TEST(Help, FitsAScreenAndEndsWithAnExample) {
  for (const auto* topic :
       {"", "run", "show", "why", "allow", "profile", "home", "audit", "doctor", "demo"}) {
    const std::string_view text = help_text(topic);
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 24) << topic;
    std::size_t width = 0;
    std::string_view last;
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t end = rest.find('\n');
      ASSERT_NE(end, std::string_view::npos);
      last = rest.substr(0, end);
      width = std::max(width, last.size());
      rest.remove_prefix(end + 1);
    }
    EXPECT_LE(width, 80U) << topic;
    EXPECT_TRUE(last.starts_with("example: redoubtful ")) << topic;
  }
}

TEST(Help, ListsEveryOptionThatWorksAndNoOther) {
  const std::string_view text = help_text("run");
  for (const auto* option : {"-u, --use", "-m, --mount", "-p, --path", "-f, --forward", "--publish",
                             "-a, --allow", "--deny", "--ask", "-e, --env", "--network", "--home",
                             "--cwd", "-C, --chdir", "--dry-run", "-q", "-vv"}) {
    EXPECT_NE(text.find(option), std::string_view::npos) << option;
  }
  for (const auto* later : {"--name", "--detach", "cow"}) {
    EXPECT_EQ(text.find(later), std::string_view::npos) << later;
  }
}

}  // namespace
}  // namespace redoubtful::cli
