#!/usr/bin/env python3
"""Real agents that log in inside the box: the page they want opened is said to the user, whole, and opened by nobody.

Outside, as the control, the same command starts the user's browser with a page of the same place.
"""

import os
import sys
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import claude_suite  # noqa: E402
import codex_suite  # noqa: E402
import keyed_agent  # noqa: E402
from keyed_agent import certificates, support  # noqa: E402

SAID = "redoubtful: a program in the box asks for a page, which is yours to open: "
PATIENCE = 20  # seconds for an agent to come to it; it then waits for the user, and is ended


class Row:
    def __init__(self, agent, command, page):
        self.agent, self.command, self.page = agent, command, page  # `page`: how its address begins


ROWS = [
    Row(claude_suite.Claude(), ["claude", "auth", "login", "--claudeai"], "https://claude.com/cai/oauth/authorize?"),
    Row(codex_suite.Codex(), ["codex", "login"], "https://auth.openai.com/oauth/authorize?"),
]


def until_it_asks(command, scene, asked, environment):
    """Starts it, waits until `asked(what it said)`, and ends it; what it said, both streams."""
    with open(os.path.join(scene.root, "said"), "w+", encoding="utf-8") as said:
        process = support.subprocess.Popen(command, cwd=scene.project, env=environment, stdin=support.subprocess.DEVNULL,
                                           stdout=said, stderr=said, start_new_session=True)
        deadline = time.monotonic() + PATIENCE
        text = ""
        while time.monotonic() < deadline and process.poll() is None and not asked(text):
            time.sleep(0.05)
            said.seek(0)
            text = said.read()
        os.killpg(process.pid, support.signal.SIGTERM)
        process.wait()
    return text


def attempt(check, row, stand_in, authority):
    with keyed_agent.Scene(row.agent, row.agent.program(), stand_in, authority) as scene:
        name, opened = row.agent.name, os.path.join(scene.home, "opened")
        browser = scene.write("bin/xdg-open", f"#!/bin/sh\necho \"$@\" > {opened}\n", 0o755)
        scene.environment["BROWSER"] = browser
        environment = scene.box_environment()
        text = until_it_asks(["redoubtful", "run", *row.command], scene, lambda said: SAID in said, environment)
        pages = [line.partition(SAID)[2] for line in text.splitlines() if SAID in line]  # perhaps behind a question
        check.check(f"{name}: its login page is said to the user", len(pages) == 1 and pages[0].startswith(row.page), text)
        check.check(f"{name}: whole, with where it comes back to and its state", pages and "redirect_uri=" in pages[0] and "state=" in pages[0], pages)
        check.check(f"{name}: nothing opens it", not os.path.exists(opened))
        path = ":".join([os.path.dirname(browser), os.path.dirname(row.agent.program()), support.SYSTEM_PATH])
        until_it_asks(row.command, scene, lambda _: os.path.exists(opened), {**scene.environment, "PATH": path})
        with open(opened, encoding="utf-8") as file:
            check.check(f"control: {name} outside opens it", file.read().startswith(row.page))
        check.equal(f"{name}: no process is left", support.left_after_a_second(scene.root), [])


def main():
    check = support.Suite("login-pages")
    with support.World() as world:
        authority = certificates.Authority(os.path.join(world.root, "authority"))
        for row in ROWS:
            stand_in = row.agent.server(authority.leaf(row.agent.host, "localhost"), row.agent.made_up_key()).start()
            with check.guarded(row.agent.name):
                attempt(check, row, stand_in, authority.certificate)
            stand_in.stop()
    check.finish()


if __name__ == "__main__":
    main()
