"""Names, origins and a name server for attempts made inside the box by attempts/wire.py."""

import json
import os
import re

from origins import origin, site
from origins.matrix import Matrix
from origins.name_server import NameServer

# Way -> what plays it: an action of wire.py and its `way`.
FOUR_WAYS = {"transparent TLS": ("http1", "tls"), "transparent HTTP": ("http1", "plain"),
             "CONNECT": ("http1", "connect"), "absolute-form": ("http1", "forward"),
             "transparent h2": ("http2", "tls"), "CONNECT h2": ("http2", "connect")}


class World(Matrix):
    """Origins a, b, and more of *.names.test; each has a site, and so a log, of its own."""

    def __init__(self):
        super().__init__("attempts")
        self.leaf = self.authority.leaf("*.names.test", "names.test", "*.wild.names.test")
        self.sites = {}
        self.names = NameServer()
        self.ending.append(self.names)

    def serve(self, *names):
        context = origin.tls_context(self.leaf, ["h2", "http/1.1"])
        for name in names:
            page = self.sites[name] = site.Site()
            self.add(name, 443, origin.either_handler(context, page))

    def attempts(self, plan, profile):
        path = os.path.join(self.tools, "plan.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(plan, file)
        done = self.boxed(["/usr/bin/python3", os.path.join(self.tools, "wire.py"), path], profile=profile,
                          env={"REDOUBTFUL_RESOLVER": self.names.address})
        try:
            return json.loads(done.out)
        except ValueError:
            raise RuntimeError(f"the attempts ended early: {done!r}") from None

    def targets(self, name):
        return [one.target for one in self.sites[name].log]


def request(host, path, method="GET", more="", target=None):
    return f"{method} {target or path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n{more}\r\n"


def ask(way, host, path, method="GET"):
    """One well-formed request by one of the four ways."""
    do, carried = FOUR_WAYS[way]
    if do == "http2":
        fields = [(":method", method), (":scheme", "https"), (":authority", host), (":path", path),
                  ("accept", "application/json")]
        return {"do": do, "way": carried, "host": host, "requests": [fields]}
    target = f"http://{host}{path}" if carried == "forward" else path
    return {"do": do, "way": carried, "host": host, "raw": [request(host, path, method, target=target)]}


def alike(text):
    """A text without what must differ between TLS and plain HTTP: scheme, port, and the rule for that scheme."""
    return re.sub(r":80\b|:443\b", "", re.sub(r"https?://", "", text or ""))
