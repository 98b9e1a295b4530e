#!/usr/bin/env python3
"""The real Codex in the box, with the key kept outside; it asks its model by WebSocket.

It also shows its key to chatgpt.com and asks three more hosts: they are refused, and what they are shown is a surrogate.
The control outside speaks to the same stand-in with server-sent events. What is checked is in keyed_agent.py.
"""

import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import keyed_agent  # noqa: E402
import packages  # noqa: E402
import responses_stand_in  # noqa: E402


def shell(command):
    return {"tool": "exec_command", "arguments": {"cmd": command}}


class Codex(keyed_agent.Agent):
    name = "codex"
    host = "api.openai.com"
    variable = "CODEX_API_KEY"
    prefix = "sk-proj-"
    model_path = "/v1/responses"
    asked_besides = frozenset({"chatgpt.com", "ab.chatgpt.com", "api.github.com", "github.com"})

    def program(self):
        return packages.codex()

    def command(self):
        return ["codex", "exec", "do what is to be done"]

    def server(self, identity, key):
        return responses_stand_in.ResponsesStandIn([], key=key, identity=identity)

    def results(self, requests):
        return responses_stand_in.results(requests)

    def script(self, project):
        return [
            shell(keyed_agent.PRINT_ENVIRONMENT),
            shell("cat README"),
            shell("echo written by the agent > notes.txt"),
            shell(keyed_agent.RUN),
            shell(keyed_agent.ASK_REFUSED),
            {"text": keyed_agent.LAST_WORDS},
        ]

    def bare(self, scene):
        provider = ('{name="here", env_key="CODEX_API_KEY", wire_api="responses", '
                    f'base_url="https://localhost:{scene.server.port}/v1"}}')
        return ["codex", "exec", "--dangerously-bypass-approvals-and-sandbox", "-c", 'model_provider="here"', "-c", f"model_providers.here={provider}",
                "do what is to be done"], {
            "CODEX_CA_CERTIFICATE": scene.authority}


if __name__ == "__main__":
    keyed_agent.run(Codex())
