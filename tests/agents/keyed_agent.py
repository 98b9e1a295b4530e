"""What the suites of agents share whose key stays outside: a scene, its controls, and the checks.

`redoubtful run AGENT ...` with the profile that is built in, against a stand-in of the model's host that takes the real
key alone. The user's configuration says only what a test must: where the program lies, and where the model's host is
instead. The model makes the agent print its environment, read, write, run a command, and ask a host that the profile
does not name. The same script outside is the control: there the real key is to be seen.
"""

import fnmatch
import glob
import http.client
import json
import os
import re
import secrets
import ssl
import string
import subprocess
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support")]

import certificates  # noqa: E402
import suite as support  # noqa: E402

REFUSED = "refused.example"
PROXY_VARIABLES = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"]
STATE = ".local/state/redoubtful"  # the only place below $HOME where redoubtful itself may write
LAST_WORDS = "All of it is done."

# The commands of a script, by what they are for.
PRINT_ENVIRONMENT = ("env; cat ~/.claude/.credentials.json ~/.codex/auth.json 2>&1; tr '\\0' '\\n' < /proc/$PPID/environ; cat /proc/*/cmdline | tr '\\0' ' '; "
                     "echo END-env")
RUN = "pwd; id -u; git status --porcelain; echo ran > command.txt; echo END-run"
ASK_REFUSED = f"curl -sS -m 20 -w 'HTTP-%{{http_code}}' https://{REFUSED}/; echo END-refused"


class Agent:
    """What differs. A script has six steps: environment, read README, write notes.txt, RUN, ASK_REFUSED, LAST_WORDS."""

    name = ""
    host = ""       # of the model
    variable = ""   # that the key is taken from
    prefix = ""     # of such keys
    model_path = ""  # how the paths of its questions begin
    keyed_paths = "/v1/"  # how those begin that want the key
    question_path = ""  # one that can be asked; empty: model_path
    refusal = 401  # status for a wrong key
    key_field = "authorization"  # as Bearer there, and as it is in any other
    credential = ""  # its name in the profile; empty: as the variable
    asked_besides = frozenset()  # hosts, or patterns of them, that it may ask besides, and is refused

    def program(self):
        """Its path, installed where it was not."""
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def server(self, identity, key):
        raise NotImplementedError

    def results(self, requests):
        raise NotImplementedError

    def script(self, project):
        raise NotImplementedError

    def key_of(self, headers):
        """The credential in a request, as the stand-in logged it."""
        return headers.get(self.key_field, "").removeprefix("Bearer ")

    def headers_with(self, key):
        """The other way round."""
        return {self.key_field: f"Bearer {key}" if self.key_field == "authorization" else key}

    def hosts(self):
        """All that the stand-in answers for."""
        return [self.host]

    def mounts(self):
        """What the box must see besides the directories of programs."""
        return []

    def flags(self):
        """Of `redoubtful run`, for an agent that no built-in profile knows."""
        return []

    def outside(self, _):
        """What starts a process of the run outside, as Popen does."""
        return subprocess.Popen

    def more_programs(self):
        """Directories of PATH besides the program's own."""
        return []

    def log_in(self, scene):
        """Puts the real key where the user would have it."""
        scene.environment[self.variable] = scene.server.key

    def secrets(self, scene):
        """All real values that nothing inside may show."""
        return [scene.server.key]

    def keys_in(self, text):
        return re.findall(re.escape(self.prefix) + r"[A-Za-z0-9_-]{30,}", text)

    def said(self, done):
        """What a run printed, without decoration."""
        return done.out.strip()

    def bare(self, scene):
        """(command, environment) for the same run outside, told where the stand-in is."""
        raise NotImplementedError

    def more_parts(self, check, program, server, authority):
        """Parts of the suite that no other agent has: name -> what runs it."""
        return {}

    def made_up_key(self):
        letters = string.ascii_letters + string.digits + "_-"
        return self.prefix + "".join(secrets.choice(letters) for _ in range(93)) + "AA"


def configuration(agent, programs, origins, authority, allow=()):
    """The user's config.yaml. `origins`: host -> port on this machine's loopback."""
    quoted = json.dumps  # a JSON string is a YAML one
    lines = ["filesystem:", f"  path: [{', '.join(quoted(p) for p in programs)}]"]
    mounts = agent.mounts()
    if mounts:
        lines.append(f"  mounts: [{', '.join(quoted(m) for m in mounts)}]")
    lines += ["network:"]
    if allow:
        lines.append(f"  allow: [{', '.join(quoted(a) for a in allow)}]")
    lines.append("  origins:")
    lines += [f'    {host}: {{address: "127.0.0.1:{port}", ca: {quoted(authority)}}}'
              for host, port in origins.items()]
    return "\n".join(lines) + "\n"


