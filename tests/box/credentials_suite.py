#!/usr/bin/python3
"""Credentials end to end: every source, every surface and every file that holds a surrogate, by what the origin gets.

The real values are looked for in everything that is said inside and outside. S2 and S8 of the design by effect: a
surrogate in the wrong place and a stranger's key reach no origin; the same requests done right are the control.
"""

import base64
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "agents")]

import packages  # noqa: E402
import suite as support  # noqa: E402
from origins.credentials import ATTACKERS, REAL, World  # noqa: E402

def every_source(check, world):
    world.write(".config/ci/token", REAL["file"] + "\n", 0o600)
    world.write(".login.json", json.dumps({"a": [{"token": REAL["json"]}]}), 0o600)
    world.write(".secrets/two", REAL["shell"], 0o600)
    world.write(".secrets/three", REAL["words"], 0o600)
    world.vault()
    world.environment["REAL_ENV"] = REAL["env"]
    sources = {"env": "env:REAL_ENV", "file": "file:~/.config/ci/token", "json": "json:~/.login.json#/a/0/token",
               "shell": "command:cat ~/.secrets/two", "vault": "vault:secret/ci/deploy#token", "words": f"{{command: [cat, {world.home}/.secrets/three]}}"}
    text = "".join(
        f"  {name}: {{source: {json.dumps(source) if source[0] != '{' else source}, "
        f"hosts: [api.matrix.test], expose: {{env: T_{name.upper()}}}}}\n" for name, source in sources.items())
    text += ("  absent: {source: file:~/.no/such, hosts: [api.matrix.test], expose: {env: T_ABSENT}, optional: true}\n"
             "  failing: {source: \"command:echo quite so >&2; exit 3\", hosts: [api.matrix.test], "
             "expose: {env: T_FAILING}, optional: true}\n")
    profile = world.with_credentials(text)
    world.forget()
    script = "".join(f'curl -sS -o /dev/null -H "Authorization: Bearer $T_{name.upper()}" '
                     f'https://api.matrix.test/echo?{name} || exit 1; echo "{name}=$T_{name.upper()}"\n' for name in sources)
    done = world.inside(script + 'echo "absent=$T_ABSENT."; env', profile)
    check.equal("the run with a credential of every source ends well", done.status, 0)
    for name in sources:
        got = [r.header("authorization") for r in world.site.log if r.target == f"/echo?{name}"]
        check.equal(f"{name}: the origin gets the real value", got, [f"Bearer {REAL[name]}"])
        check.check(f"{name}: inside it looks the same", f"\n{name}=ghp_" in "\n" + done.out, done.out)
    check.check("an optional source that is absent is named once, with its reason",
                "credential absent is off: ~" in done.err.replace(world.home, "~") and "absent=.\n" in done.out, done.err)
    check.check("a command's own words say why it failed",
                'credential failing is off: the command: ended with status 3: "quite so"' in done.err, done.err)
    check.check("what is live is named with its hosts", "credential file is live for api.matrix.test" in done.err, done.err)


def refused_sources(check, world):
    def refusal(source, words, prepare=None):
        if prepare:
            prepare()
        profile = world.with_credentials(
            f"  key: {{source: {json.dumps(source)}, hosts: [api.matrix.test], expose: {{env: T}}}}\n")
        done = world.inside("echo started", profile)
        check.check(f"{source} is refused before anything starts",
                    done.status == 78 and "started" not in done.out and words in done.err, repr(done))

    refusal("file:~/.config/ci/token", "may be read or written by others",
            lambda: world.write(".config/ci/token", REAL["file"], 0o644))
    world.write(".config/ci/token", REAL["file"] + "\n", 0o600)
    refusal("file:~/src/project/token", "what a box may write",
            lambda: world.write("src/project/token", REAL["file"], 0o600))
    os.remove(os.path.join(world.project, "token"))
    link = os.path.join(world.project, "planted")
    os.symlink(os.path.join(world.home, ".config", "ci", "token"), link)
    refusal("file:~/src/project/planted", "what a box may write")
    os.remove(link)
    refusal("file:~/no/such", "does not exist")
    refusal("command:exit 7", "ended with status 7")
    refusal("json:~/.login.json#/no", "has nothing at")
    world.write(".secrets/short", "1234", 0o600)
    refusal("file:~/.secrets/short", "too short for a surrogate")


