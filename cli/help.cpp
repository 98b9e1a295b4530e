#include "cli/help.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::string_view kProgram =
    R"(redoubtful: run a coding agent with your tools and this project, nothing else

usage: redoubtful COMMAND [options]

  run [options] [COMMAND [ARG...]]         run COMMAND (or $SHELL) in a box
  show [--json] [run's options] [COMMAND]  what a run would use, and who said so
  profile list | check FILE                the profiles there are; is one right?
  home list | path | reset [NAME]          the private homes, one per project
  why TARGET [run's options]               may it reach this host, and does it?
  allow RULE [-u PROFILE]                  allow a host in this project
  init                                     write a profile for this project
  trust                                    look at the project's, accept it
  audit [SESSION] [-f] [--json]            what a run connected, was refused
  doctor [--json]                          can this machine run it?
  demo                                     a guided run: what is hidden, refused

  --help, -h    this text; after a command, that command's options
  --version     the versions of redoubtful, bwrap and pasta

Inside, the current directory is at its real path, $HOME is private, and of
the network only the hosts you allow. Configuration: ~/.config/redoubtful/

example: redoubtful run -m ~/.gitconfig -f 8080 bash
)";

constexpr std::string_view kRun =
    R"(usage: redoubtful run [options] [--] [COMMAND [ARG...]]   (default: $SHELL)
  -u, --use PROFILE            a profile's name, or its file (with a slash)
  -m, --mount PATH[:TO][:MODE] make PATH visible (as TO); ro (default) or rw
  -p, --path DIR               put DIR first in PATH, visible read-only
  -f, --forward PORT[:INSIDE]  the host's localhost:PORT, inside; udp:PORT
      --publish PORT[:INSIDE]  a server inside, on the host's localhost:PORT
  -a, --allow RULE             a host: NAME, *.NAME, NAME:PORT, tcp://NAME:PORT
      --deny RULE              beats every --ask and --allow
      --ask RULE               beats every --allow; needs an answer
  -s, --secret NAME=SOURCE@HOST[,HOST]   the value, put in for HOST; @FILE
  -e, --env NAME[=VALUE]       pass a variable, or set it
      --network MODE           filtered, none, discover, dangerously-open
      --home MODE              tmpfs or persistent (one per project)
      --cwd MODE               the current directory: rw (default) or ro
  -C, --chdir DIR              run in DIR
      --dry-run                say what would be done, and do nothing
  -q, -v, -vv                  quiet; explain each stage; with times

Options end at the first other word, or at --; the rest is the command's own.
exit: the command's; 64 usage; 78 a wrong profile or mount; 124 time limit;
      125 no box; 126 not executable; 127 not found; 128+n signal n

example: redoubtful run -m ~/notes:rw -p ~/.local/bin -f 8080 opencode
)";

constexpr std::string_view kShow =
    R"(usage: redoubtful show [--json] [run's options] [--] [COMMAND]

Prints the profile that `redoubtful run` would use with the same words: every
value, and behind it the file and line, or the option, that it came from.

  --json                       JSON, which redoubtful-proxy --config reads
  redoubtful run --help        lists the other options

example: redoubtful show -u node --deny '*.example.com' npm
)";

constexpr std::string_view kProfile =
    R"(usage: redoubtful profile list
       redoubtful profile check FILE

  list          each profile: its name, the commands that select it, its file;
                ~/.config/redoubtful/profiles comes first, then
                /etc/redoubtful/profiles, then those built in
  check FILE    reads FILE as -u would, with what it extends, and says what is
                wrong with it: file:line:column, the key, the nearest right one

exit: 0; check: 1 when there is an error

example: redoubtful profile check ./mine.yaml
)";

constexpr std::string_view kHome =
    R"(usage: redoubtful home list
       redoubtful home path  [-C DIR]
       redoubtful home reset [-C DIR] [NAME]