class Scene(support.World):
    """A home, a project with a file to read, and the user's configuration; `server` is the model."""

    def __init__(self, agent, program, server, authority, allow=(), origins=None):
        super().__init__()
        self.git_init()
        self.agent = agent
        self.program = program
        self.server = server
        self.authority = authority
        self.configure(allow, origins or {})
        agent.log_in(self)
        os.makedirs(os.path.join(self.home, STATE), mode=0o700)
        server.script = agent.script(self.project)
        server.requests.clear()

    def configure(self, allow, origins):
        os.makedirs(os.path.join(self.home, ".config", "redoubtful"), mode=0o700, exist_ok=True)
        self.write(".config/redoubtful/config.yaml", configuration(
            self.agent, [os.path.dirname(self.program), *self.agent.more_programs()],
            {**{host: self.server.port for host in self.agent.hosts()}, **origins}, self.authority, allow), 0o600)

    def boxed(self, command, flags=()):
        return support.finish(["redoubtful", "run", *flags, *command], cwd=self.project, env=self.box_environment())

    def box_environment(self):
        return {**self.environment, "PATH": os.path.dirname(support.redoubtful()) + ":" + support.SYSTEM_PATH}

    def bare(self):
        """Nothing leaves loopback, and what it leaves in the temporary directory goes with the scene."""
        scratch = os.path.join(self.root, "tmp")
        os.makedirs(scratch, exist_ok=True)
        command, environment = self.agent.bare(self)
        environment = {**self.environment, "TMPDIR": scratch, "HTTPS_PROXY": "http://127.0.0.1:9",
                       "NO_PROXY": "localhost", "PATH": ":".join(
                           [os.path.dirname(self.program), *self.agent.more_programs(), support.SYSTEM_PATH]),
                       **environment}
        environment = {name: value for name, value in environment.items() if value}
        return support.finish(command, cwd=self.project, env=environment, start=self.agent.outside(self))

    def audit(self):
        lines = []
        for path in glob.glob(os.path.join(self.home, STATE, "audit", "*.jsonl")):
            with open(path, encoding="utf-8") as file:
                lines += [json.loads(line) for line in file]
        return lines

    def model_requests(self):
        return [r for r in self.server.requests if r["path"].startswith(self.agent.keyed_paths)]

    def printed_keys(self, results):
        """What is a key, or looks like one, in the output of the first command, each once."""
        return sorted(set(self.agent.keys_in(results.get("call_0", ""))))


def works(check, name, scene, done):
    """What any run of the script must have done, wherever it ran. Returns call id -> what was reported."""
    results = scene.agent.results(scene.server.requests)
    check.equal(f"{name}: exits with 0", done.status, 0)
    check.equal(f"{name}: says the model's last words", scene.agent.said(done), LAST_WORDS)
    if done.status != 0:
        check.fail(f"{name}: what it said", repr(done))
    check.check(f"{name}: the file was read", "a project" in results.get("call_1", ""), results)
    notes = os.path.join(scene.project, "notes.txt")
    if check.check(f"{name}: the file was written", os.path.exists(notes), results):
        with open(notes, encoding="utf-8") as file:
            check.equal(f"{name}: with its content", file.read(), "written by the agent\n")
    check.check(f"{name}: the command was run",
                os.path.exists(os.path.join(scene.project, "command.txt")), results)
    wanted = f"{scene.project}\n{os.getuid()}\n?? notes.txt\nEND-run"
    check.check(f"{name}: and its output came back", wanted in results.get("call_3", ""), results)
    return results


def keeps_the_key_outside(check, name, scene, results):
    """Returns the surrogates that were seen inside."""
    key, prefix = scene.server.key, scene.agent.prefix
    printed = results.get("call_0", "")
    surrogates = scene.printed_keys(results)
    check.check(f"{name}: the environment was printed", "END-env" in printed, printed)
    check.check(f"{name}: the real key is not in it, nor is another secret",
                not any(secret in printed for secret in scene.agent.secrets(scene)))
    if check.equal(f"{name}: one surrogate is", len(surrogates), 1):
        check.check(f"{name}: it has the key's length and prefix",
                    len(surrogates[0]) == len(key) and surrogates[0].startswith(prefix)
                    and surrogates[0] != key, surrogates[0])
    asked = scene.model_requests()
    check.check(f"{name}: the model was asked for every step", len(asked) >= 6, len(asked))
    check.equal(f"{name}: each time with the real key, and it was taken",
                {(scene.agent.key_of(r["headers"]), r["status"] in (101, 200)) for r in asked},
                {(key, True)})
    headers = json.dumps([r["headers"] for r in scene.server.requests])
    bodies = json.dumps([r["body"] for r in scene.server.requests])
    check.check(f"{name}: no surrogate reaches the host as a credential",
                not any(s in headers for s in surrogates))
    check.check(f"{name}: what it told the model of its key is the surrogate",
                not any(secret in bodies for secret in scene.agent.secrets(scene))
                and any(s in bodies for s in surrogates))
    return surrogates


