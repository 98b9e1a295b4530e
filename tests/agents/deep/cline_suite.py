#!/usr/bin/python3
"""The real Cline in the box, with Anthropic's key kept outside and no profile of its own: one option says it all.

Each run leaves a daemon behind, which the box's end takes along. What is checked is in keyed_agent.py.
"""

import json
import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import named_agent  # noqa: E402  (first: it knows the way to the others)
import anthropic_agent  # noqa: E402
import keyed_agent  # noqa: E402
import packages  # noqa: E402


def shell(command):
    return {"tool": "run_commands", "arguments": {"commands": [command]}}


def plain(text):
    """Its tools report JSON, in which what was printed is a value."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return "\n".join(leaves(value))


def leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in leaves(item)]
    return [str(value)]


class Cline(named_agent.NamedAgent, anthropic_agent.AnthropicAgent):
    name = "cline"
    asked_besides = frozenset({"data.cline.bot", "otel.cline.bot", "api.cline.bot", "*.npmjs.org"})

    def program(self):
        return packages.native("cline", os.path.join("@cline", f"cli-linux-{packages.machine('cline')}", "bin", "cline"))

    def mounts(self):
        return [os.path.dirname(os.path.dirname(self.program()))]

    def flags(self):
        return ["-u", "agent", "-s", f"{self.variable}=env:{self.variable}@{self.host}"]

    def command(self):
        return ["cline", "-P", "anthropic", "-m", "claude-sonnet-4-5", "do what is to be done"]

    def results(self, requests):
        return {call: plain(text) for call, text in super().results(requests).items()}

    def said(self, done):
        """It tells of each step before."""
        return done.out.strip().rpartition("\n")[2]

    def bare(self, scene):
        """In a pid namespace, or the daemon would stay."""
        command, environment = super().bare(scene)
        return ["unshare", "--user", "--map-current-user", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", *command], environment

    def script(self, project):
        return [
            shell(keyed_agent.PRINT_ENVIRONMENT),
            {"tool": "read_files", "arguments": {"files": [{"path": f"{project}/README"}]}},
            {"tool": "editor", "arguments": {"path": f"{project}/notes.txt", "new_text": "written by the agent\n"}},
            shell(keyed_agent.RUN),
            shell(keyed_agent.ASK_REFUSED),
            {"text": keyed_agent.LAST_WORDS},
        ]


if __name__ == "__main__":
    keyed_agent.run(Cline())
