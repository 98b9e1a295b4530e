#!/usr/bin/python3
"""redoubtful-proxy by itself, as installed, with curl for a client: its token, what it writes, redirected connections.

What it is configured with is what `redoubtful show --json` prints. What an origin received is asked of the origin.
usage: standalone_suite.py [PART...]
"""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]

import suite as support  # noqa: E402
from origins import origin  # noqa: E402
from origins.matrix import Matrix  # noqa: E402

REAL = "ghp_RealRealRealRealRealRealRealReal0042"
API, PLAIN, OTHER = "api.alone.test", "plain.alone.test", "other.alone.test"
PROFILE = """
network:
  allow:
    - api.alone.test
    - http://plain.alone.test
    - {host: limited.alone.test, methods: [GET]}
    - loop.alone.test
  forward: [8080]
  ca: [~/roots.pem]
  origins:
    api.alone.test: {address: "127.0.0.1:%d", ca: ~/roots.pem}
    limited.alone.test: {address: "127.0.0.1:%d"}
    plain.alone.test: {address: "127.0.0.1:%d"}
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
        self.config = self.file("config.json", self.show(PROFILE % (tls, tls, plain, loop)))

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

    def __init__(self, world, *words, config=None, listen="127.0.0.1:0", stdin=subprocess.DEVNULL):
        self.world = world
        self.errors = world.path("errors")
        self.audit = world.path("audit")
        self.ca = world.path("ca.pem")
        if os.path.exists(self.audit):
            os.remove(self.audit)
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [program(), "--config", config or world.config, "--listen", listen, "--ca-certificate", self.ca,
                 "--audit", self.audit, *words], cwd=world.root, env=world.environment, stdin=stdin,
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


def with_token(check, world):
    with Proxy(world) as proxy:
        through = ["-x", proxy.url(proxy.token()), "--cacert", proxy.ca]
        surrogate = proxy.lines["API_KEY"]
        check.check("a surrogate is printed, and not the real value", surrogate.startswith("ghp_") and surrogate != REAL)
        key = ["-H", f"Authorization: Bearer {surrogate}"]

        def received():
            return world.site.log[-1].header("authorization")

        answer = curl(world, *through, *key, f"https://{API}/echo")
        check.check("https by CONNECT: it is answered, by a certificate that the written CA vouches for",
                    (answer.status, answer.connect, answer.verified, answer.version) == ("200", "200", "0", "2"), answer)
        check.equal("https by CONNECT: the origin has the real value", received(), f"Bearer {REAL}")
        answer = curl(world, *through, *key, "--http1.1", f"https://{API}/echo")
        check.check("https by CONNECT, HTTP/1.1", (answer.status, received()) == ("200", f"Bearer {REAL}"), answer)
        answer = curl(world, *through, f"http://{PLAIN}/echo")
        check.equal("http by an absolute URI", answer.status, "200")
        check.equal("the token goes no further", world.site.log[-1].header("proxy-authorization"), None)
        answer = curl(world, *through, "-p", "--proxy-header", "X-To-The-Proxy: 1", f"http://{PLAIN}:443/")
        check.check("plain HTTP in a tunnel to another port is refused", answer.status == "403", answer)
        answer = curl(world, f"https://{API}/echo", "--cacert", proxy.ca, environment=proxy.lines)
        check.check("the printed variables are all that curl needs", answer.status == "200", answer)
        bearer = ["-x", proxy.url(), "--proxy-header", f"Proxy-Authorization: Bearer {proxy.token()}"]
        answer = curl(world, *bearer, "--cacert", proxy.ca, f"https://{API}/echo")
        check.check("the token as a bearer", answer.status == "200", answer)

        before = world.hits()
        answer = curl(world, *through, f"https://{OTHER}/")
        check.check("a host without a rule: 403 inside TLS that verifies",
                    (answer.status, answer.connect, answer.verified) == ("403", "200", "0")
                    and "no rule allows it" in answer.body, answer)
        answer = curl(world, *through, *key, f"http://{PLAIN}/echo")
        check.check("the surrogate over plain HTTP is refused", answer.status == "403", answer)
        answer = curl(world, *through, f"https://{OTHER}/", "-H", f"Host: {API}", *key)
        check.check("another host by its Host alone is refused", answer.status == "403", answer)
        check.equal("nothing of that reached an origin", world.hits(), before)
        answer = curl(world, *through, f"https://{API}/echo", "-H", "Host: limited.alone.test")
        check.equal("an allowed host by its Host alone: 421", answer.status, "421")
        answer = curl(world, *through, "https://limited.alone.test/echo", "-d", "x=1")
        check.check("a method that no rule allows: 403", answer.status == "403", answer)
        answer = curl(world, *through, "http://redoubtful.internal/policy")
        check.check("the policy can be asked", f"allow  {API}" in answer.body, answer)
        used = [line for line in proxy.log() if line["event"] == "inject"]
        check.check("the log has each use of the credential", [line["credential"] for line in used] == ["key"] * 2, used)


def without_token(check, world):
    with Proxy(world) as proxy:
        token = proxy.token()
        before = world.hits()
        wrong = {"no token": [], "a wrong one": ["-U", "redoubtful:" + "x" * 32],
                 "another case": ["-U", "redoubtful:" + token.swapcase()],
                 "the beginning": ["-U", f"redoubtful:{token[:-1]}"], "more": ["-U", f"redoubtful:{token}x"],
                 "as the user": ["-U", f"{token}:"], "none at all": ["-U", "redoubtful:"],
                 "for the origin": ["-u", f"redoubtful:{token}"],
                 "twice": ["--proxy-header", f"Proxy-Authorization: Bearer {token}", "--proxy-header",
                           "Proxy-Authorization: Bearer x"]}
        for name, words in wrong.items():
            words = ["-x", proxy.url(), "--cacert", proxy.ca, *words]
            answer = curl(world, *words, f"https://{API}/echo")
            check.check(f"{name}: https is 407", (answer.exit, answer.connect) == (56, "407"), answer)
            for url in (f"http://{PLAIN}/echo", "http://redoubtful.internal/policy"):
                answer = curl(world, *words, url)
                check.check(f"{name}: {url} is 407", answer.status == "407" and "TOKEN" in answer.body, answer)
        check.equal("nothing reached an origin", world.hits(), before)
        denied = [line for line in proxy.log() if line.get("reason") == "no_token"]
        check.check("the log says so", denied and {line["way"] for line in denied} == {"connect", "absolute-form"}, denied)
        check.check("without the token itself", token not in json.dumps(proxy.log()))
        answer = curl(world, "-x", proxy.url(token), "--cacert", proxy.ca, f"https://{API}/echo")
        check.check("control: with it, it is let through", answer.status == "200" and world.hits() == before + 1, answer)


def files(check, world):
    token, environment = world.path("token"), world.path("client.env")
    with Proxy(world, "--token-file", token, "--environment-file", environment) as proxy:
        check.equal("a token file is made for its owner alone", stat.S_IMODE(os.stat(token).st_mode), 0o600)
        with open(token, encoding="ascii") as file:
            made = file.read().strip()
        check.check("and no token is printed", made not in proxy.out + proxy.said() and not proxy.lines, proxy.out)
        check.equal("the environment file is for its owner alone", stat.S_IMODE(os.stat(environment).st_mode), 0o600)
        with open(environment, encoding="ascii") as file:
            lines = dict(line.rstrip("\n").split("=", 1) for line in file)
        answer = curl(world, "--cacert", proxy.ca, "-H", f"Authorization: token {lines['API_KEY']}",
                      f"https://{API}/echo", environment=lines)
        check.check("its variables are all that curl needs",
                    (answer.status, world.site.log[-1].header("authorization")) == ("200", f"token {REAL}"), answer)
        check.equal("the CA certificate can be read by all", stat.S_IMODE(os.stat(proxy.ca).st_mode), 0o644)
        check.check("what a box has, and this has not, is said", "network.forward" in proxy.said(), proxy.said())
    with Proxy(world, "--token-file", token, listen="0.0.0.0:0") as proxy:
        here = f"http://redoubtful:{made}@127.0.0.1:{proxy.port('--listen')}"
        answer = curl(world, "-x", here, "--cacert", proxy.ca, f"https://{API}/echo")
        check.check("the next one takes the same token, on every address", answer.status == "200", answer)
        check.check("and has another surrogate", proxy.lines["API_KEY"] != lines["API_KEY"])
    with open(world.config, "rb") as config, Proxy(world, config="-", stdin=config) as proxy:
        answer = curl(world, "-x", proxy.url(proxy.token()), "--cacert", proxy.ca, f"https://{API}/echo")
        check.check("the configuration from standard input", answer.status == "200", answer)


def starts_that_fail(check, world):
    taken = socket.create_server(("127.0.0.1", 0))
    port = f"127.0.0.1:{taken.getsockname()[1]}"
    free = ["--listen", "127.0.0.1:0"]
    config = ["--config", world.config]
    unset = {name: value for name, value in world.environment.items() if name != "REAL_KEY"}
    readable = world.file("readable", "x" * 32, 0o640)
    rows = [
        ("a port that is taken", 125, [*config, "--listen", port], "Address already in use", "ss -ltnp"),
        ("another redirected port that is taken", 125, [*config, *free, "--redirected-tls", port],
         "--redirected-tls: cannot listen on " + port, "ss -ltnp"),
        ("an address of nobody's", 125, [*config, "--listen", "192.0.2.77:0"], "Cannot assign", "ip address"),
        ("a token file that the group may read", 78, [*config, *free, "--token-file", readable],
         "others may read it", f"chmod 600 {readable}"),
        ("a token that is too short", 78, [*config, *free, "--token-file", world.file("short", "secret")],
         "16 to 256 are wanted", "remove the file"),
        ("every address without a token file", 64, [*config, "--listen", "0.0.0.0:0"], "--token-file", "--help"),
        ("no configuration", 64, free, "--config is missing", "--help"),
        ("a configuration that is not there", 78, ["--config", world.path("absent"), *free], "No such file", "show --json"),
        ("one that is no JSON", 78, ["--config", world.file("bad.json", "network:\n"), *free], "bad.json", ""),
        ("one with a key that is unknown", 78,
         ["--config", world.file("key.json", '{"version":1,"network":{"allows":[]}}'), *free], "allows", ""),
        ("a CA that cannot be written", 78, [*config, *free, "--ca-certificate", world.path("no/ca.pem")],
         "--ca-certificate", ""),
        ("an audit log that cannot be written", 78, [*config, *free, "--audit", world.root], "--audit", ""),
    ]
    for name, status, words, says, remedy in rows:
        done = world.fails(*words)
        check.check(f"{name}: says so, and what to do", done.status == status and says in done.err and remedy in done.err
                    and all(line.startswith("redoubtful-proxy: ") for line in done.err.splitlines()), repr(done))
        check.check(f"{name}: nothing else", "secret" not in done.err and "ready" not in done.out, repr(done))
    taken.close()
    done = world.fails(*config, *free, environment=unset)
    check.check("a variable that is not set is named, with the line that wants it",
                done.status == 78 and "REAL_KEY is not set" in done.err and "matrix.yaml:" in done.err, repr(done))
    for word, shows in (("--help", "--redirected-tls"), ("--version", "redoubtful-proxy ")):
        done = world.fails(word)
        check.check(word, done.status == 0 and shows in done.out and not done.err, repr(done))


def redirected(check, world):
    words = ["--redirected-tls", "127.0.0.1:0", "--redirected-http", "[::1]:0" if socket.has_ipv6 else "127.0.0.1:0"]
    with Proxy(world, *words, listen="none") as proxy:
        check.equal("no token is printed where none is asked for", sorted(proxy.lines), ["API_KEY"])
        check.equal("it listens on the two", sorted(proxy.at), ["--redirected-http", "--redirected-tls"])
        there = ["--cacert", proxy.ca, "--connect-to", f":443:{proxy.at['--redirected-tls']}", "--connect-to",
                 f":80:{proxy.at['--redirected-http']}", "--connect-to", f":8080:{proxy.at['--redirected-http']}"]
        key = ["-H", f"Authorization: Bearer {proxy.lines['API_KEY']}"]
        answer = curl(world, *there, *key, f"https://{API}/echo")
        check.check("TLS goes where its SNI says, verified", (answer.status, answer.verified) == ("200", "0"), answer)
        check.equal("with the real value", world.site.log[-1].header("authorization"), f"Bearer {REAL}")
        answer = curl(world, *there, f"http://{PLAIN}/echo")
        check.check("plain HTTP goes where its Host says", answer.status == "200", answer)
        before = world.hits()
        rows = [
            ("a host without a rule: 403 inside TLS", "403", [f"https://{OTHER}/"], "no rule allows it"),
            ("a host without a rule over http: 403", "403", [f"http://{OTHER}/"], "no rule allows it"),
            ("a host that is allowed as https only: 403", "403", [f"http://{API}/"], "https"),
            ("a host that is allowed as http only: 403", "403", [f"https://{PLAIN}/"], "http"),
            ("an SNI without a rule with a Host that has one: 403", "403", ["-H", f"Host: {API}", f"https://{OTHER}/"], OTHER),
            ("another port in Host: 421", "421", ["-H", f"Host: {PLAIN}:8080", f"http://{PLAIN}/"], "port 80"),
            ("the surrogate over plain HTTP: 403", "403", [*key, f"http://{PLAIN}/"], "plain HTTP"),
            ("an address for a Host: 403", "403", ["-H", "Host: 127.0.0.1", f"http://{PLAIN}/"], "no rule names this address"),
            ("CONNECT: 405", "405", ["-X", "CONNECT", "--request-target", f"{API}:443", f"http://{PLAIN}/"], ""),
            ("an absolute URI to another host: 421", "421", ["--request-target", f"http://{OTHER}/", f"http://{PLAIN}/"], ""),
        ]
        for name, status, ask, says in rows:
            answer = curl(world, *there, *ask)
            check.check(name, answer.status == status and says in answer.body, answer)
        bare = curl(world, "-k", f"https://{proxy.at['--redirected-tls']}/")
        check.check("TLS without SNI: 403", bare.status == "403" and "server name (SNI)" in bare.body, bare)
        check.equal("nothing of that reached an origin", world.hits(), before)
        answer = curl(world, *there, "-H", "Host: limited.alone.test", f"https://{API}/echo")
        check.check("an SNI with another Host, both allowed: 421", answer.status == "421", answer)
        address, port = proxy.at["--redirected-tls"].rsplit(":", 1)
        with socket.create_connection((address, int(port))) as stranger:
            stranger.sendall(b"\0\1\2\3 SSH-2.0")
            check.equal("what is neither TLS nor HTTP is closed", stranger.recv(64), b"")
        denied = {(line.get("reason"), line.get("way")) for line in proxy.log() if line["event"] == "deny"}
        check.check("each is in the log as transparent",
                    {("no_matching_rule", "transparent"), ("name_not_indicated", "transparent"),
                     ("name_mismatch", "transparent"), ("malformed", "transparent")} <= denied, denied)


def by_the_kernel(check, _):
    """Redirected by netfilter, in a user and network namespace: there every address is lo's."""
    line = ["unshare", "--user", "--map-root-user", "--net", "--", "/usr/bin/python3", os.path.abspath(__file__),
            "--in-a-namespace"]
    done = support.finish(line, env=dict(os.environ))
    print(done.out, end="", flush=True)
    check.check("redirected by netfilter: all of it was tried", done.status == 0, repr(done))


