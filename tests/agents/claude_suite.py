#!/usr/bin/env python3
"""The real Claude Code in the box, with the key kept outside: a surrogate is all it ever sees.

`redoubtful run -u PROFILE.yaml claude ...` against a stand-in of api.anthropic.com that takes the real key alone. The
model makes it print its environment, read, write, and ask a host that the profile does not name. Once it
goes through the proxy that HTTPS_PROXY names, once without any proxy variable, where its connections are
taken as they come. The same script outside is the control: there the real key is to be seen.
"""

import glob
import json
import os
import secrets
import string
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import certificates  # noqa: E402
import messages_stand_in  # noqa: E402
import packages  # noqa: E402
import suite as support  # noqa: E402

HOST = "api.anthropic.com"
PREFIX = "sk-ant-api03-"
REFUSED = "refused.example"
PROXY_VARIABLES = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"]
STATE = ".local/state/redoubtful"  # the only place below $HOME where redoubtful itself may write
COMMAND = ["claude", "--dangerously-skip-permissions", "-p", "do what is to be done"]


def made_up_key():
    letters = string.ascii_letters + string.digits + "_-"
    return PREFIX + "".join(secrets.choice(letters) for _ in range(93)) + "AA"


def profile(program, port, authority):
    place = json.dumps(os.path.dirname(program))  # a JSON string is a YAML one
    return f"""\
filesystem:
  mounts: [{place}]
  path: [{place}]
network:
  allow: [{HOST}]
  origins:
    {HOST}: {{address: "127.0.0.1:{port}", ca: {json.dumps(authority)}}}
credentials:
  anthropic:
    source: env:ANTHROPIC_API_KEY
    hosts: [{HOST}]
    expose: {{env: ANTHROPIC_API_KEY}}
"""


class Scene(support.World):
    """A home, a project with a file to read, and the profile; `server` is the model."""

    def __init__(self, program, server, authority):
        super().__init__()
        self.git_init()
        self.program = program
        self.server = server
        self.authority = authority
        self.profile = self.write("claude.yaml", profile(program, server.port, authority))
        self.environment["ANTHROPIC_API_KEY"] = server.key
        os.makedirs(os.path.join(self.home, STATE), mode=0o700)
        server.script = script(self.project)
        server.requests.clear()

    def boxed(self, command):
        path = os.path.dirname(support.redoubtful()) + ":" + support.SYSTEM_PATH
        return support.finish(["redoubtful", "run", "-u", self.profile, "--", *command],
                              cwd=self.project, env={**self.environment, "PATH": path})

    def bare(self):
        """The control: the same program and script, told where the stand-in is. Nothing leaves loopback."""
        scratch = os.path.join(self.root, "tmp")  # it makes claude-UID there, and leaves it
        os.makedirs(scratch, exist_ok=True)
        environment = {**self.environment, "TMPDIR": scratch, "CLAUDE_CODE_TMPDIR": scratch,
                       "ANTHROPIC_BASE_URL": f"https://localhost:{self.server.port}",
                       "NODE_EXTRA_CA_CERTS": self.authority, "IS_SANDBOX": "1",
                       "PATH": os.path.dirname(self.program) + ":" + support.SYSTEM_PATH,
                       "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                       "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "localhost"}
        return support.finish(COMMAND, cwd=self.project, env=environment)

    def audit(self):
        lines = []
        for path in glob.glob(os.path.join(self.home, STATE, "audit", "*.jsonl")):
            with open(path, encoding="utf-8") as file:
                lines += [json.loads(line) for line in file]
        return lines


def shell(command):
    return {"tool": "Bash", "arguments": {"command": command, "description": "a scripted step"}}


def script(project):
    return [
        shell("env; tr '\\0' '\\n' < /proc/$PPID/environ; cat /proc/*/cmdline | tr '\\0' ' '; echo END-env"),
        {"tool": "Read", "arguments": {"file_path": f"{project}/README"}},
        {"tool": "Write", "arguments": {"file_path": f"{project}/notes.txt",
                                        "content": "written by the agent\n"}},
        shell("pwd; id -u; git status --porcelain; echo ran > command.txt; echo END-shell"),
        shell(f"curl -sS -m 20 -w 'HTTP-%{{http_code}}' https://{REFUSED}/; echo END-refused"),
        {"text": "All of it is done."},
    ]


def model_requests(server):
    return [r for r in server.requests if r["path"].startswith("/v1/")]


def surrogate_in(printed):
    """The values of ANTHROPIC_API_KEY that the shell printed, each once."""
    name = "ANTHROPIC_API_KEY="
    return sorted({line[len(name):] for line in printed.splitlines() if line.startswith(name)})


