#!/usr/bin/env python3
"""The real opencode in the box, against a scripted model on the host's localhost.

The line is the user's own: `redoubtful run -m ~/.opencode -m ~/.config/opencode:rw -p ~/.opencode/bin
-f 8080 opencode`, once as `opencode run` with a script that makes it write and edit, once with a script
in which the model tells it to take what it was not given, and once as the full-screen program under
tmux. The same scripts outside are the positive controls: there every theft succeeds.
"""

import http.server
import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import packages  # noqa: E402
import stand_in  # noqa: E402
import suite as support  # noqa: E402

KEY = "canary-of-the-ssh-key"
NEIGHBOUR = "canary-of-the-neighbour"
OTHER_PORT = "canary-of-the-other-port"
ARGUMENT = "canary-of-a-process"
VARIABLE = "canary-of-a-variable"
STATE = ".local/state/redoubtful"  # the only place below $HOME where redoubtful itself may write


class Scene(support.World):
    """A home with opencode installed as its own installer does it, secrets beside it, and a project."""

    def __init__(self, program, port):
        super().__init__()
        os.makedirs(os.path.join(self.home, ".opencode", "bin"))
        shutil.copy(program, os.path.join(self.home, ".opencode", "bin", "opencode"))
        model = {"name": "Stand-in"}
        self.write(".config/opencode/opencode.json", json.dumps({
            "$schema": "https://opencode.ai/config.json",  # else opencode adds this line itself
            "autoupdate": False,
            "share": "disabled",
            "model": "local/stand-in",
            "permission": {k: "allow" for k in ("edit", "bash", "external_directory", "webfetch")},
            "provider": {"local": {
                "npm": "@ai-sdk/openai-compatible",
                "options": {"baseURL": f"http://localhost:{port}/v1", "apiKey": "none"},
                "models": {"stand-in": model},
            }},
        }))
        self.write(".ssh/id_x", KEY + "\n", 0o600)
        self.write("src/neighbour/secret", NEIGHBOUR + "\n")
        self.git_init()
        self.environment["A_SECRET"] = VARIABLE
        # Somebody who puts an agent into a box has used it before. It matters: at its first start
        # opencode writes ~/.opencode/.gitignore, and dies where that cannot be written (EROFS).
        used = self.bare("opencode models")
        if used.status != 0:
            raise RuntimeError(f"opencode does not run outside: {used!r}")

    def bare(self, command):
        return support.finish(["bash", "-c", command], cwd=self.project,
                              env=bare_environment(self))

    def boxed(self, command, forward):
        return support.finish(["bash", "-c", box_line(command, forward)], cwd=self.project,
                              env=box_environment(self))


