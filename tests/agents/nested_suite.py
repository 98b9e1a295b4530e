#!/usr/bin/env python3
"""The real Codex and Claude Code with their own sandboxes in the box, and without.

Told nothing, they have none: what they run may write where the box may. With `-u nested` and the option that asks for it
they have: what they run may not write outside of the project, and with Codex reaches no network. Codex asked for it
without `-u nested` cannot build it, and nothing of what it should confine runs, which is the control.
"""

import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import claude_suite  # noqa: E402
import codex_suite  # noqa: E402
import keyed_agent  # noqa: E402
from keyed_agent import certificates, support  # noqa: E402

TRY = ("touch ~/outside && echo outside-written; touch inside && echo inside-written; "
       "curl -sS -m 10 -o /dev/null https://api.openai.com/v1/models && echo network; echo END-try")


WORDS = ("inside-written", "outside-written", "network", "END-try")
CLAUDES = ["--settings", '{"sandbox": {"enabled": true, "allowUnsandboxedCommands": false}}']
CODEX = ["--sandbox", "workspace-write"]


class Codex(codex_suite.Codex):
    def script(self, project):
        return [codex_suite.shell(TRY), {"text": keyed_agent.LAST_WORDS}]


class Claude(claude_suite.Claude):
    def script(self, project):
        return [claude_suite.shell(TRY), {"text": keyed_agent.LAST_WORDS}]


# what it is, the agent, options of redoubtful, of the agent, what its command can do
ROWS = [
    ("told nothing", Codex, [], [], list(WORDS)),
    ("nested", Codex, ["-u", "nested", "-u", "codex"], CODEX, ["inside-written", "END-try"]),
    ("control: asked for where it cannot be", Codex, [], CODEX, []),
    ("told nothing", Claude, [], [], list(WORDS)),
    ("nested", Claude, ["-u", "nested", "-u", "claude"], CLAUDES, ["inside-written", "network", "END-try"]),
]


def attempt(check, agent, stand_in, authority, row):
    name, _, flags, options, wanted = row
    name = f"{agent.name}, {name}"
    with keyed_agent.Scene(agent, agent.program(), stand_in, authority) as scene:
        done = scene.boxed([*agent.command()[:-1], *options, agent.command()[-1]], flags)
        said = agent.results(stand_in.requests).get("call_0", "")
        could = [word for word in WORDS if f"{word}\n" in said + "\n"]
        check.equal(f"{name}: exits with 0, and says the model's last words", (done.status, agent.said(done)), (0, keyed_agent.LAST_WORDS))
        check.check(f"{name}: what its command could do", could == wanted, f"{could}: {said!r} {done!r}")
        check.equal(f"{name}: the project shows it", os.path.exists(os.path.join(scene.project, "inside")), "inside-written" in wanted)
        check.equal(f"{name}: no process is left", support.left_after_a_second(scene.root), [])


def main():
    check = support.Suite("nested")
    with support.World() as world:
        authority = certificates.Authority(os.path.join(world.root, "authority"))
        for row in ROWS:
            agent = row[1]()
            stand_in = agent.server(authority.leaf(agent.host, "localhost"), agent.made_up_key()).start()
            with check.guarded(f"{agent.name}, {row[0]}"):
                attempt(check, agent, stand_in, authority.certificate, row)
            stand_in.stop()
    check.finish()


if __name__ == "__main__":
    main()
