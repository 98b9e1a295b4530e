#!/usr/bin/env python3
"""The real opencode in the box, with Anthropic's key kept outside. What is checked is in keyed_agent.py."""

import json
import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import anthropic_agent  # noqa: E402
import keyed_agent  # noqa: E402
import packages  # noqa: E402


def shell(command):
    return {"tool": "bash", "arguments": {"command": command, "description": "a scripted step"}}


class Opencode(anthropic_agent.AnthropicAgent):
    name = "opencode-key"
    asked_besides = frozenset({"models.opencode.ai", "*.npmjs.org"})

    def program(self):
        return packages.opencode()

    def command(self):
        return ["opencode", "run", "-m", "anthropic/claude-sonnet-4-5", "do what is to be done"]

    def script(self, project):
        return [
            shell(keyed_agent.PRINT_ENVIRONMENT),
            {"tool": "read", "arguments": {"filePath": f"{project}/README"}},
            {"tool": "write", "arguments": {"filePath": f"{project}/notes.txt", "content": "written by the agent\n"}},
            shell(keyed_agent.RUN),
            shell(keyed_agent.ASK_REFUSED),
            {"text": keyed_agent.LAST_WORDS},
        ]

    def bare(self, scene):
        scene.write(".config/opencode/opencode.json", json.dumps({"provider": {"anthropic": {"options": {
            "baseURL": f"https://localhost:{scene.server.port}/v1"}}}}))
        return self.command(), {"NODE_EXTRA_CA_CERTS": scene.authority, "OPENCODE_DISABLE_MODELS_FETCH": "1",
                                "OPENCODE_PERMISSION": '{"*": "allow"}'}


if __name__ == "__main__":
    keyed_agent.run(Opencode())
