"""Everyone else who uses the proxy of this box while abuse.py is at work, and the listeners that there are.

Not run by itself: reads HOST and WEB_PORT from the arguments of the program that imports it.
"""

import os
import socket
import ssl
import struct
import sys
import time

HOST, WEB_PORT = sys.argv[1], int(sys.argv[2])
PROXY, NAMES = ("127.0.0.1", 3128), ("127.0.0.1", 53)
PATIENCE = 20
GET = f"GET /echo HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
CONNECT = f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode()
CONTEXT = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])


def hello_bytes():
    """A real ClientHello for HOST."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = CONTEXT.wrap_bio(incoming, outgoing, server_hostname=HOST)
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def query(name, kind=1):
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question + struct.pack(">HH", kind, 1)


def addresses(family):
    return socket.getaddrinfo(HOST, 443, family, socket.SOCK_STREAM)[0][4][0]


def listeners():
    found = {"explicit": PROXY, "DNS over TCP": NAMES}
    families = {"4": socket.AF_INET, "6": socket.AF_INET6}
    for version, family in families.items():
        for port in (443, 80, WEB_PORT):
            found[f"{port if port != WEB_PORT else 'own port'} by IPv{version}"] = (addresses(family), port)
    return found


# Others.

def read_answer(stream):
    """One HTTP/1.1 answer with a length. Its status; OSError or EOFError."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = stream.recv(65536)
        if not piece:
            raise EOFError
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += stream.recv(65536)
    return int(head.split(b" ")[1])


def secured(stream):
    return CONTEXT.wrap_socket(stream, server_hostname=HOST)


def by_tls():
    with secured(socket.create_connection((HOST, 443), PATIENCE)) as stream:
        stream.sendall(GET)
        return read_answer(stream)


def by_http():
    with socket.create_connection((HOST, 80), PATIENCE) as stream:
        stream.sendall(GET)
        return read_answer(stream)


def by_connect():
    with socket.create_connection(PROXY, PATIENCE) as stream:
        stream.sendall(CONNECT)
        head = b""
        while b"\r\n\r\n" not in head:
            head += stream.recv(1) or b"\r\n\r\n"
        with secured(stream) as inner:
            inner.sendall(GET)
            return read_answer(inner)


def by_own_port():
    with secured(socket.create_connection((HOST, WEB_PORT), PATIENCE)) as stream:
        stream.sendall(GET.replace(HOST.encode(), f"{HOST}:{WEB_PORT}".encode()))
        return read_answer(stream)


def by_udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        stream.settimeout(PATIENCE)
        stream.connect(NAMES)
        stream.send(query(HOST))
        return 200 if stream.recv(4096)[6:8] == b"\0\1" else 0


def by_dns_over_tcp():
    with socket.create_connection(NAMES, PATIENCE) as stream:
        stream.sendall(struct.pack(">H", len(query(HOST))) + query(HOST))
        return 200 if len(stream.recv(4096)) > 12 else 0


WAYS = {"TLS": by_tls, "HTTP": by_http, "CONNECT": by_connect, "own port": by_own_port, "DNS": by_udp,
        "DNS over TCP": by_dns_over_tcp}


def others_are_served():
    """Way -> status, or what went wrong; and the longest that one took."""
    found, longest = {}, 0.0
    for way, ask in WAYS.items():
        begun = time.monotonic()
        try:
            found[way] = ask()
        except (OSError, EOFError, StopIteration) as error:
            found[way] = f"{type(error).__name__}: {error}"
        longest = max(longest, time.monotonic() - begun)
    return {"statuses": found, "seconds": round(longest, 2)}


class Steady:
    """A connection that was there before all of it, and is used again and again."""

    def __init__(self):
        self.stream = secured(socket.create_connection((HOST, 443), PATIENCE))

    def ask(self):
        try:
            self.stream.sendall(GET)
            return read_answer(self.stream)
        except (OSError, EOFError, StopIteration) as error:
            return f"{type(error).__name__}: {error}"
