#include "cli/demo.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "cli/captured_run.hpp"
#include "cli/demo_script.hpp"
#include "cli/demo_text.hpp"
#include "cli/host_files.hpp"
#include "cli/programs.hpp"
#include "cli/scratch.hpp"
#include "common/child_process.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr const char* kHello = "#include <stdio.h>\nint main(void) { puts(\"hello\"); }\n";
constexpr const char* kHook = "#!/bin/sh\n# the project's own hook\n";
constexpr std::uint16_t kInsidePort = 8080;

struct Server {
  UniqueFd socket;
  int port = 0;
};

Result<Server> listen_on_loopback() {
  Server out{.socket = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!out.socket || ::bind(out.socket.get(), generic, size) != 0 ||
      ::listen(out.socket.get(), 8) != 0 || ::getsockname(out.socket.get(), generic, &size) != 0) {
    return Error::system_call("cannot listen on the loopback", errno);
  }
  out.port = ntohs(address.sin_port);
  return out;
}

constexpr int kPatience = 5000;  // milliseconds for a request's head

// Reads to the end of a request's head, and no further than any of ours.
void skip_head(int client) {
  std::string head;
  while (head.size() < 16 * 1024 && head.find("\r\n\r\n") == std::string::npos) {
    pollfd wait{.fd = client, .events = POLLIN, .revents = 0};
    char buffer[4096];
    if (::poll(&wait, 1, kPatience) <= 0) return;
    const ssize_t got = ::recv(client, buffer, sizeof buffer, 0);
    if (got <= 0) return;
    head.append(buffer, static_cast<std::size_t>(got));
  }
}

// Greets everybody on all sockets, on the last one as a web server, until it is ended.
int serve(const std::array<int, 3>& sockets, const std::string& greeting) {
  const std::string line = greeting + "\n";
  const std::string page = fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", line.size(), line);
  for (;;) {
    std::array<pollfd, 3> wait{};
    for (std::size_t i = 0; i < wait.size(); ++i) wait[i] = {sockets[i], POLLIN, 0};
    if (::poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) return 1;
    for (const auto& one : wait) {
      if ((one.revents & POLLIN) == 0) continue;
      const UniqueFd client(::accept4(one.fd, nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) continue;
      const bool web = one.fd == sockets.back();
      if (web) skip_head(client.get());
      const std::string& text = web ? page : line;
      static_cast<void>(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL));
    }
  }
}

// What the demonstration's run may reach, and the credential it gets a surrogate for.
std::string demo_profile(int web_port) {
  return fmt::format(
      "network:\n  allow: [\"http://{0}\"]\n  origins: {{{0}: {{address: \"127.0.0.1:{1}\"}}}}\n"
      "credentials:\n  demo: {{source: env:DEMO_TOKEN, hosts: [api.demo.example],\n"
      "    expose: {{env: DEMO_TOKEN}}}}\n",
      kDemoAllowedHost, web_port);
}

Result<std::string> random_text() {
  std::array<unsigned char, 24> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return Error::system_call("cannot read random bytes", errno);
  }
  std::string out;
  for (const unsigned char byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

// A program of the PATH of the person, which is the one of the demonstration.
bool in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const std::size_t end = rest.find(':');
    const std::string file = std::string(rest.substr(0, end)) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return true;
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return false;
}

std::set<std::string> files_below(const std::string& directory) {
  std::set<std::string> out;
  for (const auto& name : machine_files().list(directory)) {
    const std::string path = directory + "/" + name;
    const Lookup found = machine_files().look(path);
    if (!found.found()) continue;
    // Of a repository's inside only git knows what belongs there.
    if (name == ".git") continue;
    if (found.facts.type == FileType::kDirectory) {
      out.merge(files_below(path));
    }
    out.insert(path);
  }
  return out;
}

class Demo {
 public:
  explicit Demo(Scratch scratch) : scratch_(std::move(scratch)) {}

  Result<std::vector<DemoLine>> play() {
    if (auto ready = prepare(); !ready) return std::move(ready).error();
    const auto before = files_below(scratch_.home());
    auto outside = outcomes_of("outside.sh", Side::kOutside);
    if (!outside) return std::move(outside).error();
    auto inside = outcomes_of("agent.sh", Side::kInside);
    if (!inside) return std::move(inside).error();
    return judge(world_, *inside, *outside, remains(before));
  }

 private:
  Result<void> prepare() {
    world_.home = scratch_.home();
    world_.project = scratch_.project();
    const char* home = std::getenv("HOME");
    if (home != nullptr && home[0] == '/') world_.real_home = home;
    // It stands in a script between single quotes.
    if (world_.real_home.find('\'') != std::string::npos) world_.real_home.clear();
    world_.uid = ::getuid();
    world_.gid = ::getgid();
    world_.compiler = in_path("cc");
    world_.bash = in_path("bash");
    world_.unshare = in_path("unshare");
    auto secret = random_text();
    auto greeting = random_text();
    if (!secret) return std::move(secret).error();
    if (!greeting) return std::move(greeting).error();
    world_.secret = std::move(*secret);
    world_.greeting = std::move(*greeting);
    if (auto served = start_servers(); !served) return served;
    if (auto made = make_git(); !made) return made;
    for (const auto& [path, content] : std::initializer_list<std::pair<std::string, std::string>>{
             {world_.home + "/.ssh/id_ed25519", world_.secret},
             {world_.project + "/hello.c", kHello},
             {guarded_file(), kHook},
             {profile_file(), demo_profile(web_port_)},
             {world_.project + "/agent.sh", demo_script(world_, Side::kInside)},
             {world_.project + "/outside.sh", demo_script(world_, Side::kOutside)}}) {
      if (auto written = scratch_.write(path, content); !written) return written;
    }
    return {};
  }

