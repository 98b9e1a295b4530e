#!/usr/bin/python3
"""Origins, name servers and clients that fail, and disks that are full: what does not happen, and what a person sees.

Every fault of an origin (support/origins/faulty.py) is met by curl, with the box's proxy variables and with none. What was
cut never looks whole, what was never there is a 502 or 504 whose words say what is wrong, and both are in the log. A head
that is too large is refused in words, whoever sends it.

usage: network_faults_suite.py [PART...]
"""

import json
import os
import re
import resource
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), HERE]

import certificates  # noqa: E402
import family  # noqa: E402
import suite as support  # noqa: E402
from origins import faulty, origin, site  # noqa: E402
from origins.matrix import Matrix  # noqa: E402
from origins.name_server import NameServer  # noqa: E402

WAYS = {"variables set": [], "variables unset": ["--noproxy", "*"]}
CUT = {18, 56, 92}  # curl: a part of the file, failure in receiving, an HTTP/2 stream's error
GONE = {28}
SECONDS = 5  # that a client waits for what stalls
PATIENCE = 25
PAGE = 4096

TIMED_OUT = f"timed out after {SECONDS}"
CUT_SHORT = "7 bytes"  # are missing; what curl says beside it differs between its versions
H2_BROKEN = "was not closed cleanly: INTERNAL_ERROR"
# Fault -> what curl ends with, the pattern of what the log says, the pattern of what curl says: what was cut does not look
# whole.
ENDS = {
    "dies in its body": (CUT, "^the connection to the origin failed: stream truncated$", CUT_SHORT),
    "ends its body early": (CUT, "^the origin closed the connection within its answer$", CUT_SHORT),
    "resets in its body": (CUT, "^the connection to the origin failed: Connection reset by peer$", CUT_SHORT),
    "dies between chunks": (CUT, "^the origin closed the connection within its answer$", "outstanding read data"),
    "dies where its end would be the body's": (CUT, "^the connection to the origin failed: stream truncated$",
                                               "outstanding read data"),
    "sends more than it promised": ({0}, "^$", "^$"),
    # Nothing but the body's next bytes could tell that the client is gone.
    "stalls in its body": (GONE, "^it was under way when the run ended", f"{TIMED_OUT}.* with 3 out of 10 bytes"),
    "stalls before its head": (GONE, "^the client closed the connection$", f"{TIMED_OUT}.* with 0 bytes"),
    "stalls in its head": (GONE, "^the client closed the connection$", f"{TIMED_OUT}.* with 0 bytes"),
    "sends without end": (GONE, "^the client closed the connection$", f"{TIMED_OUT}.* with [1-9][0-9]* bytes"),
    "takes an upload": (GONE, "^the client ended in the middle of its request$", f"{TIMED_OUT}.* with 0 bytes"),
    "h2 dies in its body": (CUT, "^the connection to the origin ended: (Broken pipe|Connection reset by peer)$",
                            f"partial file|{H2_BROKEN}"),
    "h2 resets the stream in its body": (CUT, "^the origin reset the stream: INTERNAL_ERROR$", H2_BROKEN),
    "h2 ends its body early": (CUT, "^the origin broke the protocol$", H2_BROKEN),
    # It may be tried again, and curl does.
    "h2 refuses the stream": (CUT, "^the origin reset the stream: REFUSED_STREAM$", "tried 5 times|REFUSED_STREAM"),
}
# Fault -> status, Proxy-Status's word (RFC 9209), and what a person reads. HOST stands for the origin's name.
WORDS = {
    "says nothing and ends": (502, "http_protocol_error", "the origin closed the connection without an answer"),
    "resets without an answer": (502, "http_protocol_error", "the connection to the origin failed: Connection reset by peer"),
    "promises two lengths": (502, "http_protocol_error",
                             "the origin's answer is malformed: it has more than one Content-Length"),
    "promises no number": (502, "http_protocol_error",
                           "the origin's answer is malformed: its Content-Length is not a plain number"),
    "promises a length and chunks": (502, "http_protocol_error", "the origin's answer is malformed: "
                                     "it has both Content-Length and Transfer-Encoding"),
    "sends a chunk that is none": (502, "http_protocol_error",
                                   "the origin's answer is malformed: a chunk's size is not a hexadecimal number"),
    "speaks no HTTP": (502, "http_protocol_error", "the origin does not answer in HTTP/1"),
    "is silent after half a head": (502, "http_protocol_error", "the origin began an answer and did not go on"),
    "has a head of 1 MB": (502, "http_protocol_error", "the origin's answer is malformed: the head is over 64 KiB"),
    "has a field of 1 MB": (502, "http_protocol_error", "the origin's answer is malformed: the head is over 64 KiB"),
    "has 10,000 fields": (502, "http_protocol_error", "the origin's answer is malformed: the head is over 64 KiB"),
    "h2 leaves without an answer": (502, "http_protocol_error", "the connection to the origin ended: it hung up"),
    "h2 has a head of 1 MB": (502, "http_protocol_error", "the connection to the origin ended: Too many CONTINUATION frames"),
    "h2 sends no frames": (502, "http_protocol_error",
                           "the connection to the origin ended: it broke the protocol: FRAME_SIZE_ERROR"),
    "speaks no TLS": (502, "tls_protocol_error", "HOST does not speak TLS on this port"),
    "closes in the handshake": (502, "connection_terminated", "HOST closed the connection during the TLS handshake"),
    "resets in the handshake": (502, "connection_terminated", "HOST closed the connection during the TLS handshake"),
    "answers with an alert": (502, "tls_alert_received", "HOST and redoubtful have no cipher, group or signature in common"),
    "sends noise in the handshake": (502, "tls_protocol_error", "TLS with HOST failed: unexpected message"),
    "is silent in the handshake": (504, "connection_timeout", "HOST did not finish the TLS handshake within 10 s"),
    "shows an expired certificate": (502, "tls_certificate_error", "the certificate of HOST expired on 2024-01-01 00:00 UTC"),
    "shows a certificate of the future": (502, "tls_certificate_error", "the certificate of HOST is not valid before "
                                          "2039-01-01 00:00 UTC; is this machine's clock right?"),
    "shows a self-signed certificate": (502, "tls_certificate_error", "the certificate of HOST is self-signed; to trust it, "
                                        "name it as its `ca` in `origins`"),
    "shows another's certificate": (502, "tls_certificate_error",
                                    "the certificate that HOST showed is for other.faults.test"),
    "shows one of an unknown issuer": (502, "tls_certificate_error", 'the certificate of HOST was issued by "CN=somebody", '
                                       "which this system does not trust"),
    "refuses connections": (502, "connection_refused", "connection refused by 127.0.0.1:"),
    "has no address": (502, "dns_error", "looking up HOST: no such name"),
    "is at a private address": (403, "http_request_denied", "its address 10.0.0.1 is not a public one"),
}


