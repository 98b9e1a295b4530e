"""HTTP/1.1 as an origin speaks it, written out by hand so that tests know every byte.

Lengths, chunked bodies with trailers, 100-continue, 103, HEAD, keep-alive, and a WebSocket echo on /socket.
"""

import base64
import hashlib
import struct

from . import site as pages

REASONS = {100: "Continue", 101: "Switching Protocols", 103: "Early Hints", 200: "OK", 204: "No Content",
           302: "Found", 304: "Not Modified", 401: "Unauthorized", 404: "Not Found"}
WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Reader:
    """Bytes of a connection, by line or by count. EOFError when it ends in the middle."""

    def __init__(self, connection):
        self.connection = connection
        self.data = b""

    def more(self):
        piece = self.connection.recv(65536)
        if not piece:
            raise EOFError
        self.data += piece

    def line(self):
        while b"\r\n" not in self.data:
            self.more()
        line, _, self.data = self.data.partition(b"\r\n")
        return line.decode("latin-1")

    def exactly(self, count):
        pieces, missing = [self.data], count - len(self.data)
        while missing > 0:
            piece = self.connection.recv(min(missing, 1 << 20) if missing > 65536 else 65536)
            if not piece:
                raise EOFError
            pieces.append(piece)
            missing -= len(piece)
        data = b"".join(pieces)
        piece, self.data = data[:count], data[count:]
        return piece

    def fields(self):
        found = []
        while line := self.line():
            name, _, value = line.partition(":")
            found.append((name.lower(), value.strip()))
        return found

    def chunked(self):
        body = []
        while size := int(self.line().split(";")[0], 16):
            body.append(self.exactly(size))
            self.line()
        return b"".join(body), self.fields()


def serve(connection, site):
    reader = Reader(connection)
    while True:
        try:
            line = reader.line()
        except EOFError:
            return
        method, target, _ = line.split(" ", 2)
        fields = reader.fields()
        find = dict(fields).get
        if find("upgrade", "").lower() == "websocket":
            if hasattr(site, "websocket"):
                return site.websocket(connection, fields)
            return echo_websocket(connection, reader, fields, site)
        if find("expect", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body, trailers = b"", []
        if find("transfer-encoding", "").lower() == "chunked":
            body, trailers = reader.chunked()
        elif "content-length" in dict(fields):
            body = reader.exactly(int(find("content-length")))
        headers = [(n, v) for n, v in fields if n != "host"]
        request = pages.Request("1.1", method, target, headers, body, trailers, find("host"))
        answer(connection, request, site(request))
        if find("connection", "").lower() == "close":
            return


def answer(connection, request, response):
    early = dict(response.headers).get("x-early")
    if early:
        connection.sendall(f"HTTP/1.1 103 Early Hints\r\nlink: {pages.link(early)}\r\n\r\n".encode())
    lines = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    bodyless = request.method == "HEAD" or response.status in (204, 304)
    streamed = not isinstance(response.body, bytes)
    if response.length is not None:
        lines.append(f"content-length: {response.length}")
    elif streamed:
        lines.append("transfer-encoding: chunked")
    elif response.status not in (204, 304):
        lines.append(f"content-length: {len(response.body)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if bodyless:
        connection.sendall(head)
    elif not streamed:
        connection.sendall(head + response.body)
    else:
        connection.sendall(head)
        for piece in response.body:
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        trailers = "".join(f"{n}: {v}\r\n" for n, v in response.trailers)
        connection.sendall(b"0\r\n" + trailers.encode() + b"\r\n")


def echo_websocket(connection, reader, fields, site):
    """Accepts no extension; sends back every text and binary message, answers pings, and closes as told. What came is
    in `site.upgrades` and, as (opcode with FIN, payload), in `site.frames`. Packs regardless where `site.packs`."""
    find = dict(fields).get
    site.upgrades.append(fields)
    accept = base64.b64encode(hashlib.sha1(find("sec-websocket-key").encode() + WEBSOCKET).digest())
    packed = b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if site.packs else b""
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       b"Sec-WebSocket-Accept: " + accept + b"\r\n" + packed + b"\r\n")
    while True:
        first, second = reader.exactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", reader.exactly(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", reader.exactly(8))
        mask = reader.exactly(4)
        data = reader.exactly(length)
        plain = unmask(data, mask)
        site.frames.append((first, plain))
        kind = first & 0x0F
        connection.sendall(frame(first & 0x80 | (0xA if kind == 9 else kind), plain))
        if kind == 8:
            return


def unmask(data, mask):
    whole = int.from_bytes(data, "big") ^ int.from_bytes(
        (mask * (len(data) // 4 + 1))[:len(data)], "big")
    return whole.to_bytes(len(data), "big")


def frame(first, data):
    size = len(data)
    if size < 126:
        head = bytes([first, size])
    elif size < 65536:
        head = bytes([first, 126]) + struct.pack(">H", size)
    else:
        head = bytes([first, 127]) + struct.pack(">Q", size)
    return head + data
