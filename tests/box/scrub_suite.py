#!/usr/bin/python3
"""S3: a host that gives back the credential it was shown, in every listed spelling and on every surface.

The box sees the surrogate in its place and never the real value; events arrive one by one. The controls: the origin
was shown the real value, and a host without a credential has its bytes unchanged.
"""

import base64
import json
import os
import statistics
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "scrubbing")]

import echo  # noqa: E402
import suite as support  # noqa: E402
from origins.matrix import Matrix  # noqa: E402
from spellings import spellings  # noqa: E402

REAL = "sk-live-4f6A1c/9bE2d0+7735xyZ=Qw8mR2"
KEYED = ("h1.matrix.test", "h2.matrix.test")
BARE = ("h1-bare.matrix.test", "h2-bare.matrix.test")
ASKED = (*echo.SURFACES, "br")
ROUNDS = 8  # of echo.EVENTS each


def profile(world):
    return world.profile(f"""credentials:
  key:
    source: env:KEY
    hosts: [{", ".join(KEYED)}]
    expose: {{env: TOKEN}}
""")


def run(world):
    size = str(len(echo.message(REAL)))
    command = ["env", "SURFACES=" + ",".join(ASKED), f"ROUNDS={ROUNDS}", "/usr/bin/python3", os.path.join(world.tools, "client.py"), size,
               *KEYED, *BARE]
    return world.boxed(command, profile=profile(world), env={"KEY": REAL}, timeout=180)


def fields_of(head):
    """[(name, value)] of all blocks of a head file, interim answers and trailers too."""
    lines = head.decode("latin-1").split("\r\n")
    return [tuple(line.split(": ", 1)) for line in lines if ": " in line]


def shown(fields, names):
    return [value for name, value in fields if name.lower() in names]


def alike(data):
    """Base64 of a value that has neither of the two characters in which the alphabets differ is of both: the
    surrogate's is standard then."""
    return data.translate(bytes.maketrans(b"-_", b"+/") if isinstance(data, bytes) else str.maketrans("-_", "+/"))


def judge(check, label, seen, wanted, unpacked):
    """`wanted`: the origin's answer with what the box must see in it. `unpacked`: its body, where it is unpacked on
    its way, else None."""
    head, body = base64.b64decode(seen["head"]), base64.b64decode(seen["body"])
    fields = fields_of(head)
    content = wanted.body if isinstance(wanted.body, bytes) else b"".join(wanted.body)
    packed = "content-encoding" in dict(wanted.headers)
    if packed and unpacked is not None:
        content = unpacked
        check.equal(f"{label}: the coding is gone", shown(fields, ["content-encoding"]), [])
    check.check(f"{label}: the body", alike(body) == alike(content), f"{body[:400]!r}, wanted {content[:400]!r}, {seen['error']}")
    for name, value in [*wanted.headers, *wanted.trailers]:
        if name in ("content-encoding", "content-type"):
            continue
        name = "link" if name == "x-early" else name
        check.check(f"{label}: {name}", alike(value) in map(alike, shown(fields, [name])),
                    f"{shown(fields, [name])!r}, wanted {value!r}")
    if isinstance(wanted.body, bytes) and content == wanted.body:
        check.equal(f"{label}: its length", shown(fields, ["content-length"]), [str(len(content))])


def judge_events(check, rounds, value, host):
    """Every spelling in an event of its own, none of which is sent before the last one has arrived."""
    wanted = [alike(f"{n} {echo.event(n, value)}") for n in range(echo.EVENTS)]
    got = [[alike(text) for _, text in seen] for seen in rounds]
    differing = [pair for seen in got for pair in zip(seen, wanted) if pair[0] != pair[1]]
    check.check(f"{host}: events arrive one by one, each spelling in one", got == [wanted] * ROUNDS,
                f"{[len(seen) for seen in got]} events, {differing[:2]}")


def judge_delays(check, seen, keyed, bare):
    """Half of all events of the best round, and of each spelling a quarter of its events in all rounds, in milliseconds.
    Somebody else's work delays some of every kind: a proxy that holds a kind back delays all of it."""
    halves, quarters = [], []
    for host in (keyed, bare):
        rounds = [[delay / 1e6 for delay, _ in one] for one in seen[f"{host} events"]]
        halves.append(min(map(statistics.median, rounds)))
        kinds = len(spellings(REAL))
        quarters.append([statistics.quantiles([delay for one in rounds for delay in one[kind::kinds]], n=4)[0] for kind in range(kinds)])
    print(f"# {keyed}: an event takes {halves[0]:.2f} ms, without a credential {halves[1]:.2f} ms", flush=True)
    check.check(f"{keyed}: an event is less than 1 ms later", halves[0] < halves[1] + 1, f"milliseconds {halves}")
    late = {name: (with_key, without) for name, with_key, without in zip(spellings(REAL), *quarters) if with_key >= without + 1}
    check.equal(f"{keyed}: so is an event of each spelling", late, {})


