#!/usr/bin/python3
"""The real GitHub Copilot CLI in the box, with GitHub's token kept outside. What is checked is in keyed_agent.py."""

import os
import re
import secrets
import string
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import named_agent  # noqa: E402  (first: it knows the way to the others)
import copilot_stand_in  # noqa: E402
import keyed_agent  # noqa: E402
import packages  # noqa: E402
import stand_in  # noqa: E402


def shell(command):
    return {"tool": "bash", "arguments": {"command": command, "description": "a scripted step"}}


class Copilot(named_agent.NamedAgent, keyed_agent.Agent):
    name = "copilot"
    host = copilot_stand_in.API
    variable = "COPILOT_GITHUB_TOKEN"
    prefix = "github_pat_"
    model_path = "/chat/completions"
    keyed_paths = "/chat/completions"
    asked_besides = frozenset({"github.com", "*.githubcopilot.com", "*.githubusercontent.com"})

    def program(self):
        return packages.native("copilot", os.path.join("@github", f"copilot-linux-{packages.machine('copilot')}", "copilot"))

    def hosts(self):
        return [self.host, "api.github.com"]

    def made_up_key(self):
        letters = string.ascii_letters + string.digits
        return self.prefix + "".join(secrets.choice(letters) for _ in range(22)) + "_" + "".join(secrets.choice(letters) for _ in range(59))

    def keys_in(self, text):
        return re.findall(r"github_pat_[A-Za-z0-9_]{30,}", text)

    def command(self):
        return ["copilot", "-p", "do what is to be done"]

    def said(self, done):
        """It tells of each step before."""
        return done.out.strip().rpartition("\n")[2]

    def server(self, identity, key):
        return copilot_stand_in.CopilotStandIn([], key=key, identity=identity)

    def results(self, requests):
        return stand_in.results(requests)

    def script(self, project):
        return [
            # What is long it puts into a file, and outside there are many processes.
            shell(keyed_agent.PRINT_ENVIRONMENT.replace("/proc/*/cmdline", "/proc/$PPID/cmdline")),
            {"tool": "view", "arguments": {"path": f"{project}/README"}},
            {"tool": "create", "arguments": {"path": f"{project}/notes.txt", "file_text": "written by the agent\n"}},
            shell(keyed_agent.RUN),
            shell(keyed_agent.ASK_REFUSED),
            {"text": keyed_agent.LAST_WORDS},
        ]

    def bare(self, scene):
        command, environment = super().bare(scene)
        return [command[0], "--allow-all", *command[1:]], environment


if __name__ == "__main__":
    keyed_agent.run(Copilot())