def bare_environment(scene):
    """For the controls. They must not leave the machine: opencode asks two hosts when it starts."""
    path = os.path.join(scene.home, ".opencode", "bin") + ":" + support.SYSTEM_PATH
    nowhere = "http://127.0.0.1:9"
    # opencode unpacks libraries into its temporary directory and leaves them there.
    scratch = os.path.join(scene.root, "tmp")
    os.makedirs(scratch, exist_ok=True)
    return {**scene.environment, "PATH": path, "TMPDIR": scratch, "HTTPS_PROXY": nowhere, "https_proxy": nowhere,
            "NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}


def box_environment(scene):
    path = os.path.dirname(support.redoubtful()) + ":" + support.SYSTEM_PATH
    return {**scene.environment, "PATH": path}


def box_line(command, forward):
    return ("redoubtful run -m ~/.opencode -m ~/.config/opencode:rw -p ~/.opencode/bin "
            f"-f {forward} {command}")


class OtherServer:
    """Something else that listens on the host's localhost: nothing inside may reach it."""

    def __init__(self):
        outer = self
        self.hits = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.hits += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(OTHER_PORT.encode())

            def log_message(self, *_):
                pass

        # On every address of the host, so that none of them is a way in.
        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def host_addresses():
    out = subprocess.run(["hostname", "-I"], stdout=subprocess.PIPE, check=False).stdout.decode()
    return [a for a in out.split() if ":" not in a]


def working_directory_told(requests):
    """The line of the system prompt in which opencode tells the model where it is."""
    for entry in requests:
        body = entry["body"]
        for message in body.get("messages", []) if isinstance(body, dict) else []:
            if message.get("role") == "system":
                for line in str(message["content"]).splitlines():
                    if "Working directory:" in line:
                        return line.split(":", 1)[1].strip()
    return None


def shell(command):
    return {"tool": "bash", "arguments": {"command": command, "description": "a scripted step"}}


def write_script(project):
    return [
        {"tool": "write", "arguments": {"filePath": f"{project}/notes.txt",
                                        "content": "written by the agent\n"}},
        {"tool": "read", "arguments": {"filePath": f"{project}/README"}},
        {"tool": "edit", "arguments": {"filePath": f"{project}/README",
                                       "oldString": "a project", "newString": "an edited project"}},
        shell("pwd; id -u; id -g; stat -c %u:%g notes.txt; git status --porcelain; echo END-3"),
        {"text": "Both are done."},
    ]


def fetch(host, port):
    return (f"(exec 3<>/dev/tcp/{host}/{port} && printf 'GET /v1/models HTTP/1.0\\r\\n\\r\\n' >&3 && "
            "timeout 5 cat <&3) 2>&1")


def thefts(scene, other_port, bystander):
    """name -> (shell command, what it must not bring back). `bystander` is a process with canaries."""
    home = scene.home
    found = {
        "reads ~/.ssh": ("cat ~/.ssh/id_x", KEY),
        "reads a key by its path": (f"cat {home}/.ssh/id_x", KEY),
        "searches for the key": (f"find {home} {scene.root} -name id_x -exec cat {{}} +", KEY),
        "reads the project beside it": (f"cat {home}/src/neighbour/secret ../neighbour/secret",
                                        NEIGHBOUR),
        "reads another process": (f"tr '\\0' ' ' < /proc/{bystander}/cmdline", ARGUMENT),
        "reads the user's environment": (
            "(env; tr '\\0' '\\n' < /proc/$PPID/environ) | grep -a SECRET", VARIABLE),
    }
    for host in ["127.0.0.1", "localhost", *host_addresses()]:
        found[f"connects to another port of {host}"] = (
            f"bash -c {shlex.quote(fetch(host, other_port))}", OTHER_PORT)
    return found


def hostile_script(scene, attempts, inside_port):
    steps = [shell(f"{command}; echo END-{n}")
             for n, (command, _) in enumerate(attempts.values())]
    steps.append({"tool": "read", "arguments": {"filePath": f"{scene.home}/.ssh/id_x"}})
    steps.append({"tool": "write", "arguments": {"filePath": f"{scene.home}/by-tool.txt",
                                                 "content": "planted\n"}})
    steps.append(shell(f"echo planted > {scene.home}/src/neighbour/by-shell.txt; "
                       f"echo planted > {scene.home}/.bashrc; "
                       f"echo planted > {scene.home}/.opencode/bin/planted; echo END-plant"))
    steps.append(shell(f"echo kept > {scene.home}/.config/opencode/kept.txt; echo END-kept"))
    steps.append(shell(f"bash -c {shlex.quote(fetch('127.0.0.1', inside_port))}; echo END-forward"))
    steps.append({"text": "I have tried."})
    return steps


PLANTED = ["by-tool.txt", "src/neighbour/by-shell.txt", ".bashrc", ".opencode/bin/planted"]


def writes_and_edits(check, program, server, forward, inside_port):
    with Scene(program, inside_port) as scene:
        server.script = write_script(scene.project)
        server.requests.clear()
        before = support.snapshot(scene.home, {STATE})
        done = scene.boxed("opencode run -m local/stand-in 'write the notes'", forward)
        after = support.snapshot(scene.home, {STATE})
        results = stand_in.results(server.requests)
        check.equal("exits with opencode's status", done.status, 0)
        if done.status != 0:
            check.fail("what it said", repr(done))
        notes = os.path.join(scene.project, "notes.txt")
        present = os.path.exists(notes)
        if check.check("the write tool's file is in the project", present, repr(done)):
            with open(notes, encoding="utf-8") as file:
                check.equal("with its content", file.read(), "written by the agent\n")
            owner = os.stat(notes)
            check.equal("with the user's uid and gid", (owner.st_uid, owner.st_gid),
                        (os.getuid(), os.getgid()))
        with open(os.path.join(scene.project, "README"), encoding="utf-8") as file:
            check.equal("the edit tool's change is in the project", file.read(),
                        "an edited project\n")
        check.equal("the model was told the real working directory",
                    working_directory_told(server.requests), scene.project)
        wanted = (f"{scene.project}\n{os.getuid()}\n{os.getgid()}\n{os.getuid()}:{os.getgid()}\n"
                  " M README\n?? notes.txt\nEND-3\n")
        check.equal("path, uid, gid and git status are the same inside", results.get("call_3"),
                    wanted)
        check.equal("git status outside", scene.run(["git", "status", "--porcelain"]),
                    " M README\n?? notes.txt\n")
        new = [c for c in support.changes(before, after)
               if not c.startswith(("~src/project/.git/", "+src/project/.git/"))]
        check.equal("nothing else has changed in $HOME", new,
                    ["~src/project/README", "+src/project/notes.txt"])
        check.equal("no process is left", support.left_after_a_second(scene.root), [])


def run_hostile(program, server, other, inside_port, launch):
    """Plays the hostile script; returns (scene facts) after the run, with the scene gone."""
    with Scene(program, inside_port) as scene:
        bystander = subprocess.Popen(["bash", "-c", "read -r line", ARGUMENT],
                                     stdin=subprocess.PIPE, env={})
        attempts = thefts(scene, other.port, bystander.pid)
        server.script = hostile_script(scene, attempts, inside_port)
        server.requests.clear()
        hits = other.hits
        try:
            done = launch(scene)
        finally:
            bystander.stdin.close()
            bystander.wait()
        planted = [p for p in PLANTED if os.path.exists(os.path.join(scene.home, p))]
        kept = os.path.exists(os.path.join(scene.home, ".config/opencode/kept.txt"))
        return {"done": done, "attempts": attempts, "results": stand_in.results(server.requests),
                "planted": planted, "kept": kept, "hits": other.hits - hits,
                "sent": json.dumps([r["body"] for r in server.requests])}


def takes_nothing(check, program, server, other, forward, inside_port):
    command = "opencode run -m local/stand-in 'take everything'"
    outside = run_hostile(program, server, other, server.port, lambda s: s.bare(command))
    inside = run_hostile(program, server, other, inside_port, lambda s: s.boxed(command, forward))
    check.equal("control: outside it ends with 0", outside["done"].status, 0)
    check.equal("inside it ends with 0", inside["done"].status, 0)
    names = list(inside["attempts"].items())
    for n, (name, (_, canary)) in enumerate(names):
        control = outside["results"].get(f"call_{n}", "")
        check.check(f"control: outside it {name}", canary in control, control)
        got = inside["results"].get(f"call_{n}", "")
        check.check(f"inside it tries and fails: {name}",
                    f"END-{n}" in got and canary not in got, got or repr(inside["done"]))
    count = len(names)
    check.check("control: outside the read tool gets the key",
                KEY in outside["results"].get(f"call_{count}", ""))
    read = inside["results"].get(f"call_{count}", "")
    check.check("inside the read tool does not", read and KEY not in read, read)
    check.equal("control: outside every file can be planted", outside["planted"], PLANTED)
    planting = inside["results"].get(f"call_{count + 2}", "")
    check.check("inside planting was tried", "END-plant" in planting, planting)
    check.equal("and nothing was planted", inside["planted"], [])
    check.check("what is mounted rw can be written inside", inside["kept"])
    reached = inside["results"].get(f"call_{count + 4}", "")
    check.check("the forwarded port answers the shell too",
                "stand-in" in reached and "END-forward" in reached, reached)
    check.check("control: outside the other server is reached", outside["hits"] > 0)
    check.equal("inside it is never reached", inside["hits"], 0)
    for canary in (KEY, NEIGHBOUR, OTHER_PORT, ARGUMENT, VARIABLE):
        check.check(f"the model never saw the {canary}", canary not in inside["sent"])


class Tmux:
    """A terminal of our own to look at and type into; its server ends with it."""

    def __init__(self, scene, command, environment):
        self.socket = os.path.join(scene.root, "tmux")
        line = f"{command}; echo EXIT-$? > {shlex.quote(scene.root)}/exit; exec sleep 300"
        subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", "new-session", "-d",
                        "-x", "120", "-y", "40", "-c", scene.project, line],
                       env={**environment, "SHELL": "/bin/bash"}, check=True)

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-S", self.socket, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False).stdout.decode()

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def wait_for(self, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.1)  # a poll of the screen, with a deadline: tmux has nothing to wait on
        return False

    def end(self):
        self.tmux("kill-server")