def commands(check, world):
    """A source's program runs outside: nothing that a box may write says which one it is, or what it does."""
    tool = world.write("src/project/bin/a-tool", f"#!/bin/sh\ntouch {world.home}/ran-the-agents\necho {REAL['shell']}\n", 0o755)
    own = world.write("tools-of-mine/a-tool", f"#!/bin/sh\necho {REAL['shell']}\n", 0o755)
    profile = world.with_credentials("  key: {source: command:a-tool, hosts: [api.matrix.test], expose: {env: T}}\n")
    before = world.environment["PATH"]
    world.environment["PATH"] = f"{os.path.dirname(tool)}:{before}"
    done = world.inside("echo started", profile)
    check.check("a program of the project's is not run", done.status == 78 and "started" not in done.out
                and not os.path.exists(os.path.join(world.home, "ran-the-agents")), repr(done))
    world.environment["PATH"] = f"{os.path.dirname(tool)}:{os.path.dirname(own)}:{before}"
    done = world.inside("echo started $T", profile)
    check.check("control: the next of that name in PATH is", "started ghp_" in done.out
                and not os.path.exists(os.path.join(world.home, "ran-the-agents")), repr(done))
    world.environment["PATH"] = before
    os.remove(tool)
    spy = world.write(".secrets/env", f"#!/bin/sh\nenv > {world.home}/seen; ls -l /proc/$$/fd >> {world.home}/seen; pwd >> "
                                      f"{world.home}/seen; echo {REAL['shell']}\n", 0o700)
    profile = world.with_credentials(f'  key: {{source: "command:{spy}", hosts: [api.matrix.test], expose: {{env: T}}}}\n'
                                     "  env: {source: env:REAL_ENV, hosts: [api.matrix.test], expose: {env: T_ENV}}\n")
    done = world.inside("true", profile, env={"GIT_SSH_COMMAND": "evil", "BASH_ENV": "/x", "PYTHONPATH": "/x", "MINE": "yes"})
    with open(os.path.join(world.home, "seen"), encoding="utf-8") as file:
        seen = file.read()
    check.check("a command gets the user's environment without what runs other code, and no credential of another",
                done.status == 0 and "MINE=yes" in seen and "GIT_" not in seen and "BASH_ENV" not in seen
                and "PYTHONPATH" not in seen and REAL["env"] not in seen, seen.replace(REAL["env"], "REAL"))
    check.check("a command has no socket of ours", "socket:" not in seen and "\n/\n" in seen, seen)


def surfaces(check, world):
    world.environment["REAL_KEY"] = REAL["key"]
    world.environment["REAL_BODY"] = REAL["body"]
    profile = world.with_credentials(
        '  key: {source: env:REAL_KEY, hosts: [api.matrix.test, h1.matrix.test], expose: {env: KEY},\n'
        '        replace_in: [header, "header:X-Deploy", "query:key", "cookie:session"]}\n'
        '  body: {source: env:REAL_BODY, hosts: [api.matrix.test, h1.matrix.test], expose: {env: BODY},\n'
        '         replace_in: [{body: token, method: POST, path: /echo}]}\n')
    for host, version in (("h1.matrix.test", "1.1"), ("api.matrix.test", "2")):
        world.forget()
        done = world.inside(f"""
            u=https://{host}/echo; c='curl -sS -o /dev/null -w %{{http_code}}\\n'
            $c -H "X-Deploy: v1 $KEY" $u
            $c "$u?a=1&key=$KEY"
            $c -b "a=1; session=$KEY" $u
            $c -u "me:$KEY" $u
            $c -u "$KEY:x-oauth-basic" $u
            $c -u "$KEY:$KEY" $u
            $c -H "Content-Type: application/json" -d '{{"a":"'$BODY'x","token":"Bearer '$BODY'"}}' $u
            $c -d "a=1&token=$BODY&b=2" $u
            $c -F a=1 -F "token=$BODY" -F "f=@/etc/hostname" $u
            echo end""", profile)
        check.equal(f"HTTP/{version}: every surface is accepted", done.out.split(), ["200"] * 9 + ["end"])
        log = world.site.log
        if len(log) != 9:
            check.fail(f"HTTP/{version}: nine requests arrive", len(log))
            continue
        check.equal(f"HTTP/{version}: it is that version", {request.version for request in log}, {version})
        check.equal(f"HTTP/{version}: a named header", log[0].header("x-deploy"), "v1 " + REAL["key"])
        check.equal(f"HTTP/{version}: a parameter", log[1].target, "/echo?a=1&key=" + REAL["key"])
        check.equal(f"HTTP/{version}: a cookie", log[2].header("cookie"), "a=1; session=" + REAL["key"])
        for at, what, words in ((3, "the password", "me:{0}"), (4, "the user", "{0}:x-oauth-basic"), (5, "both", "{0}:{0}")):
            check.equal(f"HTTP/{version}: Basic, {what}", log[at].header("authorization"),
                        "Basic " + base64.b64encode(words.format(REAL["key"]).encode()).decode())
        document = json.loads(log[6].body)
        check.equal(f"HTTP/{version}: a member of JSON", document["token"], "Bearer " + REAL["body"])
        check.check(f"HTTP/{version}: and no other", REAL["body"] not in document["a"], "the real value in a")
        check.equal(f"HTTP/{version}: a form", log[7].body.decode(), f"a=1&token={REAL['body']}&b=2")
        check.check(f"HTTP/{version}: bodies keep their length", all(
            request.header("content-length") == str(len(request.body)) and not request.header("transfer-encoding")
            for request in log[6:]), [request.headers for request in log[6:]])
        check.equal(f"HTTP/{version}: multipart", log[8].body.count(REAL["body"].encode()), 1)


