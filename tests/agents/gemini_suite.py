#!/usr/bin/env python3
"""The real Gemini CLI in the box, with the key kept outside. What is checked is in keyed_agent.py."""

import json
import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import gemini_stand_in  # noqa: E402
import keyed_agent  # noqa: E402
import packages  # noqa: E402


def shell(command):
    return {"tool": "run_shell_command", "arguments": {"command": command, "description": "a scripted step"}}


class Gemini(keyed_agent.Agent):
    name = "gemini"
    host = "generativelanguage.googleapis.com"
    variable = "GEMINI_API_KEY"
    prefix = "AIza"
    model_path = keyed_paths = "/v1beta/models/"
    question_path = "/v1beta/models/any:generateContent"
    refusal = 400
    key_field = "x-goog-api-key"
    asked_besides = frozenset({"play.googleapis.com"})

    def program(self):
        return packages.gemini()

    def more_programs(self):
        return [packages.node_for("gemini")]

    def mounts(self):
        return [os.path.dirname(os.path.dirname(self.program()))]  # node_modules

    def command(self):
        return ["gemini", "-p", "do what is to be done"]

    def server(self, identity, key):
        return gemini_stand_in.GeminiStandIn([], key=key, identity=identity)

    def results(self, requests):
        return gemini_stand_in.results(requests)

    def script(self, project):
        return [
            shell(keyed_agent.PRINT_ENVIRONMENT),
            {"tool": "read_file", "arguments": {"file_path": f"{project}/README"}},
            {"tool": "write_file", "arguments": {"file_path": f"{project}/notes.txt",
                                                 "content": "written by the agent\n"}},
            shell(keyed_agent.RUN),
            shell(keyed_agent.ASK_REFUSED),
            {"text": keyed_agent.LAST_WORDS},
        ]

    def bare(self, scene):
        # With another base URL it wants to be told which kind of login it has.
        scene.write(".gemini/settings.json", json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}}))
        return ["gemini", "--yolo", "--skip-trust", *self.command()[1:]], {
            "GOOGLE_GEMINI_BASE_URL": f"https://localhost:{scene.server.port}",
            "NODE_EXTRA_CA_CERTS": scene.authority}


if __name__ == "__main__":
    keyed_agent.run(Gemini())
