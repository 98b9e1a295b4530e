#!/usr/bin/env python3
"""The real Codex in the box with a login of ChatGPT: auth.json inside holds three surrogates.

A login is three tokens; without any one of them the file is no login to Codex. Its access token is a JSON web token
that is soon over, so the surrogate's own expiry must be far away, or Codex would try to renew it.

In one run the host refuses the login from the start (Codex asks by one WebSocket, which is judged at its beginning).
"""

import base64
import json
import os
import re
import secrets
import sys
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import codex_suite  # noqa: E402
import keyed_agent  # noqa: E402
import renewed_login  # noqa: E402

REFRESH = "rt_" + "Kq7xZ2mNw4" * 8
ACCOUNT = "0f0e0d0c-1111-4222-8333-444455556666"


def encoded(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def token(claims):
    head = encoded(json.dumps({"alg": "RS256", "typ": "JWT", "kid": "k1"}).encode())
    return ".".join([head, encoded(json.dumps(claims).encode()), encoded(secrets.token_bytes(256))])


def account():
    return {"chatgpt_account_id": ACCOUNT, "chatgpt_plan_type": "pro", "chatgpt_user_id": "user-1", "user_id": "user-1",
            "organizations": [{"id": "org-1", "title": "Personal"}]}


class CodexLogin(codex_suite.Codex):
    name = "codex-login"
    host = "chatgpt.com"
    prefix = "eyJ"
    credential = "codex-login"
    login_file = ".codex/auth.json"
    token_host = "auth.openai.com"
    token_path = "/oauth/token"
    client_id = "app_EMoamEEZ73f0CkXaXp7hrann"
    refresh_token = REFRESH
    model_path = "/backend-api/codex/responses"
    keyed_paths = ("/backend-api/",)
    asked_besides = frozenset({"ab.chatgpt.com", "api.github.com", "github.com"})
    identity = token({"email": "t@example.test", "exp": 4102444800, "https://api.openai.com/auth": account()})

    def made_up_key(self):
        # Ten minutes: long enough for a run, and Codex renews from five minutes before the end.
        return token({"iss": "https://auth.openai.com", "aud": ["https://api.openai.com/v1"], "sub": "auth0|1",
                      "exp": int(time.time()) + 240, "https://api.openai.com/auth": account(), "padding": "x" * 200})

    def log_in(self, scene):
        scene.write(self.login_file, json.dumps({
            "auth_mode": "chatgpt", "OPENAI_API_KEY": None, "last_refresh": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "tokens": {"access_token": scene.server.key, "refresh_token": REFRESH, "id_token": self.identity,
                       "account_id": ACCOUNT}}), 0o600)

    def fresh_tokens(self):
        return {"access_token": self.made_up_key(), "refresh_token": "rt_" + "Wb4tYh9L" * 10, "id_token": self.identity}

    def more_parts(self, check, program, server, authority):
        name = "refused from the start"
        return {name: lambda: renewed_login.part(check, self, program, server, authority, name, after=0)}

    def secrets(self, scene):
        return [scene.server.key, REFRESH, self.identity]

    def keys_in(self, text):
        return re.findall(r'"access_token":\s*"([^"]+)"', text)

    def bare(self, scene):
        provider = ('{name="here", requires_openai_auth=true, wire_api="responses", '
                    f'base_url="https://localhost:{scene.server.port}/backend-api/codex"}}')
        return ["codex", "exec", "--dangerously-bypass-approvals-and-sandbox", "-c", 'model_provider="here"', "-c",
                f"model_providers.here={provider}", "-c",
                f'chatgpt_base_url="https://localhost:{scene.server.port}/backend-api/"', "do what is to be done"], {
                    "CODEX_CA_CERTIFICATE": scene.authority, "RUST_LOG": "error"}


if __name__ == "__main__":
    keyed_agent.run(CodexLogin())
