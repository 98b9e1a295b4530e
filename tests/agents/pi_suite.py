#!/usr/bin/env python3
"""The real pi in the box, with Anthropic's key kept outside. What is checked is in keyed_agent.py."""

import json
import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import anthropic_agent  # noqa: E402
import keyed_agent  # noqa: E402
import packages  # noqa: E402


def shell(command):
    return {"tool": "bash", "arguments": {"command": command}}


class Pi(anthropic_agent.AnthropicAgent):
    name = "pi"
    asked_besides = frozenset({"pi.dev", "github.com", "api.github.com"})

    def program(self):
        return packages.pi()

    def more_programs(self):
        return [packages.node_for("pi")]

    def mounts(self):
        return [os.path.dirname(os.path.dirname(self.program()))]  # node_modules

    def command(self):
        return ["pi", "--provider", "anthropic", "--model", "claude-sonnet-4-5", "-p", "do what is to be done"]

    def script(self, project):
        return [
            shell(keyed_agent.PRINT_ENVIRONMENT),
            {"tool": "read", "arguments": {"path": f"{project}/README"}},
            {"tool": "write", "arguments": {"path": f"{project}/notes.txt", "content": "written by the agent\n"}},
            shell(keyed_agent.RUN),
            shell(keyed_agent.ASK_REFUSED),
            {"text": keyed_agent.LAST_WORDS},
        ]

    def bare(self, scene):
        scene.write(".pi/agent/models.json", json.dumps({"providers": {"anthropic": {
            "baseUrl": f"https://localhost:{scene.server.port}"}}}))
        return self.command(), {"NODE_EXTRA_CA_CERTS": scene.authority, "PI_OFFLINE": "1"}


if __name__ == "__main__":
    keyed_agent.run(Pi())
