#!/usr/bin/python3
"""Where a credential ends: its ports (S2), somebody else's in its place in a body (S8), and its own time.

What an origin gets decides; each refusal stands beside the same request done right.
"""

import base64
import contextlib
import json
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]

import suite as support  # noqa: E402
from origins import site as pages  # noqa: E402
from origins.credentials import ATTACKERS, REAL, World  # noqa: E402

STATUS = "curl -sS -o /dev/null -w '%{http_code}\\n' "
BOTH = (("h1.matrix.test", "1.1"), ("api.matrix.test", "2"))


def alarms(world):
    return [line for line in world.audit() if line["event"] == "alarm"]


def ports(check, world):
    bearer = STATUS + '-H "Authorization: Bearer $KEY" '
    key = "credentials:\n  key: {source: env:REAL_KEY, hosts: [%s], expose: {env: KEY}}\n"
    rule = '    - "api.matrix.test:8443"'
    for way, proxy in (("explicitly", "set"), ("transparently", "unset")):
        world.forget()
        done = world.boxed(["bash", "-c", f"{bearer} https://api.matrix.test:8443/echo; {bearer} https://api.matrix.test/echo"],
                           profile=world.profile(key % "api.matrix.test", network=rule), proxy=proxy)
        check.equal(f"S2 {way}: another port of its host is refused, its own is not", done.out.split(), ["403", "200"])
        check.equal(f"S2 {way}: the other port's service gets no request",
                    [r.header("authorization") for r in world.site.log], ["Bearer " + REAL["key"]])
        check.check(f"S2 {way}: and it is alarmed", len(alarms(world)) == 1 and "a port that it is not for" in alarms(world)[0]["detail"],
                    alarms(world))
        world.forget()
        done = world.boxed(["bash", "-c", f"{bearer} https://api.matrix.test:8443/echo; {bearer} https://api.matrix.test/echo"],
                           profile=world.profile(key % '"api.matrix.test:8443"', network=rule), proxy=proxy)
        check.equal(f"{way}: a port that is written is its own, and then 443 is not", done.out.split(), ["200", "403"])
        check.equal(f"{way}: with the real value", [r.header("authorization") for r in world.site.log], ["Bearer " + REAL["key"]])
    done = world.outside("show", "-u", world.profile(key % '"api.matrix.test:8443"'), "--json")
    check.equal("show says the port", json.loads(done.out)["credentials"][0]["hosts"], ["api.matrix.test:8443"])


def bodies(check, world):
    """S8: an exclusive credential whose place is a field of the body."""
    text = ("  body: {source: env:REAL_BODY, hosts: [api.matrix.test, h1.matrix.test], expose: {env: BODY}, "
            "replace_in: [{body: token, method: POST, path: /echo}]%s}\n")
    json_type = '-H "Content-Type: application/json" '
    form = {
        "JSON, ours": (json_type + """-d '{"a":1,"token":"'$BODY'"}'""", True),
        "a form, ours": ('-d "a=1&token=$BODY"', True),
        "multipart, ours": ('-F a=1 -F "token=$BODY"', True),
        "JSON, a stranger's": (json_type + """-d '{"token":"%s"}'""" % ATTACKERS, False),
        "JSON, ours and a stranger's": (json_type + """-d '{"token":"'$BODY'","token":"%s"}'""" % ATTACKERS, False),
        "JSON, a stranger's behind an escape": (json_type + """-d '{"token":"'$BODY'","t\\u006fken":"%s"}'""" % ATTACKERS, False),
        "JSON, none": (json_type + """-d '{"a":1}'""", False),
        "a form, a stranger's": (f'-d "a=1&token={ATTACKERS}"', False),
        "a form, none": ("-d a=1", False),
        "multipart, a stranger's": (f'-F a=1 -F "token={ATTACKERS}"', False),
        "chunked, none": (json_type + """-H "Transfer-Encoding: chunked" -d '{"a":1}'""", False),
    }
    exclusive = world.with_credentials(text % ", exclusive: true")
    for host, version in BOTH:
        world.forget()
        lines = [f"{STATUS} {words} https://{host}/echo" for words, _ in form.values()]
        done = world.inside("\n".join([*lines, "echo end"]), exclusive)
        check.equal(f"S8 HTTP/{version}: exclusive, by its body", dict(zip(form, done.out.split())),
                    {what: "200" if ours else "403" for what, (_, ours) in form.items()})
        check.equal(f"S8 HTTP/{version}: whole requests come with the real value alone",
                    [(REAL["body"].encode() in r.body, ATTACKERS.encode() in r.body) for r in world.site.log], [(True, False)] * 3)
        # One that repeats is written again with how often it was.
        times = {}
        for line in alarms(world):
            times[line["detail"]] = max(times.get(line["detail"], 0), line.get("count", 1))
        check.equal(f"S8 HTTP/{version}: each of the others is alarmed", sum(times.values()), len(form) - 3)
    world.forget()
    done = world.inside(f"""{STATUS} -d "a=1&token={ATTACKERS}" https://h1.matrix.test/echo; echo end""", world.with_credentials(text % ""))
    check.equal("S8 not exclusive: a stranger's is overwritten, and the request goes on",
                (done.out, [r.body.decode() for r in world.site.log]), ("200\nend\n", ["a=1&token=" + "+" * len(ATTACKERS)]))
    check.check("S8 and that is in the audit log", any(line["event"] == "rewrite" and "field token" in line["detail"]
                                                      for line in world.audit()), world.audit())
    refused = world.outside("run", "-u", world.with_credentials((text % ", exclusive: true").replace(
        "[{body: token, method: POST, path: /echo}]", "[websocket]")), "true")
    check.check("messages of a WebSocket cannot be held to an exclusive one, which is said", refused.status == 78
                and "cannot be held to" in refused.err, repr(refused))


