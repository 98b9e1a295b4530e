"""What the HTTP origins serve, the same over HTTP/1.1 and HTTP/2.

/echo reports exactly what arrived, but for what belongs to one hop alone. The other paths are one peculiarity of HTTP
each. A site is a function from Request to Response; `routes` adds folders with sites of their own.
"""

import gzip
import hashlib
import json
import urllib.parse

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade",
              "http2-settings"}


class Request:
    def __init__(self, version, method, target, headers, body=b"", trailers=(), authority=None):
        self.version = version  # "1.1", "2"
        self.method = method
        self.target = target
        self.headers = headers  # (lower-case name, value) in their order, Host or :authority left out
        self.body = body
        self.trailers = list(trailers)
        self.authority = authority
        parts = urllib.parse.urlsplit(target)
        self.path = parts.path
        self.query = dict(urllib.parse.parse_qsl(parts.query))

    def header(self, name):
        return next((v for n, v in self.headers if n == name), None)


class Response:
    """`body` is bytes (sent with a length) or an iterator of bytes (streamed, each piece at once)."""

    def __init__(self, status=200, headers=(), body=b"", trailers=(), length=None):
        self.status = status
        self.headers = list(headers)
        self.body = body
        self.trailers = list(trailers)
        self.length = length  # for answers to HEAD


def text(status, words):
    return Response(status, [("content-type", "text/plain")], words.encode())


def pattern(size):
    """Bytes that tell where they belong, in pieces: a lost or doubled piece changes the hash."""
    block = b"".join(b"%07d\n" % n for n in range(8192))  # 64 KiB
    while size > 0:
        yield block[:size]
        size -= min(size, len(block))


def digest_of(pieces):
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def link(early):
    """The hint of an answer with x-early: its own, or any."""
    return early if early.startswith("<") else "</style.css>; rel=preload"


def echo(request):
    headers = [[n, v] for n, v in request.headers if n not in HOP_BY_HOP]
    body = json.dumps({
        "version": request.version,
        "method": request.method,
        "authority": request.authority,
        "target": request.target,
        "headers": sorted(headers),
        "chunked": request.header("transfer-encoding") == "chunked",
        "body": hashlib.sha256(request.body).hexdigest(),
        "bytes": len(request.body),
        "trailers": request.trailers,
    }).encode()
    return Response(200, [("content-type", "application/json"), ("x-origin", "echo")], body)


def events(count):
    for n in range(count):
        yield f"id: {n}\ndata: event {n}\n\n".encode()


PLAIN_WORDS = b"the same words again and again; " * 64


class Site:
    """Callable. `log` has every request that arrived, for asking what did not; WebSockets are in `upgrades`, `frames`
    and `packs` (http1.echo_websocket)."""

    def __init__(self):
        self.routes = {}  # "/git/" -> function of Request
        self.log = []
        self.upgrades = []  # of WebSockets, the fields
        self.frames = []
        self.packs = False

    def __call__(self, request):
        self.log.append(request)
        for prefix, route in self.routes.items():
            if request.path.startswith(prefix):
                return route(request)
        return self.page(request)

    def page(self, request):
        path, query = request.path, request.query
        if path == "/echo":
            return echo(request)
        if path == "/events":
            return Response(200, [("content-type", "text/event-stream"),
                                  ("cache-control", "no-store")], events(int(query.get("n", 5))))
        if path == "/chunked":
            return Response(200, [("content-type", "text/plain")],
                            iter([b"first ", b"second ", b"third\n"]))
        if path == "/trailers":
            return Response(200, [("content-type", "text/plain"), ("trailer", "x-checksum")],
                            iter([b"with ", b"trailers\n"]), [("x-checksum", "abc123")])
        if path == "/gzip":
            return Response(200, [("content-type", "text/plain"), ("content-encoding", "gzip")],
                            gzip.compress(PLAIN_WORDS, mtime=0))
        if path == "/big":
            size = int(query["bytes"])
            if request.method == "HEAD":
                return Response(200, [("content-type", "application/octet-stream")], length=size)
            return Response(200, [("content-type", "application/octet-stream")], pattern(size))
        if path == "/redirect":
            return Response(302, [("location", "/echo?redirected=1")])
        if path == "/cookies":
            return Response(200, [("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2; Path=/")], b"two\n")
        if path == "/hints":
            return Response(200, [("x-early", "103")], b"after the hints\n")
        if path.startswith("/status/"):
            return Response(int(path.rsplit("/", 1)[1]), [("x-status", "as asked")])
        return text(404, "there is no such page\n")
