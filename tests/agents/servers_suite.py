#!/usr/bin/env python3
"""The real Claude Code with servers around it: MCP by stdio, on the host's localhost and remote; and one that it starts itself.

Each server's answer has to arrive at the model. The same run without -f, -a, -s or --publish is the control: there the
servers outside are not reached, and nothing of the box's is on the host.
"""

import json
import os
import secrets
import shutil
import socket
import sys
import threading
import time
import urllib.request

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import claude_suite  # noqa: E402
import keyed_agent  # noqa: E402
import mcp_server  # noqa: E402
from keyed_agent import certificates, support  # noqa: E402

REMOTE = "mcp.example"
SERVERS = ("local", "host", "remote")
PATIENCE = 60  # seconds for the agent to start its server


class Claude(claude_suite.Claude):
    name = "servers"
    steps = ()

    def script(self, project):
        return [*self.steps, {"text": keyed_agent.LAST_WORDS}]

    def hosts(self):
        return [self.host, REMOTE]

    def results(self, requests):
        found = super().results(requests)
        return [found.get(f"call_{n}", "") for n in range(len(self.steps))]


# Claude Code asks its model before its servers are connected, and takes the tools of those that are by then.
WAIT = claude_suite.shell("for i in $(seq 400); do [ -e local.listed ] && break; sleep 0.05; done; rm local.listed; sleep 0.5")


def greet(server):
    return {"tool": f"mcp__{server}__greet", "arguments": {"name": "the agent"}}


def mcp(check, agent, stand_in, authority, identity):
    token = "ghp_" + secrets.token_hex(18)
    agent.steps = [WAIT, *(greet(name) for name in SERVERS)]
    with mcp_server.HttpServer("host") as host, mcp_server.HttpServer("remote", token, identity) as remote, \
            keyed_agent.Scene(agent, agent.program(), stand_in, authority, origins={REMOTE: remote.port}) as scene:
        shutil.copy(mcp_server.__file__, scene.project)
        scene.write("src/project/servers.json", json.dumps({"mcpServers": {
            "local": {"command": "python3", "args": ["mcp_server.py", "local"]},
            "host": {"type": "http", "url": f"http://localhost:{host.port}/mcp"},
            "remote": {"type": "http", "url": f"https://{REMOTE}/mcp", "headers": {"Authorization": "Bearer ${MCP_TOKEN}"}},
        }}))
        scene.environment["MCP_TOKEN"] = token
        command = [*agent.command(), "--strict-mcp-config", "--mcp-config", "servers.json"]
        done = scene.boxed(command, ["-f", str(host.port), "-s", f"MCP_TOKEN=env:MCP_TOKEN@{REMOTE}"])
        got = agent.results(stand_in.requests)
        check.equal("mcp: exits with 0", done.status, 0)
        for name, result in zip(SERVERS, got[1:]):
            check.equal(f"mcp: the answer of the {name} server reaches the model", result, f"{name} greets the agent")
        check.equal("mcp: the remote server gets the real token", {shown for _, shown in remote.seen}, {f"Bearer {token}"})
        check.check("mcp: and nothing else does", token not in json.dumps(stand_in.requests) and token not in done.out + done.err)
        host.seen.clear()
        remote.seen.clear()
        stand_in.requests.clear()
        done = scene.boxed(command, ["-e", "MCP_TOKEN=of-no-worth"])
        got = agent.results(stand_in.requests)
        check.equal("control: without -f and -s the local server answers", got[1], "local greets the agent")
        check.check("control: and the others are not there", "greets" not in got[2] + got[3] and got[2] and got[3], got)
        check.equal("control: nothing reached them", (host.seen, remote.seen), ([], []))
        denied = {line["host"] for line in scene.audit() if line["event"] == "deny"}
        check.check("control: the refusal is in the audit log", REMOTE in denied, denied)
        check.equal("mcp: no process is left", support.left_after_a_second(scene.root), [])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetched(port):
    """What a page of the host's localhost is; None: nobody listens, or not yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/README", timeout=2) as page:
            return page.read().decode()
    except OSError:
        return None


class Visitor(threading.Thread):
    """The user's side: looks at the page as soon as there is something, then lets the agent go on."""

    def __init__(self, project, port, look):
        super().__init__()
        self.project, self.port, self.look, self.page = project, port, look, None

    def run(self):
        deadline = time.monotonic() + PATIENCE
        up = os.path.join(self.project, "up")
        while time.monotonic() < deadline and not os.path.exists(up):
            time.sleep(0.05)
        while time.monotonic() < deadline and self.page is None:
            self.page = fetched(self.port)
            if self.look == "once":
                break
            time.sleep(0.05)
        with open(os.path.join(self.project, "seen"), "w", encoding="ascii") as file:
            file.write("seen")


def dev_server(check, agent, stand_in, authority):
    inside, outside = free_port(), free_port()
    agent.steps = [claude_suite.shell(
        f"python3 -m http.server {inside} --bind 127.0.0.1 >/dev/null 2>&1 & until curl -sf http://127.0.0.1:{inside}/README; do sleep 0.1; "
        f"done; touch up; for i in $(seq {PATIENCE * 10}); do [ -e seen ] && break; sleep 0.1; done; cat seen; echo END")]
    for name, flags, look in (("published", ["--publish", f"{outside}:{inside}"], "until it is there"), ("control: not published", [], "once")):
        with keyed_agent.Scene(agent, agent.program(), stand_in, authority) as scene:
            visitor = Visitor(scene.project, outside, look)
            visitor.start()
            done = scene.boxed(agent.command(), flags)
            visitor.join()
            check.equal(f"{name}: the agent's server runs inside, and it goes on", (done.status, agent.results(stand_in.requests)),
                        (0, ["a project\nseenEND"]))
            check.equal(f"{name}: the page on the host", visitor.page, "a project\n" if flags else None)
            check.check(f"{name}: afterwards the port is free", support.port_is_free(outside))
            check.equal(f"{name}: no process is left", support.left_after_a_second(scene.root), [])


def main():
    agent = Claude()
    check = support.Suite(agent.name)
    with support.World() as world:
        authority = certificates.Authority(os.path.join(world.root, "authority"))
        identity = authority.leaf(*agent.hosts(), "localhost")
        stand_in = agent.server(identity, agent.made_up_key()).start()
        with check.guarded("mcp"):
            mcp(check, agent, stand_in, authority.certificate, identity)
        with check.guarded("a dev server"):
            dev_server(check, agent, stand_in, authority.certificate)
        stand_in.stop()
    check.finish()


if __name__ == "__main__":
    main()
