#!/usr/bin/env python3
"""The real Claude Code in the box with a subscription's login file: inside it has surrogates, and no refresh token.

In one run the host refuses the login after the first answer, as when a Claude outside has renewed it.
"""

import json
import os
import sys

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import claude_suite  # noqa: E402
import keyed_agent  # noqa: E402
import renewed_login  # noqa: E402

REFRESH = "sk-ant-ort01-" + "Zq7xK2mN" * 11
FAR = 4102444800000  # 2100, in milliseconds


class ClaudeLogin(claude_suite.Claude):
    name = "claude-login"
    prefix = "sk-ant-oat01-"
    credential = "claude-login"
    login_file = ".claude/.credentials.json"
    token_host = "platform.claude.com"
    token_path = "/v1/oauth/token"
    client_id = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"
    refresh_token = REFRESH
    key_field = "authorization"

    def log_in(self, scene):
        scene.write(self.login_file, json.dumps({"claudeAiOauth": {
            "accessToken": scene.server.key, "refreshToken": REFRESH, "expiresAt": FAR,
            "scopes": ["user:inference", "user:profile"], "subscriptionType": "max"}}), 0o600)

    def fresh_tokens(self):
        return {"access_token": self.made_up_key(), "refresh_token": "sk-ant-ort01-" + "Wb4tYh9L" * 11, "expires_in": 28800}

    def more_parts(self, check, program, server, authority):
        name = "renewed in the middle"
        return {name: lambda: renewed_login.part(check, self, program, server, authority, name, after=1)}

    def secrets(self, scene):
        return [scene.server.key, REFRESH]


if __name__ == "__main__":
    keyed_agent.run(ClaudeLogin())
