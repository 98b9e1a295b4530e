#!/usr/bin/python3
"""The real Qwen Code in the box, with OpenAI's key kept outside and no profile of its own: two options say it all.

What is checked is in keyed_agent.py.
"""

import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import named_agent  # noqa: E402  (first: it knows the way to the others)
import keyed_agent  # noqa: E402
import packages  # noqa: E402
import stand_in  # noqa: E402


def shell(command):
    return {"tool": "run_shell_command", "arguments": {"command": command, "is_background": False}}


class Qwen(named_agent.NamedAgent, keyed_agent.Agent):
    name = "qwen"
    host = "api.openai.com"
    variable = "OPENAI_API_KEY"
    prefix = "sk-proj-"
    model_path = "/v1/chat/completions"
    asked_besides = frozenset({"*.rum.aliyuncs.com", "*.npmjs.org"})

    def program(self):
        return packages.native("qwen", os.path.join(".bin", "qwen"))

    def more_programs(self):
        return [packages.node_for("qwen")]

    def mounts(self):
        return [os.path.dirname(os.path.dirname(self.program()))]  # node_modules

    def flags(self):
        return ["-u", "agent", "-s", f"{self.variable}=env:{self.variable}@{self.host}", *self.told()]

    def told(self):
        return ["-e", f"OPENAI_BASE_URL=https://{self.host}/v1", "-e", "OPENAI_MODEL=gpt-5"]

    def command(self):
        return ["qwen", "--auth-type", "openai", "--yolo", "-p", "do what is to be done"]

    def server(self, identity, key):
        return stand_in.StandIn([], key=key, identity=identity)

    def results(self, requests):
        return stand_in.results(requests)

    def script(self, project):
        return [
            shell(keyed_agent.PRINT_ENVIRONMENT),
            {"tool": "read_file", "arguments": {"file_path": f"{project}/README"}},
            {"tool": "write_file", "arguments": {"file_path": f"{project}/notes.txt", "content": "written by the agent\n"}},
            shell(keyed_agent.RUN),
            shell(keyed_agent.ASK_REFUSED),
            {"text": keyed_agent.LAST_WORDS},
        ]

    def bare(self, scene):
        command, environment = super().bare(scene)
        return command, {**environment, **dict(word.split("=", 1) for word in self.told()[1::2])}


if __name__ == "__main__":
    keyed_agent.run(Qwen())