def messages_of(frames):
    """[(opcode, payload)] of whole messages; control frames may stand between."""
    out, parts, kind = [], [], 0
    for first, payload in frames:
        if first & 0x08:
            continue
        kind = first & 0x0F or kind
        parts.append(payload)
        if first & 0x80:
            out.append((kind, b"".join(parts)))
            parts = []
    return out


def websocket_messages(check, world):
    """Surrogates in text messages: what the origin gets, what comes back, and what ends the connection."""
    base = ("  key: {source: env:REAL_KEY, hosts: [h1.matrix.test], expose: {env: KEY}%s}\n"
            "  other: {source: env:REAL_BODY, hosts: [h1.matrix.test], expose: {env: OTHER}}\n")
    profile = world.with_credentials(base % ", replace_in: [header, websocket]")
    python = f"/usr/bin/python3 {world.tools}/websocket_client.py"
    real = REAL["key"].encode()
    world.forget()
    done = world.inside(f"echo $KEY; {python} h1.matrix.test bad", profile)
    surrogate, _, said = done.out.partition("\n")
    check.equal("WebSocket: the client ends well", done.status, 0)
    said = json.loads(said or "{}")
    got = messages_of(world.site.frames)
    wanted = [(1, json.dumps({"token": REAL["key"]}).encode()), (1, b"first " + real + b" last"), (1, real),
              (1, b"x" * 100_000 + real + b"y" * 100_000), (2, b"\x00\xff" * 1000)]
    check.check("WebSocket: the origin gets the real value in text, however it is cut", got[:5] == wanted,
                [(kind, data[:80]) for kind, data in got])
    check.equal("WebSocket: letter by letter stays letter by letter",
                [first for first, _ in world.site.frames].count(0x00) >= len(real), True)
    check.equal("WebSocket: no compression is offered",
                [dict(fields).get("sec-websocket-extensions") for fields in world.site.upgrades[:1]], [None])
    check.equal("WebSocket: what comes back has the surrogate",
                [said.get(name) for name in ("JSON", "fragments", "letters", "long")],
                [json.dumps({"token": surrogate}), f"first {surrogate} last", surrogate, surrogate])
    check.equal("WebSocket: it closes as asked, without extensions", [said.get("code"), said.get("extensions")], [1000, []])
    check.equal("S2 a surrogate in a binary message is 1008", said.get("in binary"), 1008)
    check.equal("S2 a surrogate of a credential without that surface is 1008", said.get("in another's place"), 1008)
    for what in ("no mask", "packed", "2^63", "an unknown opcode", "a ping in pieces"):
        check.check(f"WebSocket: {what} is 1002", (said.get(what) or "")[:2] == "88" and (said.get(what) or "")[4:] == "03ea",
                    said.get(what))
    check.equal("S2 and nothing of these reaches the origin", len(got), 5)
    events = [(line["event"], line["credential"]) for line in world.audit() if line["event"] in ("inject", "alarm")]
    check.equal("WebSocket: the audit log", events, [("inject", "key"), ("alarm", "key"), ("alarm", "other")])

    world.forget()
    done = world.inside(f"echo $KEY; {python} h1.matrix.test", world.with_credentials(base % ""))
    surrogate = done.out.partition("\n")[0].encode()
    got = messages_of(world.site.frames)
    check.check("WebSocket control: without the surface the origin gets the surrogate", bool(got) and len(surrogate) == 40
                and got[0] == (1, json.dumps({"token": surrogate.decode()}).encode()), got[:1])
    world.forget()
    world.inside(f"{python} old.matrix.test", profile)
    check.check("S2 a WebSocket to another host has no real value in it", bool(world.site.frames)
                and not any(real in payload for _, payload in world.site.frames), world.site.frames[:3])

    world.site.packs = True
    world.forget()
    done = world.inside(f"{python} h1.matrix.test", profile)
    world.site.packs = False
    check.equal("WebSocket: an origin that packs without being asked is refused", json.loads(done.out or "{}"), {"refused": 502})
    check.equal("WebSocket: and gets nothing", world.site.frames, [])


