#!/usr/bin/env python3
"""The real Gemini CLI in the box with a Google login that has ended: it is renewed outside, and the CLI never asks for one.

Outside there is no control: where it looks whether a login is good cannot be told to the CLI. That the stand-in takes the
fresh token alone is the control.
"""

import json
import os
import sys
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]

import code_assist_stand_in  # noqa: E402
import gemini_suite  # noqa: E402
import keyed_agent  # noqa: E402
import renewed_login  # noqa: E402
from keyed_agent import certificates, support  # noqa: E402


class GeminiLogin(gemini_suite.Gemini):
    name = "gemini-login"
    host = "cloudcode-pa.googleapis.com"
    prefix = "ya29."
    credential = "gemini-login"
    model_path = "/v1internal:streamGenerateContent"
    question_path = "/v1internal:countTokens"
    keyed_paths = "/v1internal"
    refusal = 401
    key_field = "authorization"
    login_file = ".gemini/oauth_creds.json"
    token_host = "oauth2.googleapis.com"
    token_path = "/token"
    client_id = "681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com"
    refresh_token = "1//0" + "Kq7xZ2mNw4" * 9

    def hosts(self):
        return [self.host, "www.googleapis.com"]

    def log_in(self, scene):
        scene.write(".gemini/settings.json", json.dumps({"security": {"auth": {"selectedType": "oauth-personal"}}}))
        scene.write(self.login_file, json.dumps({
            "access_token": scene.server.key, "refresh_token": self.refresh_token, "token_type": "Bearer",
            "scope": "https://www.googleapis.com/auth/cloud-platform", "expiry_date": int(time.time() * 1000) - 5000}), 0o600)

    def secrets(self, scene):
        return [scene.server.key, self.refresh_token]

    def fresh_tokens(self):
        return {"access_token": self.made_up_key(), "expires_in": 3599}

    def server(self, identity, key):
        return code_assist_stand_in.CodeAssistStandIn([], key=key, identity=identity)


def main():
    agent = GeminiLogin()
    check = support.Suite(agent.name)
    program = agent.program()
    with support.World() as world:
        authority = certificates.Authority(os.path.join(world.root, "authority"))
        server = agent.server(authority.leaf(*agent.hosts(), "localhost"), agent.made_up_key()).start()
        with check.guarded("the stand-in"):
            keyed_agent.takes_one_key_only(check, agent, server, authority.certificate)
        with check.guarded("ended before"):
            renewed_login.part(check, agent, program, server, authority, "ended before", after=None)
        server.stop()
    check.finish()


if __name__ == "__main__":
    main()