def works(check, name, scene, done):
    """What any run of the script must have done, wherever it ran."""
    results = messages_stand_in.results(scene.server.requests)
    check.equal(f"{name}: exits with 0", done.status, 0)
    check.equal(f"{name}: says the model's last words", done.out.strip(), "All of it is done.")
    if done.status != 0:
        check.fail(f"{name}: what it said", repr(done))
    check.check(f"{name}: the file was read", "a project" in results.get("call_1", ""), results)
    notes = os.path.join(scene.project, "notes.txt")
    if check.check(f"{name}: the file was written", os.path.exists(notes), results):
        with open(notes, encoding="utf-8") as file:
            check.equal(f"{name}: with its content", file.read(), "written by the agent\n")
    check.check(f"{name}: the command was run",
                os.path.exists(os.path.join(scene.project, "command.txt")), results)
    check.equal(f"{name}: and its output came back", results.get("call_3"),
                f"{scene.project}\n{os.getuid()}\n?? notes.txt\nEND-shell")
    return results


def keeps_the_key_outside(check, name, scene, results):
    key = scene.server.key
    printed = results.get("call_0", "")
    surrogates = surrogate_in(printed)
    check.check(f"{name}: the environment was printed", "END-env" in printed, printed)
    check.check(f"{name}: the real key is not in it", key not in printed)
    if check.equal(f"{name}: one surrogate is", len(surrogates), 1):
        check.check(f"{name}: it has the key's length and prefix",
                    len(surrogates[0]) == len(key) and surrogates[0].startswith(PREFIX)
                    and surrogates[0] != key, surrogates[0])
    asked = model_requests(scene.server)
    check.check(f"{name}: the model was asked for every step", len(asked) >= 6, len(asked))
    check.equal(f"{name}: each time with the real key, and it was taken",
                {(r["headers"].get("x-api-key"), r["status"]) for r in asked}, {(key, 200)})
    headers = json.dumps([r["headers"] for r in scene.server.requests])
    bodies = json.dumps([r["body"] for r in scene.server.requests])
    check.check(f"{name}: no surrogate reaches the host as a credential",
                not any(s in headers for s in surrogates))
    check.check(f"{name}: what it told the model of its key is the surrogate",
                key not in bodies and any(s in bodies for s in surrogates))
    return surrogates


def is_audited(check, name, scene, surrogates):
    log = scene.audit()
    injected = [line for line in log if line["event"] == "inject" and line["path"] == "/v1/messages"]
    check.equal(f"{name}: every request to the model is in the audit log as injected",
                (len(injected), {(line["host"], line["credential"]) for line in injected}),
                (len([r for r in scene.server.requests if r["path"].startswith("/v1/messages")]),
                 {(HOST, "anthropic")}))
    denied = [line for line in log if line["event"] == "deny"]
    check.check(f"{name}: what was refused is there, and the agent asked for nothing else",
                {line["host"] for line in denied} == {REFUSED}, denied)
    text = json.dumps(log)
    check.check(f"{name}: the log has neither key nor surrogate",
                scene.server.key not in text and not any(s in text for s in surrogates))


def in_the_box(check, name, scene, without):
    command = ["env", *(f"-u{v}" for v in without), *COMMAND] if without else COMMAND
    before = support.snapshot(scene.home, {STATE})
    done = scene.boxed(command)
    new = support.changes(before, support.snapshot(scene.home, {STATE}))
    results = works(check, name, scene, done)
    surrogates = keeps_the_key_outside(check, name, scene, results)
    printed = results.get("call_0", "").splitlines()
    seen = {v for v in PROXY_VARIABLES if any(line.startswith(v + "=") for line in printed)}
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
    done = scene.bare()
    results = works(check, "control outside", scene, done)
    check.equal("control outside: the real key is in the environment",
                surrogate_in(results.get("call_0", "")), [scene.server.key])


def takes_one_key_only(check, scene):
    """The control of the stand-in: with another key than the real one, claude gets nothing from it."""
    scene.environment["ANTHROPIC_API_KEY"] = made_up_key()
    scene.environment["CLAUDE_CODE_MAX_RETRIES"] = "0"
    done = scene.bare()
    check.check("control outside: another key is refused", done.status not in (0, "hung"), repr(done))
    check.equal("control outside: with 401", {r["status"] for r in model_requests(scene.server)}, {401})


def main():
    check = support.Suite("claude")
    program = packages.claude()
    with support.World() as world:
        authority = certificates.Authority(os.path.join(world.root, "authority"))
        identity = authority.leaf(HOST, "localhost")
        server = messages_stand_in.MessagesStandIn([], identity, made_up_key()).start()
        parts = {
            "control outside": lambda s: control(check, s),
            "another key": lambda s: takes_one_key_only(check, s),
            "through HTTPS_PROXY": lambda s: in_the_box(check, "through HTTPS_PROXY", s, []),
            "no proxy variables": lambda s: in_the_box(check, "no proxy variables", s, PROXY_VARIABLES),
        }
        for name, part in parts.items():
            with check.guarded(name), Scene(program, server, authority.certificate) as scene:
                part(scene)
        server.stop()
    check.finish()


if __name__ == "__main__":
    main()
