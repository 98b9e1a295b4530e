#!/usr/bin/env python3
"""The real Claude Code in the box with a subscription's login file: inside it has surrogates, and no refresh token."""

import json
import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import claude_suite  # noqa: E402
import keyed_agent  # noqa: E402

REFRESH = "sk-ant-ort01-" + "Zq7xK2mN" * 11
FAR = 4102444800000  # 2100, in milliseconds


class ClaudeLogin(claude_suite.Claude):
    name = "claude-login"
    prefix = "sk-ant-oat01-"
    credential = "claude-login"

    def log_in(self, scene):
        scene.write(".claude/.credentials.json", json.dumps({"claudeAiOauth": {
            "accessToken": scene.server.key, "refreshToken": REFRESH, "expiresAt": FAR,
            "scopes": ["user:inference", "user:profile"], "subscriptionType": "max"}}), 0o600)

    def secrets(self, scene):
        return [scene.server.key, REFRESH]

    def key_of(self, headers):
        return headers.get("authorization", "").removeprefix("Bearer ")

    def headers_with(self, key):
        return {"Authorization": f"Bearer {key}"}


if __name__ == "__main__":
    keyed_agent.run(ClaudeLogin())
