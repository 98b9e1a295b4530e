"""N4: every name of a request is the one that was dialled. N5: ambiguous framing is refused, and what an origin
receives is what was judged.

Both origins are allowed without any limit, so that nothing but the disagreement can be the reason.
"""

from .names import bugs
from .world import request

ONE, OTHER = "a.names.test", "b.names.test"
OPEN = """
network:
  allow: [{one}, "http://{one}", {other}, "http://{other}", "{one}:8443"]
{addresses}
"""


def profile_of(world):
    world.serve(ONE, OTHER)
    return world.write_profile(OPEN.format(one=ONE, other=OTHER, addresses=world.addresses()))


def one(way, *raw, **where):
    return {"do": "http1", "way": way, "host": ONE, "raw": list(raw), **where}


def stream(authority, *more, path="/n4/a"):
    named = [(":authority", authority)] if authority is not None else []
    return [(":method", "GET"), (":scheme", "https"), *named, (":path", path), *more]


def two(*requests, **where):
    return {"do": "http2", "way": "tls", "host": ONE, "requests": list(requests), **where}


FINE = request(ONE, "/n4/a")
WRONG = request(OTHER, "/n4/wrong")
# What the site answers to such a path is 404; only what is refused is said by the proxy.
PASSED, MISDIRECTED, MALFORMED = 404, 421, 400


def statuses_of(answers):
    if isinstance(answers, dict):  # a bug of the attempt's own
        return [str(answers)]
    return [one.get("status") or one["error"] for one in answers]


def authority_cases():
    """Name -> attempt, the statuses."""
    cases = {
        "control: one host in every place": (one("tls", FINE), [PASSED]),
        "control: the other host in every place": (
            {"do": "http1", "way": "tls", "host": OTHER, "raw": [request(OTHER, "/n4/b")]}, [PASSED]),
        "control: with its port, in capitals, with the dot at the end": (
            one("tls", *(request(h, "/n4/a") for h in (f"{ONE}:443", ONE.upper(), f"{ONE}."))), [PASSED] * 3),
        "control: h2": (two(stream(ONE), stream(f"{ONE}:443")), [PASSED] * 2),
        "SNI and Host of another": (one("tls", WRONG, sni=OTHER), [MISDIRECTED]),
        "SNI of another": (one("tls", request(ONE, "/n4/wrong"), sni=OTHER), [MISDIRECTED]),
        "SNI that is no name": (one("tls", request(ONE, "/n4/wrong"), sni="a_b.names.test"), [MISDIRECTED]),
        "no SNI": (one("tls", request(ONE, "/n4/wrong"), sni=None), [403]),
        "another port": (one("tls", request(f"{ONE}:8443", "/n4/wrong")), [MISDIRECTED]),
        "an address": (one("tls", request("127.0.0.1", "/n4/wrong")), [MISDIRECTED]),
        "h2 with SNI of another": (two(stream(OTHER, path="/n4/wrong"), sni=OTHER), [MISDIRECTED]),
        "h2 connection that is used for another host": (
            two(stream(ONE), stream(OTHER, path="/n4/wrong"), stream(ONE)), [PASSED, MISDIRECTED, PASSED]),
        "h2 with Host of another": (two(stream(ONE, ("host", OTHER), path="/n4/wrong")), None),
        "h2 with Host of another alone": (two(stream(None, ("host", OTHER), path="/n4/wrong")), [MALFORMED]),
        "h2 with two authorities": (two([(":authority", ONE), *stream(OTHER, path="/n4/wrong")]), None),
        "h2 with a user name": (two(stream(f"x@{ONE}", path="/n4/wrong")), None),
        "CONNECT, control": (one("connect", FINE), [PASSED]),
        "CONNECT, SNI of another": (one("connect", WRONG, sni=OTHER), [MISDIRECTED]),
        "CONNECT to 80, another's Host": (one("connect", WRONG, port=80, sni=ONE), None),
        "plain, control": (one("plain", FINE), [PASSED]),
        "plain, absolute target of another": (one("plain", request(OTHER, "", target=f"http://{OTHER}/n4/wrong")),
                                              [MISDIRECTED]),
        "forward, control": (one("forward", request(ONE, "", target=f"http://{ONE}/n4/a")), [PASSED]),
        "forward, control: each request its own host": (one(
            "forward", *(request(h, "", target=f"http://{h}/n4/{h[0]}") for h in (ONE, OTHER, ONE))), [PASSED] * 3),
        "forward, Host of another": (one("forward", request(OTHER, "", target=f"http://{ONE}/n4/wrong")), [MISDIRECTED]),
        "forward, Host with another port": (one("forward", request(f"{ONE}:8080", "", target=f"http://{ONE}/n4/wrong")),
                                            [MISDIRECTED]),
        "forward, https in the target": (one("forward", request(ONE, "", target=f"https://{ONE}/n4/wrong")), [MALFORMED]),
        "forward, no host in the target": (one("forward", request(ONE, "/n4/wrong")), [MALFORMED]),
    }
    for way in ("tls", "connect", "plain"):
        cases.update({
            f"{way}, Host of another": (one(way, WRONG), [MISDIRECTED]),
            f"{way}, Host of another on a used connection": (one(way, FINE, WRONG, FINE), [PASSED, MISDIRECTED, PASSED]),
            f"{way}, absolute target of another": (
                one(way, request(OTHER, "", target=f"http{'s' * (way != 'plain')}://{OTHER}/n4/wrong")), [MISDIRECTED]),
            f"{way}, absolute target of another, Host of the one": (
                one(way, request(ONE, "", target=f"http://{OTHER}/n4/wrong")), [MISDIRECTED]),
            f"{way}, control: absolute target of the one": (
                one(way, request(ONE, "", target=f"http{'s' * (way != 'plain')}://{ONE}/n4/a")), [PASSED]),
            f"{way}, two Hosts": (one(way, request(ONE, "/n4/wrong", more=f"Host: {OTHER}\r\n")), [MALFORMED]),
            f"{way}, two equal Hosts": (one(way, request(ONE, "/n4/wrong", more=f"Host: {ONE}\r\n")), [MALFORMED]),
            f"{way}, no Host": (one(way, "GET /n4/wrong HTTP/1.1\r\n\r\n"), [MALFORMED]),
            f"{way}, empty Host": (one(way, request("", "/n4/wrong")), [MALFORMED]),
            f"{way}, a list in Host": (one(way, request(f"{ONE}, {OTHER}", "/n4/wrong")), [MALFORMED]),
            f"{way}, a user name in Host": (one(way, request(f"{OTHER}@{ONE}", "/n4/wrong")), [MALFORMED]),
            f"{way}, X-Forwarded-Host is no Host": (
                one(way, request(ONE, "/n4/a", more=f"X-Forwarded-Host: {OTHER}\r\n")), [PASSED]),
        })
    return cases