class World(Matrix):
    def __init__(self):
        super().__init__("attempts")
        self.other = certificates.Authority(os.path.join(self.root, "unknown"), "somebody")
        self.names = NameServer()
        self.ending.append(self.names)
        self.ended = faulty.Ended()
        self.hosts = {}

    def host(self, fault):
        return self.hosts.setdefault(fault, f"n{len(self.hosts)}.faults.test")

    def serve(self):
        leaf = self.authority.leaf("*.faults.test", label="faults")
        page = site.Site()
        one, two = (origin.tls_context(leaf, [protocol]) for protocol in ("http/1.1", "h2"))
        handlers = {**faulty.http1_faults(one, self.ended), **faulty.http2_faults(two), **faulty.handshake_faults()}
        for fault, shown in faulty.certificate_faults(self.authority, self.other, self.host).items():
            handlers[fault] = origin.tls_handler(origin.tls_context(shown, ["http/1.1"]), page)
        handlers["control"] = origin.tls_handler(one, page)
        handlers["h2 control"] = origin.tls_handler(two, page)
        for fault, handler in handlers.items():
            self.add(self.host(fault), 443, handler)
        return handlers

    def ask(self, plan, profile, **options):
        return super().ask(plan, profile, env={"REDOUBTFUL_RESOLVER": self.names.address}, **options)