def in_a_namespace(check):
    for command in ("ip link set lo up", "ip route add local 0.0.0.0/0 dev lo"):
        subprocess.run(command.split(), check=True)
    nft = next(path for path in ("/usr/sbin/nft", "/sbin/nft", "nft") if os.path.exists(path) or "/" not in path)
    rules = ("table ip t {{ chain out {{ type nat hook output priority -100; tcp dport 443 redirect to :{}; "
             "tcp dport 80 redirect to :{}; }} }}")
    with World(loop="203.0.113.9:443") as world:
        with Proxy(world, "--redirected-tls", "127.0.0.1:0", "--redirected-http", "127.0.0.1:0",
                   listen="none") as proxy:
            def ask(name, *words, at="203.0.113.7"):
                return curl(world, "--cacert", proxy.ca, "--resolve", f"{name}:443:{at}", "--resolve", f"{name}:80:{at}",
                            *words)
            answer = ask(API, f"https://{API}/echo")
            check.check("control: without the rules nobody answers there", answer.exit == 7, answer)
            subprocess.run([nft, rules.format(proxy.port("--redirected-tls"), proxy.port("--redirected-http"))],
                           check=True)
            answer = ask(API, "-H", f"Authorization: Bearer {proxy.lines['API_KEY']}", f"https://{API}/echo")
            check.check("TLS to a public address", (answer.status, answer.verified) == ("200", "0"), answer)
            check.equal("has the real value at the origin", world.site.log[-1].header("authorization"), f"Bearer {REAL}")
            answer = ask(PLAIN, f"http://{PLAIN}/echo")
            check.check("plain HTTP to a public address", answer.status == "200", answer)
            answer = curl(world, "-k", "https://203.0.113.7/")
            check.check("TLS without SNI: 403 with the address that was dialled",
                        answer.status == "403" and "203.0.113.7:443" in answer.body, answer)
            began = time.monotonic()
            answer = ask("loop.alone.test", "https://loop.alone.test/")
            check.check("a connection that comes back to the proxy is ended at once: 502",
                        answer.status == "502" and time.monotonic() - began < 5, answer)
            ask("loop.alone.test", "https://loop.alone.test/")
            check.equal("which is said once, with what to do",
                        re.findall(r"to 203\.0\.113\.9:443, came back to it .*exempt", proxy.said()).__len__(), 1)
            loops = [line for line in proxy.log() if line.get("reason") == "proxy_loop_detected"]
            check.equal("and written down each time", [(line["host"], line["port"]) for line in loops],
                        [("203.0.113.9", 443)] * 2)
            answer = ask(API, f"https://{API}/echo")
            check.check("the others are served", answer.status == "200", answer)