def authorities(check, world):
    profile = profile_of(world)
    cases = authority_cases()
    results = world.attempts({name: attempt for name, (attempt, _) in cases.items()}, profile)
    for name, (_, wanted) in cases.items():
        got = statuses_of(results[name])
        if wanted is None:  # refused one way or another, as the client's library or ours ends it
            check.check(f"N4: {name}", got and all(one not in (200, PASSED) for one in got), results[name])
        else:
            check.check(f"N4: {name}: {wanted}", got == wanted, results[name])
    for host, letter in ((ONE, "a"), (OTHER, "b")):
        seen = set(world.targets(host))
        check.equal(f"N4: {host} got its own requests alone", seen, {f"/n4/{letter}"})
    check.check("N4: every attempt ended", len(results) == len(cases) and not bugs(results), bugs(results))
    lines = [one for one in world.audit() if one["event"] == "deny" and one["reason"] == "name_mismatch"]
    check.equal("N4: mismatches are in the audit log, by each way", {one["way"] for one in lines},
                {"transparent", "connect"})


def framing_cases(way):
    """Name -> bytes, statuses, what arrives as (method, target, body's length). None: refused, and nothing arrives."""
    base = f"http://{ONE}" if way == "forward" else ""

    def post(name, more="", body=""):
        return f"POST {base}/n5/{name} HTTP/1.1\r\nHost: {ONE}\r\n{more}\r\n{body}"

    def hidden(name):
        return f"GET {base}/n5/hidden-{name} HTTP/1.1\r\nHost: {ONE}\r\n\r\n"

    chunked = "Transfer-Encoding: chunked\r\n"
    bad = {
        "length-and-coding": post("length-and-coding", "Content-Length: 6\r\n" + chunked, "0\r\n\r\n"),
        "coding-and-length": post("coding-and-length", chunked + "Content-Length: 6\r\n", "0\r\n\r\n"),
        "two-lengths": post("two-lengths", "Content-Length: 5\r\nContent-Length: 40\r\n"),
        "length-list": post("length-list", "Content-Length: 5, 5\r\n"),
        "length-plus": post("length-plus", "Content-Length: +5\r\n"),
        "length-hex": post("length-hex", "Content-Length: 0x5\r\n"),
        "coding-unknown": post("coding-unknown", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        "coding-twice": post("coding-twice", chunked + chunked, "0\r\n\r\n"),
        "coding-gzip": post("coding-gzip", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
        "coding-tab": post("coding-tab", "Transfer-Encoding:\x0bchunked\r\n", "0\r\n\r\n"),
        "space-before-colon": post("space-before-colon", "Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
        "folded": post("folded", "X: a\r\n Transfer-Encoding: chunked\r\n"),
        "bare-lf": post("bare-lf", "X: a\nTransfer-Encoding: chunked\r\n"),
        "bare-cr": post("bare-cr", "X: a\rTransfer-Encoding: chunked\r\n"),
        "nul": post("nul", "X: a\0b\r\n"),
        "no-colon": post("no-colon", "Transfer-Encoding chunked\r\n"),
        "space-in-target": post("space-in-target").replace("/n5/", "/n5/ /", 1),
        "fragment": post("fragment").replace("/n5/", "/n5/#", 1),
        "version": post("version").replace("HTTP/1.1", "HTTP/1.2", 1),
        "lower-case-method": post("lower-case-method").replace("POST", "post", 1),
        "http-1.0-chunked": post("http-1.0-chunked", chunked, "0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0", 1),
    }
    cases = {name: (raw + hidden(name), None, []) for name, raw in bad.items()}
    cases.update({
        "control": (post("control", "Content-Length: 3\r\n", "abc"), [404], [("POST", "/n5/control", 3)]),
        "pipelined": (post("pipelined", "Content-Length: 3\r\n", "abc") + hidden("pipelined"), [404],
                      [("POST", "/n5/pipelined", 3), ("GET", "/n5/hidden-pipelined", 0)]),
        "chunks": (post("chunks", chunked, "1;x=y\r\na\r\n2\r\nbc\r\n0\r\nX-T: t\r\n\r\n"), [404], [("POST", "/n5/chunks", 3)]),
        "dots": (post("dots", "Content-Length: 0\r\n").replace("/n5/", "/x/../n5/./", 1), [404], [("POST", "/n5/dots", 0)]),
        "unreserved": (post("%75nreserved", "Content-Length: 0\r\n"), [404], [("POST", "/n5/unreserved", 0)]),
        "h2c": (post("h2c", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
                            "Content-Length: 0\r\n"), [404], [("POST", "/n5/h2c", 0)]),
        "chunk-size": (post("chunk-size", chunked, "1\r\na\r\n0x2\r\nbc\r\n0\r\n\r\n") + hidden("chunk-size"), None, []),
    })
    return cases


def framing(check, world):
    profile = profile_of(world)
    ways = ("tls", "connect", "plain", "forward")
    plan = {f"{name}|{way}": one(way, raw) for way in ways for name, (raw, _, _) in framing_cases(way).items()}
    for way in ways:
        del world.sites[ONE].log[:]
        mine = {key: attempt for key, attempt in plan.items() if key.endswith("|" + way)}
        results = world.attempts(mine, profile)
        log = [(r.method, r.target, len(r.body)) for r in world.sites[ONE].log]
        for name, (_, statuses, arrives) in framing_cases(way).items():
            found = results[f"{name}|{way}"]
            got = statuses_of(found)
            label = f"N5: {way}: {name}"
            if statuses is None:
                check.check(f"{label} is refused", got and isinstance(got[0], int) and 400 <= got[0] < 600 and got[0] != 404,
                            found)
            else:
                check.equal(f"{label} passes", got, statuses)
            seen = [entry for entry in log if entry[1].split("/n5/")[-1].replace("hidden-", "", 1) == name]
            check.equal(f"{label}: the origin got what was judged", seen, arrives)
            log = [entry for entry in log if entry not in seen]
        check.equal(f"N5: {way}: the origin got nothing else", log, [])
        upgrades = [r.headers for r in world.sites[ONE].log if r.header("upgrade") or r.header("http2-settings")]
        check.equal(f"N5: {way}: no upgrade was passed on", upgrades, [])
    check.equal("N5: the other origin got nothing", world.targets(OTHER), [])
