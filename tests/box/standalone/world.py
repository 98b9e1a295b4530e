"""A world of origins for standalone proxies, one that runs, and curl as its client."""

import json
import os
import re
import signal
import subprocess

import suite as support
from origins import origin
from origins.matrix import Matrix

REAL = "ghp_RealRealRealRealRealRealRealReal0042"
API, PLAIN, OTHER = "api.alone.test", "plain.alone.test", "other.alone.test"
SPLICED = "spliced.alone.test"
PROFILE = """
network:
  allow:
    - api.alone.test
    - http://plain.alone.test
    - {host: limited.alone.test, methods: [GET]}
    - loop.alone.test
    - {host: spliced.alone.test, splice: true}
  forward: [8080]
  ca: [~/roots.pem]
  origins:
    api.alone.test: {address: "127.0.0.1:%d", ca: ~/roots.pem}
    limited.alone.test: {address: "127.0.0.1:%d"}
    plain.alone.test: {address: "127.0.0.1:%d"}
    spliced.alone.test: {address: "127.0.0.1:%d"}
    loop.alone.test: {address: "%s"}
credentials:
  key: {source: env:REAL_KEY, hosts: [api.alone.test], expose: {env: API_KEY}}
"""


def program():
    return os.path.join(os.path.dirname(support.redoubtful()), "redoubtful-proxy")


class World(Matrix):
    """Origins of *.alone.test, and a folder for what proxies read and write."""

    def __init__(self, loop="127.0.0.1:1"):
        super().__init__()
        leaf = self.authority.leaf("*.alone.test")
        self.tls(API, ["h2", "http/1.1"], leaf=leaf)
        self.add(PLAIN, 80, origin.plain_handler(self.site))
        with open(self.authority.certificate, encoding="ascii") as file:
            self.write("roots.pem", file.read())
        tls, plain = (one.listens_on for one in self.origins)
        self.environment["REAL_KEY"] = REAL
        self.config = self.file("config.json", self.show(PROFILE % (tls, tls, plain, tls, loop)))

    def show(self, profile):
        path = self.write_profile(profile)
        return self.run([support.redoubtful(), "show", "--json", "-u", path])

    def path(self, name):
        return os.path.join(self.root, name)

    def file(self, name, text, mode=0o600):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def fails(self, *words, environment=None, stdin=subprocess.DEVNULL):
        """A start that must not succeed; one that does is ended as hung."""
        return support.finish([program(), *words], timeout=20, cwd=self.root, env=environment or self.environment,
                              stdin=stdin)

    def hits(self):
        return sum(one.hits for one in self.origins)


class Proxy:
    """A running one. `at`: option -> ADDRESS:PORT, `lines`: NAME -> value, of what it printed until it was ready."""

    def __init__(self, world, *words, config=None, listen="127.0.0.1:0", stdin=subprocess.DEVNULL, executable=None):
        self.world = world
        self.errors = world.path("errors")
        self.audit = world.path("audit")
        self.ca = world.path("ca.pem")
        if os.path.exists(self.audit):
            os.remove(self.audit)
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [executable or program(), "--config", config or world.config, "--listen", listen,
                 "--ca-certificate", self.ca, "--audit", self.audit, *words], cwd=world.root, env=world.environment, stdin=stdin,
                stdout=subprocess.PIPE, stderr=errors)
        self.out, self.lines, self.at = "", {}, {}
        for line in self.process.stdout:
            self.out += line.decode()
            words = line.decode().split()
            if words[0] == "ready":
                self.at = dict(zip(words[1::2], words[2::2]))
                return
            name, _, value = line.decode().rstrip("\n").partition("=")
            self.lines[name] = value
        raise RuntimeError(f"the proxy did not start: status {self.process.wait()}, {self.said()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait() and "hung"
        self.process.stdout.close()
        return status

    def said(self):
        with open(self.errors, encoding="utf-8") as file:
            return file.read()

    def log(self):
        with open(self.audit, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def port(self, option):
        return self.at[option].rpartition(":")[2]

    def url(self, token=None):
        return f"http://{'redoubtful:' + token + '@' if token else ''}{self.at['--listen']}"

    def token(self):
        return re.search(r"//redoubtful:([^@]+)@", self.lines["HTTPS_PROXY"]).group(1)


class Answer:
    """What curl came to see: `status` of the answer, `connect` of the proxy's, `verified` (0: yes), `exit`, `body`."""

    def __init__(self, done):
        self.body, _, last = done.out.rpartition("\n")
        self.status, self.connect, self.verified, self.version = last.split(" ")
        self.exit, self.err = done.status, done.err

    def __repr__(self):
        return f"{self.status} (CONNECT {self.connect}), exit {self.exit}, {self.body[:400]!r}, {self.err!r}"


def curl(world, *words, environment=None):
    report = "\n%{http_code} %{http_connect} %{ssl_verify_result} %{http_version}"
    return Answer(support.finish(
        ["curl", "-sS", "-m", "30", "-H", "Accept: text/plain", "-w", report, *words],
        env={**world.environment, **(environment or {})}, cwd=world.root))