def node_websocket(check, world):
    place = packages.installed_from(os.path.join(HERE, "clients", "packages"), "clients")
    subprocess.run(["cp", "-r", os.path.join(place, "node_modules"), world.tools], check=True)
    world.environment["MATRIX_MODULES"] = os.path.join(world.tools, "node_modules")
    profile = world.with_credentials("  key: {source: env:REAL_KEY, hosts: [h1.matrix.test], expose: {env: KEY}, "
                                     "replace_in: [websocket]}\n")
    world.forget()
    done = world.inside(f"echo $KEY; node {world.tools}/websocket_client.js h1.matrix.test", profile)
    check.equal("ws of npm: it ends well", done.status, 0)
    surrogate, _, said = done.out.partition("\n")

    def all_of(value):
        return [json.dumps({"token": value}, separators=(",", ":")), f"first {value} last",
                *(f"{n} {value}" for n in range(50))]
    check.equal("ws of npm: the origin gets the real value", [data.decode() for kind, data in messages_of(world.site.frames)
                                                              if kind == 1], all_of(REAL["key"]))
    check.equal("ws of npm: it gets the surrogate back", json.loads(said or "{}"),
                {"heard": [*all_of(surrogate), "00ff"], "code": 1000, "extensions": ""})


def misplaced(check, world):
    """S2: the surrogate where it has no business; the origin gets no request at all, and an alarm is written."""
    profile = world.with_credentials("  key: {source: env:REAL_KEY, hosts: [api.matrix.test], expose: {env: KEY}}\n")
    attempts = {
        "another host": '-H "Authorization: Bearer $KEY" https://h1.matrix.test/echo',
        "another host, Basic": '-u "me:$KEY" https://h2.matrix.test/echo',
        "another host, as the user of Basic": '-u "$KEY:x" https://h2.matrix.test/echo',
        "plain HTTP, as the user of Basic": '-u "$KEY:x" http://plain.matrix.test/echo',
        "plain HTTP": '-H "Authorization: Bearer $KEY" http://plain.matrix.test/echo',
        "another header": '-H "X-Note: $KEY" https://api.matrix.test/echo',
        "the query": '"https://api.matrix.test/echo?key=$KEY"',
        "the path": '"https://api.matrix.test/$KEY"',
        "a cookie": '-b "a=$KEY" https://api.matrix.test/echo',
    }
    for what, words in attempts.items():
        world.forget()
        done = world.inside(f"curl -sS -o /dev/null -w '%{{http_code}}' {words}; echo end", profile)
        alarms = [line for line in world.audit() if line.get("event") == "alarm"]
        check.check(f"S2 a surrogate in {what} is refused, and alarmed",
                    done.out == "403end\n" and not world.site.log and len(alarms) == 1, f"{done!r} {alarms}")
    world.forget()
    done = world.inside('curl -sS -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $KEY" '
                        "https://api.matrix.test/echo; echo end", profile)
    check.check("S2 control: where it belongs it is put in", done.out == "200end\n" and len(world.site.log) == 1, repr(done))


