#!/usr/bin/env python3
"""Real agents as full-screen programs in the box, typed at: claude and opencode, with their built-in profiles.

A prompt, a resize, Ctrl-C, Ctrl-Z and fg, and the end. No first-run question may be in the way. What the screen showed is
in the failure of what was waited for.
"""

import os
import re
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import claude_suite  # noqa: E402
import keyed_agent  # noqa: E402
import opencode_key_suite  # noqa: E402
from keyed_agent import certificates, support  # noqa: E402

import tmux  # noqa: E402

PATIENCE = 60  # seconds: the agents take some to draw
LAST = "The file has been written."


class Look:
    """How one agent looks: when it is ready, what a resize changes, how it is left."""

    def __init__(self, agent, command, ready, tool, leave):
        self.agent, self.command, self.ready, self.tool, self.leave = agent, command, ready, tool, leave


def looks():
    return [
        Look(claude_suite.Claude(), "redoubtful run claude", lambda text: "bypass permissions on" in text,
             lambda project: {"tool": "Write", "arguments": {"file_path": f"{project}/notes.txt", "content": "typed\n"}},
             ["C-c", "C-c"]),
        Look(opencode_key_suite.Opencode(), "redoubtful run opencode -m anthropic/claude-sonnet-4-5",
             lambda text: "Ask anything" in text,
             lambda project: {"tool": "write", "arguments": {"filePath": f"{project}/notes.txt", "content": "typed\n"}},
             ["C-c"]),
    ]


def widest(text):
    return max((len(row) for row in text.split("\n")), default=0)


class Sitting:
    def __init__(self, check, look, scene, terminal):
        self.check, self.look, self.scene, self.terminal = check, look, scene, terminal
        self.name = look.agent.name

    def comes(self, what, holds):
        self.terminal.wait(f"{self.name}: {what}", holds, PATIENCE)
        self.check.ok(f"{self.name}: {what}")

    def shows(self, text):
        return lambda: text in self.terminal.text()

    def play(self):
        terminal, project = self.terminal, self.scene.project
        number = terminal.start(self.look.command)
        self.comes("is ready without any question", lambda: self.look.ready(terminal.text()))
        terminal.type("write the notes")
        self.comes("what is typed appears", self.shows("write the notes"))
        terminal.keys("Enter")
        self.comes("writes the file", lambda: os.path.exists(os.path.join(project, "notes.txt")))
        self.comes("shows the model's last words", self.shows(LAST))
        terminal.resize(70, 30)
        self.comes("draws itself anew when the terminal shrinks",
                   lambda: LAST in terminal.text() and widest(terminal.text()) <= 70)
        terminal.resize(110, 34)
        self.comes("and when it grows", lambda: LAST in terminal.text() and widest(terminal.text()) > 70)
        terminal.type("half a word")
        self.comes("types on", self.shows("half a word"))
        terminal.keys("C-c")
        self.comes("Ctrl-C clears the line, and does not end it",
                   lambda: "half a word" not in terminal.text() and not self.at_prompt())
        number = self.stop_and_continue(number)
        for key in self.look.leave:
            terminal.keys(key)
        self.comes("ends", lambda: self.at_prompt(after=number))
        self.check.equal(f"{self.name}: with status 0", terminal.prompt(number)[1], 0)

    def at_prompt(self, after=0):
        match = tmux.PROMPT.match(self.terminal.last_row())
        return bool(match) and int(match[1]) > after

    def stop_and_continue(self, number):
        terminal = self.terminal
        terminal.keys("C-z")
        self.comes("Ctrl-Z gives the shell back", lambda: self.at_prompt(after=number))
        terminal.start("jobs")
        self.comes("it is a stopped job", lambda: re.search(r"Stopped\s.*redoubtful run", terminal.text()))
        number = terminal.start("fg")
        self.comes("fg shows it again", lambda: LAST in terminal.text() and not self.at_prompt())
        terminal.type("again")
        self.comes("and it takes what is typed", self.shows("again"))
        terminal.keys("C-c")
        self.comes("and Ctrl-C", lambda: not re.search(r"\bagain\b", terminal.text()))
        return number


def main():
    check = support.Suite("interactive")
    chosen = sys.argv[1:]
    for look in looks():
        if chosen and look.agent.name not in chosen:
            continue
        with check.guarded(look.agent.name), support.World() as world:
            program = look.agent.program()
            authority = certificates.Authority(os.path.join(world.root, "authority"))
            server = look.agent.server(authority.leaf(*look.agent.hosts(), "localhost"), look.agent.made_up_key()).start()
            with keyed_agent.Scene(look.agent, program, server, authority.certificate) as scene:
                server.script = [look.tool(scene.project), {"text": LAST}]
                with tmux.Terminal(scene.project, world.root, scene.box_environment(), 90, 32) as terminal:
                    Sitting(check, look, scene, terminal).play()
                # The terminal's own processes have the project's path in their environment, too.
                check.equal(f"{look.agent.name}: no process is left", support.left_after_a_second(scene.project), [])
            server.stop()
    check.finish()


if __name__ == "__main__":
    main()
