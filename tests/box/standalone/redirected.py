"""Connections that somebody's rules led to it: by curl's --connect-to, and by netfilter."""

import os
import re
import socket
import subprocess
import sys
import time

import suite as support
from attempts import wire
from standalone.world import API, OTHER, PLAIN, REAL, SPLICED, Proxy, World, curl


ECH, UNKNOWN = 0xFE0D, 0x1234
OUTER = "00" + "00010001" + "2a" + "0020" + "11" * 32 + "0040" + "22" * 64  # nobody can open it


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
            ("an SNI without a rule, a Host with one: 403", "403", ["-H", f"Host: {API}", f"https://{OTHER}/"], OTHER),
            ("another port in Host: 421", "421", ["-H", f"Host: {PLAIN}:8080", f"http://{PLAIN}/"], "port 80"),
            ("the surrogate over plain HTTP: 403", "403", [*key, f"http://{PLAIN}/"], "plain HTTP"),
            ("an address for a Host: 403", "403", ["-H", "Host: 127.0.0.1", f"http://{PLAIN}/"], "no rule names"),
            ("CONNECT: 405", "405", ["-X", "CONNECT", "--request-target", f"{API}:443", f"http://{PLAIN}/"], ""),
            ("an absolute URI of another host: 421", "421",
             ["--request-target", f"http://{OTHER}/", f"http://{PLAIN}/"], ""),
        ]
        for name, status, ask, says in rows:
            answer = curl(world, *there, *ask)
            check.check(name, answer.status == status and says in answer.body, answer)
        bare = curl(world, "-k", f"https://{proxy.at['--redirected-tls']}/")
        check.check("TLS without SNI: 403", bare.status == "403" and "server name (SNI)" in bare.body, bare)
        check.equal("nothing of that reached an origin", world.hits(), before)
        answer = curl(world, *there, "-H", "Host: limited.alone.test", f"https://{API}/echo")
        check.check("an SNI with another Host, both allowed: 421", answer.status == "421", answer)

        def answer_to(data):
            address, port = proxy.at["--redirected-tls"].rsplit(":", 1)
            with socket.create_connection((address, int(port)), timeout=30) as stranger:
                stranger.sendall(data)
                return stranger.recv(64)

        check.equal("what is neither TLS nor HTTP is closed", answer_to(b"\0\1\2\3 SSH-2.0"), b"")
        answer = curl(world, *there, "--cacert", world.authority.certificate, f"https://{SPLICED}/echo")
        check.check("a spliced host shows its own certificate",
                    (answer.status, answer.verified) == ("200", "0"), answer)
        before = world.hits()
        answer_to(wire.client_hello(SPLICED, [UNKNOWN, OUTER]))
        check.equal("control: an unknown extension does no harm", world.hits(), before + 1)
        answer_to(wire.client_hello(SPLICED, [ECH, OUTER]))
        check.equal("but an encrypted name to a spliced host is refused", world.hits(), before + 1)
        denied = {(line.get("reason"), line.get("way")) for line in proxy.log() if line["event"] == "deny"}
        check.check("each is in the log as transparent",
                    {("no_matching_rule", "transparent"), ("name_not_indicated", "transparent"),
                     ("name_mismatch", "transparent"), ("malformed", "transparent")} <= denied, denied)


def by_the_kernel(check, _):
    """Redirected by netfilter, in a user and network namespace: there every address is lo's."""
    line = ["unshare", "--user", "--map-root-user", "--net", "--", "/usr/bin/python3", os.path.abspath(sys.argv[0]),
            "--in-a-namespace"]
    done = support.finish(line, env=dict(os.environ))
    print(done.out, end="", flush=True)
    check.check("redirected by netfilter: all of it was tried", done.status == 0, repr(done))


def in_a_namespace(check):
    for command in ("ip link set lo up", "ip route add local 0.0.0.0/0 dev lo"):
        subprocess.run(command.split(), check=True)
    nft = next(path for path in ("/usr/sbin/nft", "/sbin/nft", "nft") if os.path.exists(path) or "/" not in path)
    rules = ("table ip t {{ chain out {{ type nat hook output priority -100; tcp dport 443 redirect to :{}; "
             "tcp dport 80 redirect to :{}; }}; }}")
    with World(loop="203.0.113.9:443") as world:
        with Proxy(world, "--redirected-tls", "127.0.0.1:0", "--redirected-http", "127.0.0.1:0",
                   listen="none") as proxy:
            def ask(name, *words, at="203.0.113.7"):
                return curl(world, "--cacert", proxy.ca, "--resolve", f"{name}:443:{at}", "--resolve",
                            f"{name}:80:{at}", *words)
            answer = ask(API, f"https://{API}/echo")
            check.check("control: without the rules nobody answers there", answer.exit == 7, answer)
            subprocess.run([nft, rules.format(proxy.port("--redirected-tls"), proxy.port("--redirected-http"))],
                           check=True)
            answer = ask(API, "-H", f"Authorization: Bearer {proxy.lines['API_KEY']}", f"https://{API}/echo")
            check.check("TLS to a public address", (answer.status, answer.verified) == ("200", "0"), answer)
            check.equal("has the real value there", world.site.log[-1].header("authorization"), f"Bearer {REAL}")
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