def is_gone(fault):
    """Does the client give up on it?"""
    return fault in ENDS and ENDS[fault][0] == GONE


def plan_for(world, faults):
    plan = {}
    for fault in faults:
        for way, more in WAYS.items():
            words = [*more, *(["--max-time", str(SECONDS)] if is_gone(fault) else [])]
            if fault == "takes an upload":
                words += ["-T", "/dev/zero"]
            if fault == "sends without end":
                words += ["--limit-rate", "1M"]  # what comes is kept
            path = "/echo" if "control" in fault else "/x?secret=1"
            plan[f"{fault}|{way}"] = [*words, f"https://{world.host(fault)}{path}"]
    return plan


def in_the_log(lines, host):
    """What a person finds there of a request to `host`, or of a connection that never became one."""
    return [one.get("detail", "") for one in lines if (one.get("host") or "").split(":")[0] == host
            and one["event"] in ("request", "error", "deny")]


def judge(check, found, lines, world):
    for key, one in found.items():
        fault, way = key.split("|")
        label = f"an origin that {fault}, {way}" if "control" not in fault else key
        host = world.host(fault)
        if "control" in fault:
            check.check(f"{label}: is answered", one["status"] == "200" and one["exit"] == 0, one)
        elif fault in ENDS:
            exits, logged, said = ENDS[fault]
            check.check(f"{label}: the client ends with {sorted(exits)} and says why",
                        one["exit"] in exits and re.search(said, one["said"]), one)
            told = in_the_log(lines, host)
            check.check(f"{label}: the log says what happened",
                        len(told) >= len(WAYS) and all(re.search(logged, words) for words in told), told)
            if fault == "sends more than it promised":
                check.equal(f"{label}: the rest is nobody's", one["body"], "abc")
        else:
            status, error, words = WORDS[fault]
            words = words.replace("HOST", host)
            check.check(f"{label}: a {status} that says so",
                        one["exit"] == 0 and one["status"] == str(status) and words in one["body"]
                        and one["body"].startswith("redoubtful: "), one)
            check.check(f"{label}: and so for programs", f"error={error};" in one["head"], one["head"])
            check.check(f"{label}: and in the log", any(words in said for said in in_the_log(lines, host)),
                        in_the_log(lines, host))


def origins(check, world):
    handlers = world.serve()
    closed = support.socket.create_server(("127.0.0.1", 0))
    world.add(world.host("refuses connections"), 443, None).stop()
    closed.close()
    world.names.answers[world.host("is at a private address")] = ["10.0.0.1"]
    unserved = ("has no address", "is at a private address")
    rules = "".join(f"    - {world.host(fault)}\n" for fault in unserved)
    profile = world.profile(network=rules.rstrip("\n"))
    faults = [*handlers, "refuses connections", *unserved]
    found, lines = {}, []
    # Clients that give up do so by the clock, and have the machine to themselves.
    for some in (filter(is_gone, faults), (fault for fault in faults if not is_gone(fault))):
        answers, done = world.ask(plan_for(world, some), profile)
        found.update(answers)
        lines += world.audit()
    judge(check, found, lines, world)
    bugs = [one for one in lines if one.get("reason") == "proxy_internal_error"]
    check.check("nothing of it was a bug's", not bugs, bugs)
    check.check("no query is in the log", lines and "secret" not in json.dumps(lines))
    for fault, seconds in world.ended.after.items():
        # In the middle of a body nothing but its next bytes tells a client that is gone from one that ended its side.
        most = PATIENCE if fault == "stalls in its body" else SECONDS + 4
        check.check(f"an origin that {fault} is let go of when its client is gone",
                    len(seconds) == len(WAYS) and max(seconds) < most, seconds)
    check.equal("all of these were seen to be let go of", sorted(world.ended.after),
                sorted(filter(is_gone, ENDS)))
    check.check("a person is told few lines", done.err.count("\n") <= 3, done.err)
    table = support.finish([support.redoubtful(), "audit"], cwd=world.project, env=world.environment)
    check.check("`redoubtful audit` shows them", "expired on 2024-01-01" in table.out and table.status == 0, repr(table)[-1500:])


