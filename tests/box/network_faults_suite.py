#!/usr/bin/python3
"""Origins, name servers and clients that fail, and disks that are full: what does not happen, and what a person sees.

Every fault of an origin (support/origins/faulty.py) is met by curl, with the box's proxy variables and with none. What was
cut never looks whole, what was never there is a 502 or 504 whose words say what is wrong, and both are in the log.

usage: network_faults_suite.py [PART...]
"""

import json
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), HERE]

import certificates  # noqa: E402
import suite as support  # noqa: E402
from origins import faulty, origin, site  # noqa: E402
from origins.matrix import Matrix  # noqa: E402
from origins.name_server import NameServer  # noqa: E402

WAYS = {"variables set": [], "variables unset": ["--noproxy", "*"]}
CUT = {18, 56, 92}  # curl: a part of the file, failure in receiving, an HTTP/2 stream's error
GONE = {28}
SECONDS = 3  # that a client waits for what stalls

# Fault -> what curl's status may be (a set), or the HTTP status and the words that are in the body.
ENDS = {
    "dies in its body": CUT, "ends its body early": CUT, "resets in its body": CUT, "dies between chunks": CUT,
    "dies where its end would be the body's": CUT, "sends a chunk that is none": CUT,
    "stalls in its body": GONE, "stalls before its head": GONE, "stalls in its head": GONE, "sends without end": GONE,
    "h2 dies in its body": CUT, "h2 resets the stream in its body": CUT, "h2 ends its body early": CUT,
    "sends more than it promised": {0},
}
WORDS = {}


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
        path = os.path.join(self.tools, "plan.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(plan, file)
        done = self.boxed(["/usr/bin/python3", os.path.join(self.tools, "ask.py"), path], profile=profile,
                          env={"REDOUBTFUL_RESOLVER": self.names.address}, **options)
        try:
            return json.loads(done.out), done
        except ValueError:
            raise RuntimeError(f"the attempts ended early: {done!r}") from None


def origins(check, world):
    handlers = world.serve()
    plan = {}
    for fault in handlers:
        for way, more in WAYS.items():
            patience = ["--max-time", str(SECONDS)] if ENDS.get(fault) == GONE else []
            path = "/echo" if "control" in fault else "/"
            plan[f"{fault}|{way}"] = [*more, *patience, f"https://{world.host(fault)}{path}"]
    found, done = world.ask(plan, world.profile())
    for key, one in found.items():
        fault, way = key.split("|")
        print(fault, way, {k: (v[:300] if isinstance(v, str) else v) for k, v in one.items()})
    print(done.err)
    print(done.status)
    for line in world.audit():
        if line["event"] not in ("dns", "connect"): print(line)
    print(world.ended.at)


PARTS = {"origins": origins}


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
