#!/usr/bin/env python3
"""The real Codex with its own sandbox in the box, and without.

Told nothing, it has none: what it runs may write where the box may. With `-u nested` and --sandbox workspace-write it has:
what it runs may not write outside of the project and reaches no network. Asked for without `-u nested` it cannot be built,
and nothing of what it should confine runs, which is the control for both.
"""

import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import codex_suite  # noqa: E402
import keyed_agent  # noqa: E402
from keyed_agent import certificates, support  # noqa: E402

TRY = ("touch ~/outside && echo outside-written; touch inside && echo inside-written; "
       "curl -sS -m 10 -o /dev/null https://api.openai.com/v1/models && echo network; echo END-try")


class Codex(codex_suite.Codex):
    name = "nested"

    def script(self, project):
        return [codex_suite.shell(TRY), {"text": keyed_agent.LAST_WORDS}]


def attempt(check, agent, stand_in, authority, name, flags, options, wanted):
    with keyed_agent.Scene(agent, agent.program(), stand_in, authority) as scene:
        done = scene.boxed(["codex", "exec", *options, "do what is to be done"], flags)
        said = agent.results(stand_in.requests).get("call_0", "")
        check.equal(f"{name}: exits with 0, and says the model's last words", (done.status, agent.said(done)), (0, keyed_agent.LAST_WORDS))
        words = ("inside-written", "outside-written", "network", "END-try")
        check.equal(f"{name}: what its command could do", [word for word in words if f"{word}\n" in said + "\n"], wanted)
        if wanted != [word for word in words if f"{word}\n" in said + "\n"]:
            check.fail(f"{name}: what it said", repr(said) + repr(done))
        check.equal(f"{name}: the project shows it", os.path.exists(os.path.join(scene.project, "inside")), "inside-written" in wanted)
        check.equal(f"{name}: no process is left", support.left_after_a_second(scene.root), [])


def main():
    agent = Codex()
    check = support.Suite(agent.name)
    own = ["--sandbox", "workspace-write"]
    rows = [
        ("told nothing", [], [], ["inside-written", "outside-written", "network", "END-try"]),
        ("nested", ["-u", "nested", "-u", "codex"], own, ["inside-written", "END-try"]),
        ("control: asked for where it cannot be", [], own, []),
    ]
    with support.World() as world:
        authority = certificates.Authority(os.path.join(world.root, "authority"))
        stand_in = agent.server(authority.leaf(agent.host, "localhost"), agent.made_up_key()).start()
        for name, flags, options, wanted in rows:
            with check.guarded(name):
                attempt(check, agent, stand_in, authority.certificate, name, flags, options, wanted)
        stand_in.stop()
    check.finish()


if __name__ == "__main__":
    main()