  std::string profile_file() const { return world_.home + "/demo.yaml"; }

  std::string guarded_file() const {
    return world_.project + (world_.git ? "/.git/hooks/pre-commit" : "/.envrc");
  }

  Result<void> start_servers() {
    auto forwarded = listen_on_loopback();
    if (!forwarded) return std::move(forwarded).error();
    auto other = listen_on_loopback();
    if (!other) return std::move(other).error();
    auto web = listen_on_loopback();
    if (!web) return std::move(web).error();
    world_.other_port = other->port;
    world_.filtered = true;
    web_port_ = web->port;
    if (find_system_program("pasta") && ::access("/dev/net/tun", R_OK | W_OK) == 0) {
      world_.forwarded_host = forwarded->port;
      world_.forwarded_inside = kInsidePort;
    }
    auto server = ChildProcess::fork([&]() -> int {
      return serve({forwarded->socket.get(), other->socket.get(), web->socket.get()},
                   world_.greeting);
    });
    if (!server) return std::move(server).error();
    server_ = std::move(*server);
    return {};
  }

  Result<void> make_git() {
    if (!in_path("git")) return {};
    auto made = git({"init", "-q", "."});
    if (!made) return std::move(made).error();
    world_.git = made->status == 0;
    return {};
  }

  Result<CapturedRun> git(std::vector<std::string> arguments) const {
    std::vector<std::string> words = {"/usr/bin/env", "git"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return run_captured({.arguments = std::move(words),
                         .environment = scratch_.environment(),
                         .directory = world_.project});
  }

  Result<TrialOutcomes> outcomes_of(const std::string& script, Side side) {
    ProgramRun program{.arguments = {"/bin/sh", script},
                       .environment = scratch_.environment(),
                       .directory = world_.project};
    for (const char* name : {"DEMO_API_KEY=", "DEMO_TOKEN="}) {
      program.environment.push_back(name + world_.secret);
    }
    if (side == Side::kInside) {
      auto own = own_program();
      if (!own) return std::move(own).error();
      program.arguments = {*own, "run", "-q", "-u", profile_file()};
      if (world_.forwarded_host != 0) {
        program.arguments.emplace_back("-f");
        program.arguments.push_back(
            fmt::format("{}:{}", world_.forwarded_host, world_.forwarded_inside));
      }
      program.arguments.insert(program.arguments.end(), {"--", "sh", script});
    }
    auto run = run_captured(program);
    if (!run) return std::move(run).error();
    auto outcomes = parse_outcomes(run->out);
    if (side == Side::kInside) status_ = run->status;
    if (!outcomes.empty()) return outcomes;
    const std::string said = run->err.substr(0, run->err.find('\n'));
    return Error(Errc::kSystemCall, side == Side::kInside
                                        ? "the box was not built: " + quoted(said)
                                        : "the script does not run outside: " + quoted(said))
        .hint("`redoubtful doctor` says what is missing");
  }

  DemoRemains remains(const std::set<std::string>& before) const {
    DemoRemains out;
    out.status = status_;
    const std::string answer = world_.project + "/answer.txt";
    const Lookup facts = machine_files().look(answer);
    const auto text = read_file(answer, 4096);
    out.file_kept = facts.found() && facts.facts.owner == world_.uid && text &&
                    *text == "written by the agent\n";
    const auto hook = read_file(guarded_file(), 4096);
    out.hook_unchanged = hook && *hook == kHook;
    if (world_.git) {
      const auto log = git({"log", "-1", "--format=%s"});
      if (log && log->status == 0) out.commit = log->out.substr(0, log->out.find('\n'));
    }
    for (const auto& path : files_below(world_.home)) {
      // The state directory is where a run keeps what it has to remember; it is named in design 3.
      if (before.count(path) != 0 || path == answer ||
          is_within(world_.home + "/.local/state/redoubtful", path) ||
          is_within(path, world_.home + "/.local/state/redoubtful")) {
        continue;
      }
      out.unexpected.push_back(path);
    }
    return out;
  }

  Scratch scratch_;
  ChildProcess server_;
  DemoWorld world_;
  int web_port_ = 0;
  int status_ = -1;
};

}  // namespace

Result<int> demo(const DemoRequest&) {
  auto scratch = Scratch::make();
  if (!scratch) return std::move(scratch).error();
  const auto start = std::chrono::steady_clock::now();
  auto lines = Demo(std::move(*scratch)).play();
  if (!lines) return std::move(lines).error();
  const std::string text = demo_text(*lines,
                                     std::chrono::duration_cast<std::chrono::milliseconds>(
                                         std::chrono::steady_clock::now() - start),
                                     {.colour = colour_wanted(), .signs = signs_wanted()});
  std::fwrite(text.data(), 1, text.size(), stdout);
  return std::all_of(lines->begin(), lines->end(), [](const auto& line) { return line.holds; }) ? 0
                                                                                                : 1;
}

}  // namespace redoubtful::cli
