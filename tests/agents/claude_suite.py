#!/usr/bin/env python3
"""The real Claude Code in the box, with the key kept outside: a surrogate is all it ever sees.

Once through the proxy that HTTPS_PROXY names, once without any proxy variable, where its connections are taken as they come.
What is checked is in keyed_agent.py.
"""

import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import anthropic_agent  # noqa: E402
import keyed_agent  # noqa: E402
import packages  # noqa: E402


def shell(command):
    return {"tool": "Bash", "arguments": {"command": command, "description": "a scripted step"}}


class Claude(anthropic_agent.AnthropicAgent):
    name = "claude"

    def program(self):
        return packages.claude()

    def command(self):
        return ["claude", "-p", "do what is to be done"]

    def script(self, project):
        return [
            shell(keyed_agent.PRINT_ENVIRONMENT),
            {"tool": "Read", "arguments": {"file_path": f"{project}/README"}},
            {"tool": "Write", "arguments": {"file_path": f"{project}/notes.txt",
                                            "content": "written by the agent\n"}},
            shell(keyed_agent.RUN),
            shell(keyed_agent.ASK_REFUSED),
            {"text": keyed_agent.LAST_WORDS},
        ]

    def bare(self, scene):
        return ["claude", "--dangerously-skip-permissions", *self.command()[1:]], {
            "ANTHROPIC_BASE_URL": f"https://localhost:{scene.server.port}",
            "NODE_EXTRA_CA_CERTS": scene.authority,
            "CLAUDE_CODE_TMPDIR": os.path.join(scene.root, "tmp"),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "IS_SANDBOX": "1",  # as root it refuses to skip permissions
        }


if __name__ == "__main__":
    keyed_agent.run(Claude())