def token(number, seconds):
    """A JSON web token that ends."""
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    return f"{part({'alg': 'none'})}.{part({'exp': int(time.time()) + seconds, 'n': number})}.{'RealSignature' + str(number):x<40}"


def newest(world):
    """An origin that takes the newest value alone."""
    def route(request):
        if request.header("authorization") == f"Bearer {world.newest}":
            return pages.text(200, "taken\n")
        return pages.text(401, "ended\n")
    return route


def values_that_end(check, world):
    world.site.routes["/newest"] = newest(world)
    place = ".secrets/token"
    ask = 'curl -sS -H "Authorization: Bearer $KEY" https://h1.matrix.test/newest'
    sources = {"command": f"command:cat {world.home}/{place}", "file": f"file:{world.home}/{place}"}
    for kind, source in sources.items():
        profile = world.with_credentials(f"  key: {{source: {json.dumps(source)}, hosts: [h1.matrix.test], expose: {{env: KEY}}}}\n")
        world.newest = f"ghp_{'RealFirst' + kind:x<36}"
        world.write(place, world.newest, 0o600)
        world.forget()
        second = f"ghp_{'RealSecond' + kind:x<36}"
        # The file changes outside while the run is under way.
        with changed(world, place, second):
            done = world.inside(f"{ask}; echo $KEY; touch {world.project}/ready; "
                                f"until [ -e {world.project}/changed ]; do sleep 0.05; done; {ask}; {ask}; echo $KEY; echo end", profile)
        said = done.out.split()
        check.check(f"{kind}: what is refused with 401 is read again, and the request goes once more", len(said) == 6
                    and [said[0], said[2], said[3], said[5]] == ["taken", "taken", "taken", "end"], repr(done))
        check.check(f"{kind}: the surrogate stays what it was", len(said) == 6 and said[1] == said[4] and "Real" not in done.out, repr(done))
        check.equal(f"{kind}: by what came", [r.header("authorization")[7:] for r in world.site.log],
                    [f"ghp_{'RealFirst' + kind:x<36}", f"ghp_{'RealFirst' + kind:x<36}", second, second])
        lines = [line for line in world.audit() if line["event"] == "refresh"]
        check.check(f"{kind}: the audit log says so", len(lines) == 1 and lines[0]["credential"] == "key" and "reason" not in lines[0], lines)
    # One that says when it ends is read again before.
    world.newest = token(1, 8)
    world.write(place, world.newest, 0o600)
    profile = world.with_credentials(f"  key: {{source: {json.dumps(sources['command'])}, hosts: [h1.matrix.test], expose: {{env: KEY}}}}\n")
    world.forget()
    first, second = world.newest, token(2, 3600)
    with changed(world, place, second):
        done = world.inside(f"{ask}; touch {world.project}/ready; until [ -e {world.project}/changed ]; do sleep 0.05; done; "
                            f"sleep 9; {ask}; echo end", profile)
    check.check("a JSON web token is read again ahead of its end, and no request is refused", done.out == "taken\ntaken\nend\n"
                and [r.header("authorization")[7:] for r in world.site.log] == [first, second], repr(done))
    # What is refused for another reason is not read again and again.
    world.newest = "nobody has it"
    world.write(place, f"ghp_{'RealThird':x<36}", 0o600)
    count = os.path.join(world.home, "count")
    profile = world.with_credentials(f"  key: {{source: {json.dumps('command:echo >> ' + count + '; cat ' + world.home + '/' + place)}, "
                                     "hosts: [h1.matrix.test], expose: {env: KEY}}\n")
    done = world.inside(f"for i in 1 2 3 4 5; do {ask}; done; echo end", profile)
    with open(count, encoding="utf-8") as file:
        asked = len(file.readlines())
    check.check("one that is refused though it is the newest is read again once", done.out == "ended\n" * 5 + "end\n" and asked == 2,
                f"{done!r} {asked}")


@contextlib.contextmanager
def changed(world, place, value):
    """Once the box says that it is ready, the source has another value, which alone is good; and the box is told."""
    def change():
        ready = os.path.join(world.project, "ready")
        until = time.monotonic() + 60
        while not os.path.exists(ready) and time.monotonic() < until:
            time.sleep(0.05)
        os.remove(ready)
        world.newest = value
        world.write(place, value, 0o600)
        world.write("src/project/changed", "")

    thread = threading.Thread(target=change)
    thread.start()
    yield
    thread.join()
    os.remove(os.path.join(world.project, "changed"))


def main():
    check = support.Suite("bounds")
    with World() as world:
        world.web()
        world.environment.update(REAL_KEY=REAL["key"], REAL_BODY=REAL["body"])
        for part in (ports, bodies, values_that_end):
            with check.guarded(part.__name__):
                part(check, world)
    check.finish()


if __name__ == "__main__":
    main()