With `home: persistent` (--home persistent) each project has a home directory of
its own, kept between runs: the agent's logins, settings and caches.

  list            each home, and the project it belongs to
  path            where this project's home is, or would be
  reset [NAME]    delete this project's home, or the one called NAME
  -C, --chdir DIR the project in DIR instead of the current one

example: redoubtful home reset -C ~/src/project
)";

constexpr std::string_view kWhy =
    R"(usage: redoubtful why TARGET [run's options]

Would a run with these options reach TARGET, a host, host:port or URL? Prints
the rule that decides and where it is written; if it is allowed, then looks the
name up, connects and does the TLS handshake, as the proxy would, but sends no
request and no credential. A URL is judged as a GET.

  redoubtful run --help   lists the options

exit: 0 allowed, and it answers; 1 refused, or not reached

example: redoubtful why https://api.example.com/v1 -u claude
)";

constexpr std::string_view kAllow =
    R"(usage: redoubtful allow RULE [-u PROFILE] [-C DIR]

Allows a host from the next run on, and says where it wrote that. RULE is what
`run -a` takes: NAME, '*.NAME', NAME:PORT, http://NAME, tcp://NAME:PORT ...

Without -u it goes to your own configuration of this project, which the agent
cannot see or change: ~/.config/redoubtful/projects/

  -u, --use PROFILE  into ~/.config/redoubtful/profiles/PROFILE.yaml
  -C, --chdir DIR    the project in DIR instead of the current one

example: redoubtful allow '*.example.com'
)";

constexpr std::string_view kInit =
    R"(usage: redoubtful init [-C DIR]

Looks at the project (toolchains, git remotes, files that look like secrets)
and writes .redoubtful.yaml at its top, with comments. Whoever works there can
change it, an agent too: it counts once you have accepted it.

  -C, --chdir DIR  the project in DIR instead of the current one

example: redoubtful init && redoubtful trust
)";

constexpr std::string_view kTrust =
    R"(usage: redoubtful trust [-C DIR]

Shows what the project's .redoubtful.yaml says, as a difference to what you
accepted before, asks (where there is a terminal), and keeps a copy of exactly
this content. Runs in the project obey it as long as the file is that copy.

  -C, --chdir DIR  the project in DIR instead of the current one

exit: 0; 1 when the answer was no

example: redoubtful trust
)";

constexpr std::string_view kAudit =
    R"(usage: redoubtful audit [SESSION] [-f] [--json]

What the network side of a run did: connections, requests, refusals and why,
injected credentials (their names only), alarms. The newest session, or the one
whose name begins with SESSION. The logs of the last 200 runs are kept.
`audit: {syslog: true}` in a profile sends it to the host's log as well.

  -f, --follow  go on until the session is over
      --json    the log as it is: JSON lines, times in UTC

example: redoubtful audit -f
)";

constexpr std::string_view kDoctor =
    R"(usage: redoubtful doctor [--json]

Tries everything that a run needs on this machine, with the real flags, and
prints for each: ok, or the problem and its exact remedy.

  --json    the same as JSON, for programs

exit: 0; 1 when there is a problem

example: redoubtful doctor
)";

constexpr std::string_view kDemo =
    R"(usage: redoubtful demo

A real run in a project that is thrown away afterwards. It shows, with a tick
for each, what the box lets see, hides, refuses and keeps.

exit: 0; 1 when something is not as it should be

example: redoubtful demo
)";

}  // namespace

std::string_view help_text(std::string_view topic) {
  if (topic == "run") return kRun;
  if (topic == "show") return kShow;
  if (topic == "profile") return kProfile;
  if (topic == "home") return kHome;
  if (topic == "why") return kWhy;
  if (topic == "allow") return kAllow;
  if (topic == "init") return kInit;
  if (topic == "trust") return kTrust;
  if (topic == "audit") return kAudit;
  if (topic == "doctor") return kDoctor;
  if (topic == "demo") return kDemo;
  return kProgram;
}

}  // namespace redoubtful::cli
