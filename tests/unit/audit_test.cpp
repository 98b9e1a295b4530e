#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "cli/audit_store.hpp"
#include "cli/audit_text.hpp"
#include "tests/unit/temporary_tree.hpp"

namespace redoubtful::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AuditRow : public ::testing::Test {
 protected:
  AuditRow() { ::setenv("TZ", "UTC-2", 1), ::tzset(); }
  ~AuditRow() override { ::unsetenv("TZ"), ::tzset(); }
};

std::string without_padding(const std::string& row) {
  std::string out;
  for (const char c : row) {
    if (c != ' ' || out.empty() || out.back() != ' ') out += c;
  }
  return out;
}

std::string plain_row(std::string_view line) {
  return without_padding(audit_row(line, Colour::kNever));
}

TEST_F(AuditRow, SaysWhatHappenedInTheLocalTimeZone) {
  const struct {
    std::string line;
    std::string row;
  } cases[] = {
      {R"({"time":"2025-11-27T22:20:12.345Z","event":"request","session":"s",)"
       R"("host":"api.example.com","port":443,"method":"POST","path":"/v1/messages","status":200,)"
       R"("bytes_up":10,"bytes_down":2100,"milliseconds":350.2,"rule":"api.example.com",)"
       R"("place":"~/x.yaml:3"})",
       "00:20:12.345 request POST api.example.com/v1/messages 200, 10 B up, 2.1 kB down, 350 ms, "
       "by api.example.com (~/x.yaml:3)"},
      {R"({"time":"2025-11-27T10:00:00.000Z","event":"connect","host":"a.example","port":8443})",
       "12:00:00.000 connect a.example:8443"},
      {R"({"time":"2025-11-27T10:00:00.000Z","event":"connect","host":"2001:db8::1","port":80})",
       "12:00:00.000 connect [2001:db8::1]:80"},
      {R"({"time":"2025-11-27T10:00:00.000Z","event":"deny","host":"evil.example","way":"tls",)"
       R"("method":"GET","path":"/x","reason":"no_matching_rule","count":8})",
       "12:00:00.000 deny GET evil.example/x no_matching_rule, 8 times so far"},
      {R"({"time":"2025-11-27T10:00:00.000Z","event":"deny","host":"DELETE https://a.example/x",)"
       R"("method":"DELETE","path":"/x","reason":"explicit_deny","rule":"a.example","place":"y:1"})",
       "12:00:00.000 deny DELETE https://a.example/x explicit_deny, by a.example (y:1)"},
      {R"({"time":"2025-11-27T10:00:00.000Z","event":"inject","host":"a.example","method":"GET",)"
       R"("path":"/","credential":"key"})",
       "12:00:00.000 inject GET a.example/ credential key"},
      {R"({"time":"2025-11-27T10:00:00.000Z","event":"alarm","host":"b.example",)"
       R"("credential":"key","detail":"was on its way to a refused host"})",
       "12:00:00.000 alarm b.example credential key, was on its way to a refused host"},
      {R"({"time":"2025-11-27T10:00:00.000Z","event":"tunnel","host":"db.example","port":5432,)"
       R"("bytes_up":5,"bytes_down":1999999999,"milliseconds":61000})",
       "12:00:00.000 tunnel db.example:5432 5 B up, 2.0 GB down, 61.0 s"},
      {R"({"time":"2025-11-27T10:00:00.000Z","event":"start"})",
       "12:00:00.000 start the session begins"},
      {R"({"time":"2025-11-27T10:00:00.000Z","event":"stop","lost":3})",
       "12:00:00.000 stop the session is over, 3 lines were lost: they could not be written"},
      {R"({"time":"soon","event":"later","host":"x"})", "soon later x"},
      {"{}", ""},
  };
  for (const auto& test : cases) EXPECT_EQ(plain_row(test.line), test.row);
}

TEST_F(AuditRow, NothingInALineSteersTheTerminal) {
  for (const std::string line :
       {R"({"event":"deny\u001b[2J","host":"a\u001b]52;c;x\u0007","path":"/\u009b31m\r\n",)"
        R"("detail":"\u007f","rule":"\u001b","place":"\u001b","reason":"\u001b"})",
        "\x1b[2J not JSON \x9b", R"({"event":"request","host":"\u001b)", R"(["\u001b"])"}) {
    for (const char c : audit_row(line, Colour::kNever)) {
      EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << line;
    }
  }
}