def strangers(check, world):
    """S8: the attacker's own key on an allowed host."""
    base = "  key: {source: env:REAL_KEY, hosts: [api.matrix.test], expose: {env: KEY}%s}\n"
    bearer = f'curl -sS -o /dev/null -w "%{{http_code}}" -H "Authorization: Bearer {ATTACKERS}" https://api.matrix.test/echo; echo end'
    world.forget()
    done = world.inside(bearer, world.with_credentials(base % ""))
    check.check("S8 a stranger's key is taken out, and the request goes on",
                done.out == "200end\n" and [r.header("authorization") for r in world.site.log] == [None], repr(done))
    check.check("S8 and that is in the audit log", any(line.get("event") == "rewrite" for line in world.audit()))
    exclusive = world.with_credentials(base % ", exclusive: true")
    for what, script, status in (
            ("a stranger's key", bearer, "403"),
            ("a stranger's key in another field", bearer.replace("Authorization: Bearer ", "X-Api-Key: "), "403"),
            ("no key", 'curl -sS -o /dev/null -w "%{http_code}" https://api.matrix.test/echo; echo end', "401")):
        world.forget()
        done = world.inside(script, exclusive)
        check.check(f"S8 exclusive: {what} reaches no origin", done.out == status + "end\n" and not world.site.log, repr(done))
    for place in ("me:$KEY", "$KEY:x"):
        world.forget()
        done = world.inside(f'curl -sS -o /dev/null -w "%{{http_code}}" -u "{place}" https://api.matrix.test/echo; echo end', exclusive)
        check.check(f"S8 control: its own key does, as {place}", done.out == "200end\n" and len(world.site.log) == 1, repr(done))
    attach = world.with_credentials('  key: {source: env:REAL_KEY, hosts: [api.matrix.test], '
                                    'attach: {header: Authorization, value: "Bearer {}"}}\n')
    world.forget()
    done = world.inside("curl -sS -o /dev/null https://api.matrix.test/echo; env | grep -c ghp_; echo end", attach)
    check.check("attached whatever the client sends, and nothing is inside",
                [r.header("authorization") for r in world.site.log] == ["Bearer " + REAL["key"]] and done.out == "0\nend\n",
                repr(done))


def secrets_in_a_file(check, world):
    path = world.write("secrets", "# where, not what\n\nKEY=env:REAL_KEY@api.matrix.test\n"
                                  "TWO=file:~/.secrets/two@h1.matrix.test\n", 0o600)
    profile = world.profile()
    world.forget()
    done = world.inside('for h in "api.matrix.test $KEY" "h1.matrix.test $TWO"; do set -- $h; '
                        'curl -sS -o /dev/null -H "Authorization: Bearer $2" https://$1/echo; done', profile,
                        flags=["-s", "@" + path])
    check.equal("-s @FILE", [r.header("authorization") for r in world.site.log],
                ["Bearer " + REAL["key"], "Bearer " + REAL["shell"]])
    check.equal("-s @FILE ends well", done.status, 0)
    for what, content, mode, words in (
            ("that others may read", "KEY=env:REAL_KEY@api.matrix.test\n", 0o644, "chmod 600"),
            ("with a value in it", f"KEY={REAL['key']}@api.matrix.test\n", 0o600, "secrets:1"),
            ("with nonsense", "KEY=env:REAL_KEY@api.matrix.test\nwhat\n", 0o600, "secrets:2")):
        world.write("secrets", content, mode)
        done = world.inside("echo started", profile, flags=["-s", "@" + path])
        check.check(f"-s @FILE {what} is refused", done.status in (64, 78) and "started" not in done.out and words in done.err,
                    repr(done))


def nothing_is_said(check, world):
    profile = world.with_credentials(
        "  env: {source: env:REAL_ENV, hosts: [api.matrix.test], expose: {env: T_ENV, file: ~/.netrc}, exclusive: true}\n"
        "  file: {source: file:~/.config/ci/token, hosts: [api.matrix.test], expose: {env: T_FILE}, "
        'replace_in: ["query:key"]}\n')
    for words in (["show", "-u", profile], ["show", "--json", "-u", profile], ["run", "--dry-run", "-u", profile, "true"],
                  ["run", "-vv", "-u", profile, "--", "true"], ["audit"], ["doctor"],
                  ["why", "https://api.matrix.test/", "-u", profile], ["profile", "check", profile], ["-vv", "run", "-u", profile]):
        done = world.outside(*words)
        wanted = 64 if words[0] == "-vv" else 0  # an option in the wrong place
        check.check(f"`{' '.join(words).replace(profile, 'PROFILE')}` says something, and ends with {wanted}",
                    done.status == wanted and (done.out + done.err).strip(), repr(done))
    done = world.outside("show", "-u", profile)
    check.check("show says where from and where to", "file:~/.config/ci/token to [api.matrix.test] as [T_FILE] in [query:key]"
                in done.out.replace(world.home, "~"), done.out)
    world.is_silent(check)


def main():
    check = support.Suite("credentials")
    with World() as world:
        world.web()
        world.repositories()
        world.packages()
        for part in (every_source, refused_sources, commands, surfaces, websocket_messages, node_websocket, misplaced,
                     strangers, secrets_in_a_file, nothing_is_said):
            with check.guarded(part.__name__):
                part(check, world)
    check.finish()


if __name__ == "__main__":
    main()
