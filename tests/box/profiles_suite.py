#!/usr/bin/python3
"""The profiles of agents that cannot be had for a test: a stand-in of the command's name says what it finds inside.

What each of them needs is there (its program where its installer puts it, its variables, arguments, settings, state that
stays), its key or login is a surrogate that becomes the real one on the way to its provider, and what the profile
leaves out is out. The control for each is the same stand-in outside.
"""

import http.server
import json
import os
import sys
import threading

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]

import suite as support  # noqa: E402
from origins import site  # noqa: E402
from origins.matrix import Matrix  # noqa: E402

ANTHROPIC = "sk-ant-api03-" + "Real0" * 18 + "AA"
OPENAI = "sk-proj-" + "Real1" * 20
TOKEN = "cursor-real-access-token-" + "2" * 40
REFRESH = "cursor-real-refresh-token-" + "3" * 40

# Tells in JSON what it sees; asks, with the header that the first argument after `ask` names, the addresses after it.
STAND_IN = """
import json, os, subprocess, sys
home = os.path.expanduser('~')
def text(path):
    try:
        with open(os.path.join(home, path)) as file:
            return file.read()
    except OSError as error:
        return type(error).__name__
with open(os.path.join(home, '.stand-in.json')) as file:
    wanted = json.load(file)
state = os.path.join(home, wanted['state'])
os.makedirs(os.path.dirname(state), exist_ok=True)
runs = text(state) if os.path.exists(state) else ''
with open(state + '.new', 'w') as file:
    file.write(runs + 'x')
os.rename(state + '.new', state)
answers = []
for header, address in wanted['ask']:
    done = subprocess.run(['curl', '-sS', '-m', '20', '-o', '/dev/null', '-w', '%{http_code}', '-H', os.path.expandvars(header).replace('LOGIN', json.loads(text(wanted['login']))['accessToken'] if wanted.get('login') else ''), address], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    answers.append(done.stdout.decode())
print(json.dumps({'argv': sys.argv[1:], 'env': dict(os.environ), 'files': {p: text(p) for p in wanted['files']}, 'runs': len(runs), 'answers': answers}))
"""


class Row:
    """One profile: how its program is installed, what the user has, what is wanted inside."""

    def __init__(self, name, program, state, files, ask, arguments=(), variables=(), login=None, links=()):
        self.name, self.program, self.state, self.files, self.ask = name, program, state, files, ask
        self.arguments, self.variables, self.login, self.links = list(arguments), dict(variables), login, links


ROWS = [
    # As pipx and uv install: a link into an environment that has its own python.
    Row("aider", ".local/share/pipx/venvs/aider/bin/aider", ".aider/caches/model.json",
        {".aider.conf.yml": ("model: sonnet\nlint-cmd: touch pwned\nopenai-api-key: " + OPENAI + "\ndark-mode: true\n",
                             ["model: sonnet", "dark-mode: true"], ["pwned", OPENAI])},
        [("x-api-key: $ANTHROPIC_API_KEY", "https://api.anthropic.com/v1/messages", "x-api-key", ANTHROPIC),
         ("Authorization: Bearer $OPENAI_API_KEY", "https://api.openai.com/v1/chat/completions", "authorization", "Bearer " + OPENAI)],
        variables={"AIDER_YES_ALWAYS": "true", "AIDER_CHECK_UPDATE": "false", "AIDER_ANALYTICS": "false", "AIDER_SHOW_RELEASE_NOTES": "false"}),
    Row("cursor-agent", ".local/share/cursor-agent/versions/2026.11.01/cursor-agent", ".cursor/chats/1.json",
        {".cursor/cli-config.json": (json.dumps({"version": 1, "editor": {"vimMode": True}, "permissions": {"allow": ["Shell(*)"], "deny": ["Read(.env)"]}, "hooks": ["touch pwned"]}),
                                     ['"vimMode":true', 'Read(.env)', '"allow":[]'], ["pwned", "Shell(*)"]),
         ".cursor/rules/mine.md": ("be kind\n", ["be kind"], []),
         ".config/cursor/auth.json": (json.dumps({"accessToken": TOKEN, "refreshToken": REFRESH}), ["accessToken"], [TOKEN, REFRESH])},
        [("Authorization: Bearer LOGIN", "https://api2.cursor.sh/aiserver.v1.ChatService/Stream", "authorization", "Bearer " + TOKEN),
         ("Authorization: Bearer LOGIN", "https://api2.cursor.sh/oauth/token", None, None)],
        arguments=["--force"], login=".config/cursor/auth.json"),
    Row("goose", ".local/bin/goose", ".local/share/goose/sessions/1.jsonl",
        {".config/goose/config.yaml": ("GOOSE_PROVIDER: openai\nGOOSE_MODEL: gpt-5\nOPENAI_API_KEY: " + OPENAI + "\nextensions:\n  evil:\n    cmd: touch pwned\n",
                                       ["GOOSE_PROVIDER: openai", "GOOSE_MODEL: gpt-5", '"developer"'], ["pwned", OPENAI]),
         ".config/goose/.goosehints": ("be brief\n", ["be brief"], []), ".config/goose/recipes/r.yaml": ("title: r\n", ["title: r"], [])},
        [("Authorization: Bearer $OPENAI_API_KEY", "https://api.openai.com/v1/chat/completions", "authorization", "Bearer " + OPENAI)],
        variables={"GOOSE_MODE": "auto", "GOOSE_DISABLE_KEYRING": "1", "GOOSE_TELEMETRY_ENABLED": "false"}),
]
HOSTS = ("api.anthropic.com", "api.openai.com", "api2.cursor.sh", "other.example")