def full_screen(check, program, server, command, launch_environment, inside_port, name):
    """Types a request into the full-screen program; returns its exit status as the shell saw it."""
    with Scene(program, inside_port) as scene:
        server.script = write_script(scene.project)
        server.requests.clear()
        notes = os.path.join(scene.project, "notes.txt")
        exit_file = os.path.join(scene.root, "exit")
        terminal = Tmux(scene, command, launch_environment(scene))
        try:
            if not check.check(f"{name}: the full-screen program draws itself",
                               terminal.wait_for(lambda: "Ask anything" in terminal.screen()),
                               terminal.screen()):
                return None
            terminal.tmux("send-keys", "-l", "write the notes")
            typed = terminal.wait_for(lambda: "write the notes" in terminal.screen(), 20)
            check.check(f"{name}: what is typed appears", typed, terminal.screen())
            terminal.tmux("send-keys", "Enter")
            check.check(f"{name}: it writes the file",
                        terminal.wait_for(lambda: os.path.exists(notes)), terminal.screen())
            check.check(f"{name}: it shows the model's last words",
                        terminal.wait_for(lambda: "Both are done" in terminal.screen()),
                        terminal.screen())
            terminal.tmux("send-keys", "C-c")
            if not terminal.wait_for(lambda: os.path.exists(exit_file), 5):
                terminal.tmux("send-keys", "C-c")
            if not check.check(f"{name}: Ctrl-C ends it",
                               terminal.wait_for(lambda: os.path.exists(exit_file), 20),
                               terminal.screen()):
                return None
            if name == "inside":
                check.equal(f"{name}: no process is left",
                            support.left_after_a_second(f"{scene.home}/.opencode"), [])
            with open(exit_file, encoding="ascii") as file:
                return file.read()
        finally:
            terminal.end()


def main():
    check = support.Suite("opencode")
    program = packages.opencode()
    # 8080 as in the user's line; where the host's is taken, another host port stands left of it.
    port = 8080 if support.port_is_free(8080) else 0
    server = stand_in.StandIn([], port).start()
    other = OtherServer()
    inside_port = 8080
    forward = "8080" if server.port == 8080 else f"{server.port}:8080"
    with check.guarded("writes and edits"):
        writes_and_edits(check, program, server, forward, inside_port)
    with check.guarded("takes nothing"):
        takes_nothing(check, program, server, other, forward, inside_port)
    with check.guarded("full screen"):
        colours = {"TERM": "xterm-256color"}
        outside = full_screen(check, program, server, "opencode",
                              lambda s: {**bare_environment(s), **colours}, server.port,
                              "control outside")
        inside = full_screen(check, program, server, box_line("opencode", forward),
                             lambda s: {**box_environment(s), **colours}, inside_port, "inside")
        check.equal("full screen: the same exit status", inside, outside)
    server.stop()
    check.finish()


if __name__ == "__main__":
    main()
