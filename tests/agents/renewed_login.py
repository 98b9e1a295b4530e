"""A login that the model's host refuses in the middle of a run: it is renewed outside, and the agent sees nothing of it.

`TokenStandIn` is the token endpoint: it takes the one refresh token that is current, once, and gives the next pair.
"""

import json
import os
import urllib.parse

import keyed_agent
import stand_in


class Handler(stand_in.Handler):
    def do_GET(self):
        """Google's question whether a token is good."""
        good = self.headers.get("Authorization") == "Bearer " + self.server.fresh["access_token"]
        return self.send_json(200 if good else 401, {"expires_in": 3599, "scope": "openid"} if good else {"error": "invalid_token"})

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        if self.path != self.server.path:
            return self.do_GET()
        body = json.loads(text) if text.startswith("{") else dict(urllib.parse.parse_qsl(text))
        good = body.get("refresh_token") == self.server.refresh and body.get("client_id") == self.server.client
        if not good:
            return self.send_json(400, {"error": "invalid_grant"}, body)
        self.server.refresh = self.server.fresh.get("refresh_token", self.server.refresh)
        return self.send_json(200, {**self.server.fresh, "token_type": "Bearer"}, body)


class TokenStandIn(stand_in.StandIn):
    handler = Handler

    def __init__(self, identity, agent, fresh):
        super().__init__([], identity=identity)
        self.path = agent.token_path
        self.client = agent.client_id
        self.refresh = agent.refresh_token
        self.fresh = fresh


def part(check, agent, program, server, authority, name, after):
    """`after`: how many answers of the model the first token is good for; None: it has ended by the clock already."""
    ended, after = after is None, after or 0
    old, fresh = agent.made_up_key(), agent.fresh_tokens()
    identity = authority.leaf(agent.token_host)
    tokens = TokenStandIn(identity, agent, fresh).start()
    record, server.key = server.record, old
    answers = []

    def is_answer(entry):
        return entry["path"].startswith(agent.model_path) and entry["method"] in ("POST", "MESSAGE") and entry["status"] == 200

    def recorded(entry):
        record(entry)
        if is_answer(entry):
            answers.append(entry)
        if len(answers) >= after:
            server.key = fresh["access_token"]

    origins = {agent.token_host: tokens.port, **{host: server.port for host in agent.hosts()}}
    server.record = recorded
    try:
        with keyed_agent.Scene(agent, program, server, authority.certificate, origins=origins) as scene:
            if after == 0:
                server.key = fresh["access_token"]
            done = scene.boxed(agent.command())
            results = keyed_agent.works(check, name, scene, done)
            keys = [agent.key_of(r["headers"]) for r in scene.model_requests() if is_answer(r)]
            check.check(f"{name}: the model answered to the first token, then to the second alone",
                        keys == [old] * after + [fresh["access_token"]] * (len(keys) - after) and len(keys) > after, keys)
            refused = [r for r in scene.server.requests if r["status"] == 401]
            check.check(f"{name}: the first one was refused", refused or ended, len(scene.server.requests))
            check.equal(f"{name}: the endpoint was asked once, in the agent's own words",
                        [(r["path"], r["status"], r["body"]["grant_type"]) for r in tokens.requests if r["path"] == agent.token_path],
                        [(agent.token_path, 200, "refresh_token")])
            with open(os.path.join(scene.home, agent.login_file), encoding="utf-8") as file:
                text = file.read()
            check.check(f"{name}: the host's file has the new login", fresh["access_token"] in text
                        and fresh.get("refresh_token", agent.refresh_token) in text and old not in text, text)
            printed = results.get("call_0", "") + done.out + done.err
            everything = [old, *agent.secrets(scene), *fresh.values()]
            check.check(f"{name}: nothing real was to be seen inside",
                        "END-env" in printed and not any(isinstance(s, str) and s in printed for s in everything))
            lines = [line for line in scene.audit() if line["event"] == "refresh"]
            check.check(f"{name}: it is in the audit log", len(lines) == 1 and lines[0]["credential"] == agent.credential
                        and lines[0]["detail"].startswith("renewed"), lines)
    finally:
        del server.record
        tokens.stop()