def judge_websocket(check, seen, value, host, offered):
    head, _, stream = base64.b64decode(seen).partition(b"\r\n\r\n")
    check.check(f"{host}: WebSocket frames", alike(stream) == alike(echo.message(value)),
                f"{stream[:300]!r}, {len(stream)} bytes")
    check.equal(f"{host}: extensions offered", dict(fields_of(head)).get("X-Offered"), offered)


def shown_by(seen, hosts):
    """{what was asked: the spellings of the real value in it}"""
    found = {}
    for what, one in seen.items():
        if not what.startswith(hosts):
            continue
        if isinstance(one, list):
            data = "\n".join(text for events in one for _, text in events).encode()
        else:
            data = b"".join(base64.b64decode(part) for part in ([one] if isinstance(one, str) else (one["head"], one["body"])))
        found[what] = [name for name, text in spellings(REAL).items() if text.encode() in data]
    return found


def nothing_real(check, seen):
    """No spelling of the real value in anything that the keyed hosts' answers showed."""
    found = shown_by(seen, KEYED)
    check.equal("the real value is nowhere", {what: names for what, names in found.items() if names}, {})
    found = shown_by(seen, BARE)
    check.equal("control: what has no credential shows it in every answer but in packed ones",
                [what for what, names in found.items() if not names],
                [f"{host} {packed}" for host in BARE for packed in ("gzip", "deflate")])
    check.equal("control: and of events each spelling", [found[f"{host} events"] for host in BARE], [list(spellings(REAL))] * 2)


def audited(check, world):
    lines = [line for line in world.audit() if line["event"] == "scrub"]
    for host in KEYED:
        of_body = [line for line in lines if line["host"] == host and line.get("path") == "/body"]
        check.check(f"{host}: one scrub line an answer",
                    len(of_body) == 1 and of_body[0]["credential"] == "key" and
                    of_body[0]["count"] >= len(spellings(REAL)), repr(of_body))
    check.equal("audit: hosts without a credential", [line for line in lines if line["host"] in BARE], [])
    check.check("audit: never the value", REAL not in json.dumps(world.audit()))


def main():
    check = support.Suite("scrub")
    with Matrix("scrubbing") as world:
        keyed, bare = echo.Echo(REAL), echo.Echo(REAL, checked=False)
        world.tls("h1.matrix.test", ["http/1.1"], keyed)
        world.tls("h2.matrix.test", ["h2"], keyed)
        world.tls("h1-bare.matrix.test", ["http/1.1"], bare)
        world.tls("h2-bare.matrix.test", ["h2"], bare)
        done = run(world)
        if not check.check("the client ran", done.status == 0, repr(done)):
            check.finish()
        seen = json.loads(done.out)
        token = seen["token"]
        check.check("inside is a surrogate", len(token) == len(REAL) and token != REAL, token)
        check.equal("control: the origin was shown the real value and nothing else", keyed.wrong, [])
        asked = {request.header("accept-encoding") for request in keyed.log if "/ack" not in request.path and
                 "/events" not in request.path}
        check.equal("such hosts are asked for identity", asked, {"identity"})
        asked = {request.header("accept-encoding") for request in bare.log if request.path == "/body"}
        check.equal("others as the client asks", asked, {"gzip, br"})
        for hosts, value in ((KEYED, token), (BARE, REAL)):
            for host in hosts:
                for surface in echo.SURFACES:
                    with check.guarded(f"{host} {surface}"):
                        judge(check, f"{host} {surface}", seen[f"{host} {surface}"], echo.answer(surface, value),
                              None if hosts is BARE else echo.lines(value))
                judge_events(check, seen[f"{host} events"], value, host)
        judge_websocket(check, seen["h1.matrix.test websocket"], token, "h1.matrix.test", "nothing")
        judge_websocket(check, seen["h1-bare.matrix.test websocket"], REAL, "h1-bare.matrix.test",
                        "permessage-deflate")
        for host in KEYED:
            one = seen[f"{host} br"]
            head = base64.b64decode(one["head"])
            check.check(f"{host}: brotli is refused in words", b" 502" in head.split(b"\r\n")[0] and
                        b"the content coding" in base64.b64decode(one["body"]), repr(head))
        for host in BARE:
            check.equal(f"{host}: brotli passes", base64.b64decode(seen[f"{host} br"]["body"]), REAL.encode())
        for keyed_host, bare_host in zip(KEYED, BARE):
            judge_delays(check, seen, keyed_host, bare_host)
        nothing_real(check, seen)
        audited(check, world)
    check.finish()


if __name__ == "__main__":
    main()
