#!/usr/bin/python3
"""Real programs through the only way out, each with the box's proxy variables and with none; those that look for roots where
the system has them also with no variable that names ours.

What a client prints in the box must be what it prints with a direct way to the same origins
(support/origins/direct.py), which is the control: sections that must hold something hold it there. Programs that
know no proxy are captured all the same.

usage: clients_suite.py [--direct] [GROUP...]     --direct: only the control, no box
"""

import difflib
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "agents")]

import packages  # noqa: E402
import suite as support  # noqa: E402
from origins.matrix import Matrix  # noqa: E402

WAYS = ("set", "unset", "bare")


class Group:
    """One client program. `shows`: section -> what it must hold, so that two equal failures are no pass. `bare`: what the
    sections begin with that are tried without our variables; "" is all, None is none."""

    def __init__(self, name, command, shows, prepare=None, bare=None):
        self.name = name
        self.bare = bare
        self.prepare = prepare  # function of the world, outside, once
        self.command = command  # function of (world, way) -> argv
        self.shows = shows


def script(name):
    return lambda world, way: ["bash", os.path.join(world.tools, name), way]


def fetch_modules(world):
    place = packages.installed_from(os.path.join(HERE, "clients", "packages"), "clients")
    world.environment["MATRIX_MODULES"] = os.path.join(world.tools, "node_modules")
    subprocess.run(["cp", "-r", os.path.join(place, "node_modules"), world.tools], check=True)


def build_go(world):
    """Outside, for what is to be tried is the program, not the compiler; the cache is kept between runs."""
    cache = os.path.join(packages.caches()[0], "go")
    done = support.finish(["go", "build", "-o", "go_client", "client.go"], cwd=world.tools, timeout=300,
                          env={**world.environment, "GOCACHE": cache, "GOFLAGS": "-mod=mod", "GO111MODULE": "off"})
    if done.status != 0:
        raise RuntimeError(f"go build: {done!r}")


GROUPS = [
    Group("curl", script("curl.sh"), {
        "curl GET h1": '"version": "1.1"', "curl GET h2": '"version": "2"', "curl GET api": '"version": "2"',
        "curl PUT with 100-continue h1": '"bytes": 3000000', "curl trailers h1": "x-checksum: abc123",
        "curl trailers h2": "x-checksum: abc123", "curl keep-alive h1": "1", "curl events api": "event 3",
        "curl plain http GET": '"version": "1.1"', "wget POST": '"method": "POST"', "end": ""}, bare=""),
    Group("git", script("git.sh"), {
        **{f"git clone {name}": "commit 1" for name in ("git", "h1", "h2", "ssh")}, "git push h1": "", "git push h2": "",
        "end": ""}, bare=""),
    Group("packages", script("packages.sh"), {
        **{f"npm install {name}": "42" for name in ("npm", "h1", "h2")}, "pip install pypi": "42", "pip install api": "42",
        "psql": "42", "psql large": "", "end": ""}),
    Group("python", lambda world, way: ["/usr/bin/python3", os.path.join(world.tools, "python_client.py"), way], {
        "urllib GET": '"version": "1.1"', "requests events api": "event 5", "httpx GET http2 h2": '"version": "2"',
        "aiohttp WebSocket": "hello", "websockets 'text'": "True", "grpc unary": "x-two=2", "grpc bidirectional": "word 4",
        "grpc error": "refused on purpose", "end": ""}, bare="urllib"),
    Group("node", lambda world, way: ["node", os.path.join(world.tools, "node_client.js")], {
        "fetch events h1": "event 2", "https trailers api": "abc123", "http2 stream 2 h2": "abc123",
        "undici POST api": '"bytes": 100000', "ws": "pong p", "end": ""}, fetch_modules),
    Group("java", lambda world, way: ["java", os.path.join(world.tools, "Client.java")], {
        "Java GET HTTP_2 h2": '"version": "2"', "Java WebSocket": "from java", "end": ""}, bare=""),
    Group("go", lambda world, way: [os.path.join(world.tools, "go_client")], {
        "Go GET h2": "HTTP/2.0 200", "Go trailers h1": "abc123", "Go POST with trailers h2": "the body", "end": ""}, build_go, ""),
]


def sections(text):
    parts = re.split(r"^== (.*)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def control(check, world, group):
    """The sections as a direct way gives them, or None when they are not what they must be."""
    done = world.directly(group.command(world, "direct"))
    found = sections(done.out)
    for name, words in group.shows.items():
        if name not in found or words not in found[name] or (not words and name != "end" and not found[name].strip()):
            check.fail(f"control: {name} shows {words!r}", repr(done))
            return None
    for name, words in found.items():
        if name != "end" and not words.strip():
            check.fail(f"control: {name} prints something", repr(done))
            return None
    return found


def difference(wanted, found):
    """Direct's lines with -, the box's with +."""
    return "\n".join(line for line in difflib.ndiff(wanted.split("\n"), found.split("\n")) if line[0] in "-+")


def compare(check, world, group, ways):
    if group.prepare:
        group.prepare(world)
    wanted = control(check, world, group)
    if wanted is None:
        return
    check.ok(f"{group.name}: {len(wanted)} controls with a direct way")
    for way in ways:
        if way == "bare" and group.bare is None:
            continue
        done = world.boxed(group.command(world, way), proxy=way)
        found = sections(done.out)
        for name, words in wanted.items():
            if way == "bare" and name != "end" and not name.startswith(group.bare):
                continue
            label = f"{name}, variables {way}"
            if name not in found:
                check.fail(label, f"was not reached: {done!r}")
                break
            check.check(label, found[name] == words,
                        f"{difference(words, found[name])!r}, stderr {done.err[-600:]!r}")


def variables(check, world):
    """That each way has what it is called after."""
    for way, has in (("set", (True, True)), ("unset", (False, True)), ("bare", (False, False))):
        out = world.boxed(["env"], proxy=way).out.lower()
        check.equal(f"variables {way}: are there those of the proxy, those that name our certificates",
                    ("_proxy=" in out, "/etc/redoubtful/" in out), has)


def main():
    words = sys.argv[1:]
    ways = () if "--direct" in words else WAYS
    wanted = [w for w in words if w != "--direct"]
    check = support.Suite("clients")
    with Matrix() as world:
        world.web()
        world.repositories()
        world.packages()
        world.others()
        if ways:
            with check.guarded("variables"):
                variables(check, world)
        for group in GROUPS:
            if not wanted or group.name in wanted:
                with check.guarded(group.name):
                    compare(check, world, group, ways)
    check.finish()


if __name__ == "__main__":
    main()
