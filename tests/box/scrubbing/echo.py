"""Origins that give back the credential they were shown, on every surface of an answer.

`answer` is what a surface shows of a value: the origin calls it with what it was shown, the suite with what the box
must see.
"""

import base64
import gzip
import hashlib
import threading
import time
import zlib

from spellings import lines, spellings

from origins import http1, site

REDIRECTS = [f"redirect-{n}" for n in range(len(spellings("any")))]  # one spelling each
SURFACES = ("header", "trailer", "body", "bytes", "gzip", "deflate", "error", *REDIRECTS, "cookie", "hints", "part")
EVENTS = 100


def event(n, value):
    """The text of the one of this number: one spelling after the other."""
    texts = list(spellings(value).values())
    return texts[n % len(texts)]


def each(prefix, value):
    return [(f"{prefix}-{n}", text) for n, text in enumerate(spellings(value).values())]


def answer(surface, value):
    text = [("content-type", "text/plain")]
    body = lines(value)
    if surface == "header":
        return site.Response(200, text + each("x-echo", value), b"in the head\n")
    if surface == "trailer":
        return site.Response(200, text, iter([b"in the ", b"trailers\n"]), each("x-echo", value))
    if surface == "body":
        return site.Response(200, text, body)
    if surface == "bytes":
        return site.Response(200, text, (body[n:n + 1] for n in range(len(body))))
    if surface == "gzip":
        return site.Response(200, text + [("content-encoding", "gzip")], gzip.compress(body, mtime=0))
    if surface == "deflate":
        return site.Response(200, text + [("content-encoding", "deflate")], zlib.compress(body))
    if surface == "error":
        return site.Response(500, text + each("x-echo", value), body)
    if surface in REDIRECTS:
        spelling = list(spellings(value).values())[REDIRECTS.index(surface)]
        return site.Response(302, [("location", "https://elsewhere.test/?key=" + spelling)], body)
    if surface == "cookie":
        return site.Response(200, text + [("set-cookie", f"k{n}={t}; Path=/") for n, t in
                                          enumerate((value, spellings(value)["URL"]))], b"cookies\n")
    if surface == "hints":
        return site.Response(200, text + [("x-early", f"</{spellings(value)['URL']}>; rel=preload")], b"hints\n")
    if surface == "part":
        return site.Response(206, text + [("content-range", "bytes 7-99/100")], body)
    raise ValueError(surface)


def message(value):
    """What is sent over a WebSocket: whole messages, one in a frame a byte with pings in it, and a close."""
    body = lines(value)
    key = value.encode()
    out = http1.frame(0x81, body) + http1.frame(0x82, b"\x00\xff" + key + b"\xfe" * 70000 + key)
    for n in range(len(key)):
        out += http1.frame(0x01 if n == 0 else 0x00, key[n:n + 1]) + http1.frame(0x89, b"ping %d" % n)
    out += http1.frame(0x80, b" end") + http1.frame(0x89, key)
    return out + http1.frame(0x88, b"\x03\xe8" + key)


class Echo(site.Site):
    """Shows what `Authorization: Bearer` brought, which must be `real`; without `checked`, shows `real` anyhow."""

    def __init__(self, real, checked=True):
        super().__init__()
        self.real = real
        self.checked = checked
        self.wrong = []  # credentials that were not the real one
        self.seen = [threading.Event() for _ in range(EVENTS + 1)]

    def shown(self, headers):
        brought = dict(headers).get("authorization", "")
        if self.checked and brought != "Bearer " + self.real:
            self.wrong.append(brought)
            return None
        return self.real

    def page(self, request):
        _, surface, *rest = request.path.split("/")
        if surface == "ack":
            self.seen[int(rest[0])].set()
            return site.text(200, "go on\n")
        value = self.shown(request.headers)
        if value is None:
            return site.text(401, "this is not the key\n")
        if surface == "events":
            return site.Response(200, [("content-type", "text/event-stream")], self.events(value))
        if surface == "br":
            return site.Response(200, [("content-encoding", "br")], value.encode())
        return answer(surface, value)

    def events(self, value):
        """Each is sent when the one before it has arrived: held back, none would follow."""
        for one in self.seen:
            one.clear()
        for n in range(EVENTS):
            yield f"data: {n} {time.monotonic_ns()} {event(n, value)}\n\n".encode()
            if not self.seen[n].wait(10):
                yield b"data: nobody saw the last one\n\n"
                return

    def websocket(self, connection, fields):
        value = self.shown(fields)
        key = dict(fields)["sec-websocket-key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + http1.WEBSOCKET).digest())
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           b"X-Offered: " + dict(fields).get("sec-websocket-extensions", "nothing").encode() +
                           b"\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        stream = message(value or "nothing")
        # Cut without regard to frames.
        for at in range(0, len(stream), 997):
            connection.sendall(stream[at:at + 997])
        connection.recv(1)  # until the client has read all and closes