def confinement(check, world):
    with Proxy(world) as proxy:
        place = f"/proc/{proxy.process.pid}"
        with open(f"{place}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        check.equal("no_new_privs, a seccomp filter, no capability",
                    (status["NoNewPrivs"], status["Seccomp"], int(status["CapEff"], 16), int(status["CapPrm"], 16)),
                    ("1", "2", 0, 0))
        with open(f"{place}/cmdline", "rb") as file:
            check.check("the command line holds no secret", REAL.encode() not in file.read())
        own = support.finish(["sleep", "0"], env=world.environment)
        check.equal("control: the environment held it", (own.status, world.environment["REAL_KEY"]), (0, REAL))
        try:
            with open(f"{place}/environ", "rb") as file:
                shown = file.read()
            check.check("root sees an environment that was erased", os.getuid() == 0 and not shown.strip(b"\0"), shown)
        except PermissionError:
            check.ok("the same user may not look at its environment")
        if os.getuid() != 0:
            for name in ("mem", "maps", "fd", "root"):
                refused = support.finish(["ls" if name in ("fd", "root") else "cat", f"{place}/{name}/" if name in (
                    "fd", "root") else f"{place}/{name}"])
                check.check(f"the same user may not look at its {name}", refused.status != 0, repr(refused))


def endings(check, world):
    for number in (signal.SIGTERM, signal.SIGINT):
        with Proxy(world) as proxy:
            through = ["-x", proxy.url(proxy.token()), "--cacert", proxy.ca]
            curl(world, *through, f"https://{API}/echo")
            for _ in range(3):
                curl(world, *through, f"https://{OTHER}/")
            # One that is under way, and one that has said nothing.
            address, port = proxy.at["--listen"].rsplit(":", 1)
            with socket.create_connection((address, int(port))), \
                    socket.create_connection((address, int(port))) as open_one:
                open_one.sendall(b"GET http://plain.alone.test/ HTTP/1.1\r\n")
                began = time.monotonic()
                check.equal(f"{number.name} ends it with status 0", proxy.end(number), 0)
                check.check(f"{number.name}: at once, with connections open", time.monotonic() - began < 2)
            log = proxy.log()
            check.equal(f"{number.name}: the log is finished", (log[0]["event"], log[-1]["event"]), ("start", "stop"))
            check.check(f"{number.name}: repeated denials are counted at the end",
                        any(line.get("count") == 3 for line in log if line["event"] == "deny"), log)
            check.check(f"{number.name}: nothing more is said", "bug" not in proxy.said(), proxy.said())
    done = subprocess.Popen([program(), "--config", world.config, "--listen", "127.0.0.1:0", "--audit", "-"],
                            env=world.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for line in done.stderr:
        if b"ready" in line:
            break
    done.terminate()
    out, _ = done.communicate()
    events = [json.loads(line)["event"] for line in out.decode().splitlines()]
    check.equal("--audit -: standard output is the log and nothing else", events, ["start", "stop"])


PARTS = [with_token, without_token, files, starts_that_fail, redirected, by_the_kernel, confinement, endings]


def main():
    check = support.Suite("standalone")
    if sys.argv[1:] == ["--in-a-namespace"]:
        with check.guarded("in a namespace"):
            in_a_namespace(check)
        check.finish()
    with World() as world:
        for part in PARTS:
            if not sys.argv[1:] or part.__name__ in sys.argv[1:]:
                with check.guarded(part.__name__):
                    part(check, world)
    check.finish()


if __name__ == "__main__":
    main()