# What a client sends as its head -> what it is told; None: it is answered.
HEADS = {
    "a field of 1 MB": ("X-Large: " + "x" * 1_000_000 + "\n", "the head is over 64 KiB"),
    "1,000 fields of 1 KB": ("".join(f"X-{n}: {'x' * 1000}\n" for n in range(1000)), "the head is over 64 KiB"),
    "257 fields": ("".join(f"X-{n}: y\n" for n in range(257)), "over 256 header fields"),
    "control: a field of 60 KB": ("X-Large: " + "x" * 60_000 + "\n", None),
    "control: 200 fields": ("".join(f"X-{n}: y\n" for n in range(200)), None),
}


def large_heads(check, world):
    """Clients whose head is too large. (curl itself sends none over 64 KiB by HTTP/2.)"""
    page = site.Site()
    context = origin.tls_context(world.authority.leaf("*.faults.test", label="faults"), ["http/1.1"])
    world.add("secure.faults.test", 443, origin.tls_handler(context, page))
    world.add("plain.faults.test", 80, origin.plain_handler(page), "http://plain.faults.test")
    plan = {}
    for number, (what, (text, _)) in enumerate(HEADS.items()):
        path = os.path.join(world.tools, f"head{number}")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        for url in ("https://secure.faults.test", "http://plain.faults.test"):
            for way, more in WAYS.items():
                plan[f"{what}|{url}, {way}"] = [*more, "-H", f"@{path}", f"{url}/echo"]
    found, _ = world.ask(plan, world.profile())
    for key, one in found.items():
        what, way = key.split("|")
        words = HEADS[what][1]
        if words is None:
            check.check(f"{what} to {way}: is answered", one["status"] == "200" and one["exit"] == 0, one)
            continue
        check.check(f"{what} to {way}: a 431 that says so",
                    one["exit"] == 0 and one["status"] == "431" and one["body"].startswith("redoubtful: ")
                    and f"the request is malformed; {words}." in one["body"], one)
        check.check(f"{what} to {way}: and so for programs", "error=http_request_error;" in one["head"], one["head"])
    controls = sum(key.startswith("control") for key in plan)
    check.check("large heads: the origin got those of the controls alone",
                len(page.log) == controls and all(len(r.headers) < 220 for r in page.log), [len(r.headers) for r in page.log])
    # What repeats itself is counted, so that not each way has a line with each reason.
    reasons = {words for _, words in HEADS.values() if words}
    denials = [one for one in world.audit() if one["event"] == "deny"]
    check.equal("large heads: the log has all ways in", {one["way"] for one in denials},
                {"transparent", "connect", "absolute-form"})
    check.check("large heads: and says why", all(one.get("detail") in reasons for one in denials), denials)