TEST_F(AuditRow, ALineThatWasCutIsShownAsThat) {
  EXPECT_THAT(plain_row(R"({"time":"2025-11-27T10:00:0)"), HasSubstr("a line that cannot be read"));
  EXPECT_THAT(plain_row(""), HasSubstr("a line that cannot be read"));
}

TEST_F(AuditRow, ColoursAreForTerminals) {
  const std::string line = R"({"event":"deny","host":"a.example"})";
  EXPECT_THAT(audit_row(line, Colour::kAlways), HasSubstr("\033[31mdeny"));
  EXPECT_EQ(audit_row(line, Colour::kNever).find('\033'), std::string::npos);
}

struct Store {
  TemporaryTree tree;
  std::string state = tree.path("state");

  UniqueFd open(const std::string& session) const {
    auto log = open_audit_log(state, session);
    EXPECT_TRUE(log) << log.error().what();
    remove_old_audit_logs(state);
    return std::move(*log);
  }
  // As it is when its session is over.
  void close(const std::string& session) const { open(session); }
  std::string chosen(const std::string& wanted) const {
    auto log = find_audit_log(state, wanted);
    return log ? log->session : "error: " + log.error().what();
  }
};

TEST(AuditStore, ALogIsPrivate) {
  const Store store;
  store.close("s");
  struct stat info {};
  ASSERT_EQ(::stat((store.state + "/audit").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
  ASSERT_EQ(::stat((store.state + "/audit/s.jsonl").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  EXPECT_FALSE(open_audit_log(store.state, "s")) << "never the log of another session";
}

TEST(AuditStore, TheNewestIsChosenOrTheOneThatIsNamed) {
  const Store store;
  EXPECT_THAT(store.chosen(""), HasSubstr("there is no audit log yet"));
  for (const char* name : {"20251127T100000Z-9", "20251127T100000Z-10", "20251126T100000Z-7"}) {
    store.close(name);
    // Of one second the one written last is the newer, whatever its process was called.
    const timespec times[2] = {{0, UTIME_NOW}, {std::string_view(name).ends_with("10") ? 2 : 1, 0}};
    ::utimensat(AT_FDCWD, (store.state + "/audit/" + name + ".jsonl").c_str(), times, 0);
  }
  store.tree.write("state/audit/notes.txt", "");
  EXPECT_EQ(store.chosen(""), "20251127T100000Z-10");
  EXPECT_EQ(store.chosen("20251127T100000Z-9"), "20251127T100000Z-9");
  EXPECT_EQ(store.chosen("20251126"), "20251126T100000Z-7");
  EXPECT_THAT(store.chosen("20251127"), HasSubstr("2 sessions begin with \"20251127\""));
  EXPECT_THAT(store.chosen("x\x1b"), HasSubstr(R"(of a session "x\x1b")"));
  EXPECT_THAT(store.chosen("../../x"), HasSubstr("there is no audit log of a session"));
}

TEST(AuditStore, ALinkIsNotRead) {
  const Store store;
  store.close("a");
  fs::create_symlink("/etc/passwd", store.state + "/audit/b.jsonl");
  EXPECT_THAT(store.chosen("b"), HasSubstr("error"));
}

TEST(AuditStore, ASessionIsThereAsLongAsItsDescriptorIs) {
  const Store store;
  UniqueFd writer = store.open("s");
  UniqueFd passed_on(::dup(writer.get()));
  auto reader = find_audit_log(store.state, "s");
  ASSERT_TRUE(reader);
  EXPECT_TRUE(is_being_written(reader->fd.get()));
  writer = UniqueFd();
  EXPECT_TRUE(is_being_written(reader->fd.get())) << "the proxy has it";
  passed_on = UniqueFd();
  EXPECT_FALSE(is_being_written(reader->fd.get()));
  EXPECT_FALSE(is_being_written(reader->fd.get())) << "looking does not lock";
}

TEST(AuditStore, OldLogsAreRemovedButNoneThatIsStillWrittenTo) {
  const Store store;
  const UniqueFd running = store.open("00000000T000000Z-1");
  store.close("00000000T000000Z-2");
  for (std::size_t i = 0; i < kKeptAuditLogs; ++i) {
    store.tree.write("state/audit/20250101T" + std::to_string(100000 + i) + "Z-1.jsonl", "");
  }
  store.close("20260101T000000Z-1");
  const auto left = audit_sessions(store.state);
  EXPECT_EQ(left.size(), kKeptAuditLogs + 1) << "200, and the one that runs";
  EXPECT_EQ(left.front(), "00000000T000000Z-1");
  EXPECT_EQ(left.back(), "20260101T000000Z-1");
  EXPECT_EQ(std::count(left.begin(), left.end(), "00000000T000000Z-2"), 0);
}

}  // namespace
}  // namespace redoubtful::cli