class World(Matrix):
    def __init__(self):
        super().__init__()
        for name in HOSTS:
            self.tls(name, ["http/1.1"], lambda request: self.seen.append(request) or site.text(200, "fine\n"), self.authority.leaf(name))
        self.seen = []
        self.write(".config/redoubtful/config.yaml", "network:\n" + self.addresses() + "\n", 0o600)
        self.environment.update(ANTHROPIC_API_KEY=ANTHROPIC, OPENAI_API_KEY=OPENAI,
                                PATH=os.path.join(self.home, ".local", "bin") + ":" + support.SYSTEM_PATH)

    def install(self, row):
        """The stand-in where the agent's own installer would put it, and a link to it in ~/.local/bin."""
        folder = os.path.dirname(row.program)
        python = os.path.join(self.home, folder, "python")
        os.makedirs(os.path.dirname(python), exist_ok=True)
        if not row.program.startswith(".local/bin/"):
            os.symlink("/usr/bin/python3", python)
            os.makedirs(os.path.join(self.home, ".local", "bin"), exist_ok=True)
            os.symlink(os.path.join(self.home, row.program), os.path.join(self.home, ".local", "bin", row.name))
        else:
            python = "/usr/bin/python3"
        self.write(row.program, f"#!{python}\n" + STAND_IN, 0o755)

    def start(self, line):
        self.seen.clear()
        done = support.finish(line, cwd=self.project, env=self.environment)
        return done, json.loads(done.out) if done.status == 0 and done.out.startswith("{") else None


def wanted(row):
    return json.dumps({"state": row.state, "files": list(row.files), "login": row.login,
                       "ask": [[header, address] for header, address, _, _ in row.ask] + [["x: y", "https://other.example/"]]})


def agent(check, world, row):
    world.install(row)
    for path, (content, _, _) in row.files.items():
        world.write(path, content, 0o600)
    world.write(".stand-in.json", wanted(row))
    line = [support.redoubtful(), "run", "-m", "~/.stand-in.json", row.name, "--mine", "a b"]
    done, told = world.start(line)
    if not check.check(f"{row.name}: runs with its profile", told is not None, repr(done)):
        return
    check.equal(f"{row.name}: its arguments, then the user's", told["argv"], [*row.arguments, "--mine", "a b"])
    check.equal(f"{row.name}: its variables", {name: told["env"].get(name) for name in row.variables}, row.variables)
    for path, (_, there, gone) in row.files.items():
        check.check(f"{row.name}: {path} has what it needs", all(word in told["files"][path] for word in there), told["files"][path])
        check.check(f"{row.name}: {path} has nothing that runs or is secret", not any(word in told["files"][path] for word in gone), told["files"][path])
    everything = json.dumps(told)
    check.check(f"{row.name}: no real value is inside", not any(real in everything for real in (ANTHROPIC, OPENAI, TOKEN, REFRESH)))
    allowed = [(header, value) for _, _, header, value in row.ask if header]
    check.equal(f"{row.name}: its provider gets the real one", [(header, request.header(header)) for (header, _), request in zip(allowed, world.seen)], allowed)
    check.equal(f"{row.name}: what is allowed answers, all else is refused", told["answers"], ["200" if header else "403" for _, _, header, _ in row.ask] + ["403"])
    _, again = world.start(line)
    check.equal(f"{row.name}: its state is there in the next run, renamed into place", (told["runs"], again and again["runs"]), (0, 1))
    check.check(f"{row.name}: and not in the user's home", not os.path.exists(os.path.join(world.home, row.state)))
    control, there = world.start([row.name])
    check.check(f"control: {row.name} outside sees what it has", there is not None and there["env"]["OPENAI_API_KEY"] == OPENAI
                and all(content == there["files"][path] for path, (content, _, _) in row.files.items()), repr(control))


class Model(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        data = f"model at {self.path}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def llama(check, world):
    """A model server on the host's localhost:8080, and another port beside it."""
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", port), Model) for port in (8080, 0)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    other = servers[1].server_address[1]
    script = f"curl -sS -m 10 $OPENAI_BASE_URL/models; curl -sS -m 10 $OPENAI_API_BASE/models; curl -sS -m 10 http://localhost:{other}/; echo END $?"
    done = support.finish([support.redoubtful(), "run", "-u", "llama", "-u", "node", "sh", "-c", script], cwd=world.project, env=world.environment)
    check.check("llama: the model is where both variables say, and no other port is", done.out == "model at /v1/models\n" * 2 + "END 7\n", repr(done))
    done = support.finish(["curl", "-sS", f"http://localhost:{other}/x"], cwd=world.project, env=world.environment)
    check.equal("control: outside the other port answers", done.out, "model at /x\n")
    for server in servers:
        server.shutdown()
        server.server_close()


def main():
    check = support.Suite("profiles")
    with World() as world:
        for row in ROWS:
            with check.guarded(row.name):
                agent(check, world, row)
        with check.guarded("llama"):
            llama(check, world)
        check.equal("no process is left", support.left_after_a_second(world.root), [])
    check.finish()


if __name__ == "__main__":
    main()