def full_disk(check, world):
    """As root a tmpfs of one page for the logs, in a mount namespace of its own; else a proxy whose files may not grow."""
    world.serve()
    folder = os.path.join(world.home, ".local", "state", "redoubtful", "audit")
    os.makedirs(folder, mode=0o700)
    for parent in (folder, os.path.dirname(folder)):
        os.chmod(parent, 0o700)
    ask = "".join(f"curl -s -o /dev/null -w '%{{http_code}}\\n' https://{world.host('control')}/echo?n={n}; " for n in range(60))
    line = [support.redoubtful(), "run", "-u", world.profile(), "--", "/bin/bash", "-c", "echo ready; read; " + ask]
    mounted = ["unshare", "--mount", "--", "/bin/bash", "-c",
               'mount -t tmpfs -o size=4k,mode=700 none "$1" && shift && exec "$@"', "sh", folder]
    for what in ("control: room enough", "a full disk"):
        full = what == "a full disk"
        process = subprocess.Popen([*(mounted if full and os.getuid() == 0 else []), *line], cwd=world.project,
                                   env=world.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        check.equal(f"{what}: it begins", process.stdout.readline(), b"ready\n")
        if full and os.getuid() != 0:
            proxy = next(p.pid for p in family.descendants(process.pid) if p.name.startswith("redoubtful-prox"))
            resource.prlimit(proxy, resource.RLIMIT_FSIZE, (PAGE, PAGE))
        out, err = process.communicate(b"\n", timeout=60)
        check.equal(f"{what}: all requests are answered", out.decode(), "200\n" * 60)
        check.equal(f"{what}: the run ends well", process.returncode, 0)
        lost = re.findall(r"^redoubtful: alarm: the audit log lost (\d+) lines: it could not be written$", err.decode(), re.M)
        check.check(f"{what}: {'it is said once' if full else 'nothing is said'}",
                    len(lost) == full and (not full or int(lost[0]) > 20), err)


def vanishing(check, world):
    """Clients that are killed in the middle, of a download and of an upload: the origin hears of it, others go on."""
    world.serve()
    script = "".join(
        f"curl -s {more} https://{world.host(fault)}/x >/dev/null & one=$!; sleep 1; kill -9 $one; "
        f"curl -s -o /dev/null -w '%{{http_code}}\\n' https://{world.host('control')}/echo; "
        for fault, more in (("sends without end", ""), ("stalls before its head", ""), ("takes an upload", "-T /dev/zero")))
    done = world.boxed(["/bin/bash", "-c", script + "sleep 3"])
    check.equal("clients that vanish: others are served", done.out, "200\n" * 3)
    for fault in ("sends without end", "stalls before its head", "takes an upload"):
        seconds = world.ended.after.get(fault, [])
        check.check(f"clients that vanish: an origin that {fault} hears of it within 3 s",
                    len(seconds) == 1 and seconds[0] < 4, seconds)
    said = [one.get("detail") for one in world.audit() if one["event"] == "request" and one.get("detail")]
    check.check("clients that vanish: the log says who ended it",
                len(said) == 3 and all("client" in one for one in said), said)


class Fickle(site.Site):
    """Leaves every other request without an answer, and its connection with it."""

    def __call__(self, request):
        self.log.append(request)
        if len(self.log) % 2 == 0:
            raise EOFError
        return site.text(200, "answered\n")


def pooled(check, world):
    """One client after the other on one connection to the origin, but for what may not be sent twice."""
    steady, fickle = site.Site(), Fickle()
    one = world.tls("steady.matrix.test", ["http/1.1"], steady)
    world.tls("fickle.matrix.test", ["http/1.1"], fickle)
    get = "curl -sS -o /dev/null -w '%{http_code} ' "
    done = world.boxed(["/bin/bash", "-c", f"for i in 1 2 3 4; do {get} https://steady.matrix.test/echo; done; "
                        f"{get} -d x=1 https://steady.matrix.test/echo; {get} https://steady.matrix.test/echo"])
    check.equal("pooled: all are answered", done.out.split(), ["200"] * 6)
    check.equal("pooled: and arrive once", [r.method for r in steady.log], ["GET"] * 4 + ["POST", "GET"])
    check.equal("pooled: the POST has a connection of its own", one.hits, 2)
    requests = [line for line in world.audit() if line["event"] == "request"]
    check.equal("pooled: each is in the log", len(requests), 6)
    done = world.boxed(["/bin/bash", "-c", "".join(f"{get} https://fickle.matrix.test/{n}; " for n in range(3))])
    check.equal("pooled: what the origin closes under a GET is asked once more", done.out.split(), ["200"] * 3)
    check.equal("pooled: control: it did close", [r.target for r in fickle.log], ["/0", "/1", "/1", "/2", "/2"])


PARTS = {"origins": origins, "large_heads": large_heads, "full_disk": full_disk, "vanishing": vanishing, "pooled": pooled}


def main():
    check = support.Suite("network_faults")
    for name, part in PARTS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        with check.guarded(name), World() as world:
            part(check, world)
    check.finish()


if __name__ == "__main__":
    main()
