"""A world with a login that ends: its file, the token endpoint that renews it, and an API that takes its access token.

The endpoint rotates, and revokes the whole login when a refresh token is used twice, as Anthropic's and OpenAI's do. The
API takes the newest access token alone, unless a part says otherwise.
"""

import base64
import hashlib
import json
import os
import re
import threading
import time
import urllib.parse

import suite as support

from . import site as pages
from .matrix import Matrix

FILE = ".claude/.credentials.json"
FAR = 4102444800000
UNKNOWN = {"organizationUuid": "7c6f", "mcpOAuth": {"srv|1": {"accessToken": "mcp-SomebodyElses0123456789"}}}


def access(number):
    return f"sk-ant-oat01-RealAccess{number:03d}-" + "Zq7xK2mN" * 9 + "AA"


def refresh(number):
    return f"sk-ant-ort01-RealRefresh{number:03d}-" + "Kq7xZ2mN" * 9 + "AA"


def in_ms(seconds):
    return int((time.time() + seconds) * 1000)


def encoded(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def web_token(mark, **claims):
    """Of a form that is one: the proxy takes what only looks so for any other text."""
    return ".".join([encoded({"alg": "RS256"}), encoded({"mark": mark, **claims, "padding": "x" * 90}),
                     encoded(hashlib.sha512(mark.encode()).digest())])


def web_tokens(value, above=()):
    """(where it is, the token) of each in a document."""
    for key, item in value.items():
        if isinstance(item, dict):
            yield from web_tokens(item, (*above, key))
        elif isinstance(item, str) and item.count(".") == 2:
            yield (*above, key), item


def real_parts(*documents):
    """What no surrogate has: of a web token its claims and its signature."""
    for text in re.findall('"([^"]+)"', json.dumps(documents)):
        if text.count(".") == 2:
            yield from text.split(".")[1:]
        elif "Real" in text:
            yield text


class Endpoint:
    """Tokens by number: access(n) and refresh(n) come together. `mode` makes it fail, `hook` runs before it answers."""

    def __init__(self):
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        self.number = 0
        self.log = []  # (headers, body) of each grant that was asked for
        self.used = set()
        self.revoked = False
        self.mode = "good"
        self.hook = None
        self.lifetime = 3600

    def answer(self, status, value):
        return pages.Response(status, [("content-type", "application/json")],
                              value if isinstance(value, bytes) else json.dumps(value).encode())

    def __call__(self, request):
        body = request.body.decode()
        asked = dict(urllib.parse.parse_qsl(body)) if not body.startswith("{") else json.loads(body)
        with self.lock:
            self.log.append((dict(request.headers), asked))
        if self.hook:
            self.hook()
        if self.mode != "good":
            return {"down": self.answer(503, {"error": "unavailable"}), "garbage": self.answer(200, b'{"access_tok'),
                    "invalid": self.answer(400, {"error": "invalid_grant", "error_description": "gone"})}[self.mode]
        with self.lock:
            token = asked.get("refresh_token", "")
            if token in self.used or token != refresh(self.number) or self.revoked:
                self.revoked = True
                return self.answer(400, {"error": "invalid_grant"})
            self.used.add(token)
            self.number += 1
            return self.answer(200, {"access_token": access(self.number), "refresh_token": refresh(self.number),
                                     "expires_in": self.lifetime, "token_type": "Bearer"})


class LoginWorld(Matrix):
    def __init__(self):
        super().__init__()
        self.said = []
        self.real = {}  # what nobody may say
        self.endpoint = Endpoint()
        self.taken = None  # numbers of the access tokens that the API takes; None: the newest
        self.gate = None   # called with each request to the API before it is answered
        self.site.routes["/v1/oauth/token"] = self.endpoint
        self.site.routes["/v1/"] = self.api
        self.tls("api.anthropic.com", ["http/1.1"], leaf=self.authority.leaf("api.anthropic.com"))
        self.tls("two.matrix.test", ["h2"])
        self.token = self.tls("platform.claude.com", ["http/1.1"], leaf=self.authority.leaf("platform.claude.com"))
        self.tls("token.matrix.test", ["http/1.1"])

    def api(self, request):
        if self.gate:
            self.gate(request)
        shown = (request.header("authorization") or "").removeprefix("Bearer ")
        numbers = [self.endpoint.number] if self.taken is None else self.taken
        number = next((n for n in numbers if access(n) == shown), None)
        if number is None:
            return pages.Response(401, [("content-type", "application/json")], json.dumps(
                {"type": "error", "error": {"type": "authentication_error", "message": f"not {shown}"}}).encode())
        text = f"token {number} body {hashlib.sha256(request.body).hexdigest()} {len(request.body)}\n"
        if "echo" in request.query:
            text += " ".join(access(n) for n in range(number + 1)) + "\n"
        return pages.text(200, text)

    def log_in(self, number=0, expires=FAR, mode=0o600, **more):
        self.endpoint.reset()
        self.endpoint.number = number
        self.taken = self.gate = None
        self.site.log.clear()
        return self.write(FILE, json.dumps({**UNKNOWN, "claudeAiOauth": {
            "accessToken": access(number), "refreshToken": refresh(number), "expiresAt": expires,
            "scopes": ["user:inference", "user:profile"], "subscriptionType": "max", "later": [1, {"x": 2}], **more}}), mode)

    def login(self):
        with open(os.path.join(self.home, FILE), encoding="utf-8") as file:
            return json.load(file)

    def held(self):
        """(access, refresh) of the host's file, as numbers where they are ours."""
        login = self.login()["claudeAiOauth"]
        find = lambda make, text: next((n for n in range(100) if make(n) == text), text)  # noqa: E731
        return find(access, login["accessToken"]), find(refresh, login["refreshToken"])

    def logins(self, more="", hosts="[api.anthropic.com, two.matrix.test]"):
        return self.write_profile(
            "network:\n  allow: [platform.claude.com, token.matrix.test]\n" + self.addresses() + "\ncredentials:\n  login:\n"
            f'    type: oauth\n    source: "json:~/{FILE}#/claudeAiOauth"\n    hosts: {hosts}\n'
            f"    expose: {{file: ~/{FILE}, env: TOKEN}}\n" + more)

    def line(self, script):
        return [support.redoubtful(), "run", "-u", self.logins(), "--", "bash", "-c", script]

    def inside(self, script, **options):
        done = support.finish(self.line(script), cwd=self.project, env=self.environment, **options)
        self.said.append(done.out + done.err)
        return done

    def asked(self):
        return [r for r in self.site.log if not r.path.startswith("/v1/oauth")]

    def refreshes(self):
        return [line for line in self.audit() if line["event"] == "refresh"]