def is_audited(check, name, scene, surrogates):
    log = scene.audit()
    path = scene.agent.model_path
    injected = [line for line in log if line["event"] == "inject" and line["path"].startswith(path)]
    asked = [r for r in scene.model_requests()
             if r["path"].startswith(path) and r["method"] != "MESSAGE"]
    check.equal(f"{name}: every request to the model is in the audit log as injected",
                (len(injected), {(line["host"], line["credential"]) for line in injected}),
                (len(asked), {(scene.agent.host, scene.agent.credential or scene.agent.variable)}))
    denied = {line["host"] for line in log if line["event"] == "deny"}

    def is_known(host):
        return any(fnmatch.fnmatchcase(host, known) for known in (REFUSED, *scene.agent.asked_besides))

    check.check(f"{name}: what was refused is there, and nothing that is not known to be asked",
                REFUSED in denied and all(is_known(host) for host in denied), denied)
    text = json.dumps(log)
    check.check(f"{name}: the log has neither key nor surrogate",
                scene.server.key not in text and not any(s in text for s in surrogates))


def in_the_box(check, name, scene, without):
    command = scene.agent.command()
    flags = [word for variable in without for word in ("-e", variable + "=")]
    before = support.snapshot(scene.home, {STATE})
    done = scene.boxed(command, [*scene.agent.flags(), *flags])
    new = support.changes(before, support.snapshot(scene.home, {STATE}))
    results = works(check, name, scene, done)
    surrogates = keeps_the_key_outside(check, name, scene, results)
    printed = results.get("call_0", "").splitlines()
    seen = {v for v in PROXY_VARIABLES if any(line.startswith(v + "=") and line != v + "=" for line in printed)}
    check.equal(f"{name}: its proxy variables", seen, set(PROXY_VARIABLES) - set(without))
    refused = results.get("call_4", "")
    check.check(f"{name}: a host that is not allowed answers 403, with the reason",
                "HTTP-403" in refused and "END-refused" in refused and REFUSED in refused, refused)
    is_audited(check, name, scene, surrogates)
    check.equal(f"{name}: nothing else has changed in $HOME",
                [c for c in new if not c.startswith(("~src/project/.git/", "+src/project/.git/"))],
                ["+src/project/command.txt", "+src/project/notes.txt"])
    check.equal(f"{name}: no process is left", support.left_after_a_second(scene.root), [])


def control(check, scene):
    results = works(check, "control outside", scene, scene.bare())
    check.equal("control outside: the real key is in the environment", scene.printed_keys(results),
                [scene.server.key])


def takes_one_key_only(check, agent, server, authority):
    """The stand-in itself: a run that ends with 0 proves what was injected only if other keys are refused."""
    answers = []
    for key in (agent.made_up_key(), server.key):
        context = ssl.create_default_context(cafile=authority)
        connection = http.client.HTTPSConnection("localhost", server.port, context=context)
        connection.request("POST", agent.question_path or agent.model_path, "{}", agent.headers_with(key))
        answers.append(connection.getresponse().status)
        connection.close()
    check.equal("the stand-in refuses another key, and takes the real one", answers,
                [agent.refusal, 200])


def run(agent):
    """The whole suite of an agent."""
    check = support.Suite(agent.name)
    program = agent.program()
    with support.World() as world:
        authority = certificates.Authority(os.path.join(world.root, "authority"))
        identity = authority.leaf(*agent.hosts(), "localhost")
        server = agent.server(identity, agent.made_up_key()).start()
        with check.guarded("the stand-in"):
            takes_one_key_only(check, agent, server, authority.certificate)
        parts = {
            "control outside": lambda s: control(check, s),
            "through HTTPS_PROXY": lambda s: in_the_box(check, "through HTTPS_PROXY", s, []),
            "no proxy variables": lambda s: in_the_box(check, "no proxy variables", s, PROXY_VARIABLES),
        }
        for name, part in parts.items():
            with check.guarded(name), Scene(agent, program, server, authority.certificate) as scene:
                part(scene)
        for name, part in agent.more_parts(check, program, server, authority).items():
            with check.guarded(name):
                part()
        server.stop()
    check.finish()
