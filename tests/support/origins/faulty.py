"""Origins that fail, each in one way: in the handshake, in their head, in their body.

FAULTS: name -> function of (a socket, the world's certificates) that plays it; it owns the socket. Faults of bodies come
after a whole request was read, on a connection that is proper so far.
"""

import socket
import ssl
import struct
import time

import h2.config
import h2.connection
import h2.events

from . import http1, http2

PATIENCE = 30
ALERT = bytes.fromhex("15030300020228")  # fatal, handshake_failure


class Ended:
    """How long an origin had to wait until it saw that nobody wants its answer any more: seconds, by fault."""

    def __init__(self):
        self.after = {}

    def note(self, name, begun):
        self.after.setdefault(name, []).append(time.monotonic() - begun)


def cut(connection):
    """RST, at once."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def until_gone(connection):
    """Until the peer has ended it, whatever it says until then."""
    connection.settimeout(PATIENCE)
    try:
        while connection.recv(65536):
            pass
    except OSError:
        pass


def after_request(context, act):
    """TLS, a whole HTTP/1.1 head, then `act` with the secured connection and the bare one."""

    def handle(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            reader = http1.Reader(secure)
            while reader.line():
                pass
            act(secure)

    return handle


def says(*pieces, end=cut):
    def act(secure):
        for piece in pieces:
            secure.sendall(piece if isinstance(piece, bytes) else piece.encode())
        end(secure)

    return act


def properly(secure):
    try:
        secure.unwrap().close()
    except (OSError, ValueError):
        pass


def without_close_notify(secure):
    secure.shutdown(socket.SHUT_WR)
    until_gone(secure)


def head(*fields):
    return "HTTP/1.1 200 OK\r\n" + "".join(f"{one}\r\n" for one in fields) + "\r\n"


def stalls(ended, name, *pieces):
    def act(secure):
        begun = time.monotonic()
        says(*pieces, end=until_gone)(secure)
        ended.note(name, begun)

    return act


def http1_faults(context, ended):
    ten = head("Content-Length: 10")
    chunked = head("Transfer-Encoding: chunked")
    acts = {
        "dies in its body": says(ten, "abc", end=without_close_notify),
        "ends its body early": says(ten, "abc", end=properly),
        "resets in its body": says(ten, "abc"),
        "dies between chunks": says(chunked, "3\r\nabc\r\n", end=properly),
        "dies where its end would be the body's": says(head(), "abc", end=without_close_notify),
        "sends more than it promised": says(head("Content-Length: 3"), "abcHTTP/1.1 200 OK\r\n\r\n", end=until_gone),
        "says nothing and ends": says(end=properly),
        "resets without an answer": says(),
        "promises two lengths": says(head("Content-Length: 3", "Content-Length: 4"), "abc", end=until_gone),
        "promises no number": says(head("Content-Length: three"), "abc", end=until_gone),
        "promises a length and chunks": says(head("Content-Length: 3", "Transfer-Encoding: chunked"), "3\r\nabc\r\n0\r\n\r\n",
                                             end=until_gone),
        "sends a chunk that is none": says(chunked + "xyz\r\n", end=until_gone),
        "is silent after half a head": says("HTTP/1.1 200 OK\r\nX: y", end=until_gone),
        "speaks no HTTP": says("SSH-2.0-OpenSSH_9.2\r\n", end=until_gone),
        "has a head of 1 MB": says(head(*(f"X-{n}: {'x' * 1000}" for n in range(1000))), end=until_gone),
        "has a field of 1 MB": says(head("X: " + "x" * 1_000_000), end=until_gone),
        "has 10,000 fields": says(head(*(f"X-{n}: y" for n in range(10_000))), end=until_gone),
        "stalls in its body": stalls(ended, "stalls in its body", ten, "abc"),
        "stalls before its head": stalls(ended, "stalls before its head"),
        "stalls in its head": stalls(ended, "stalls in its head", "HTTP/1.1 200 OK\r\nX: y"),
        "sends without end": endless(ended, "sends without end"),
        "takes an upload": takes_upload(ended, "takes an upload"),
    }
    return {name: after_request(context, act) for name, act in acts.items()}


def endless(ended, name):
    def act(secure):
        begun = time.monotonic()
        secure.sendall(head("Transfer-Encoding: chunked").encode())
        try:
            while True:
                secure.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except OSError:
            ended.note(name, begun)

    return act


def takes_upload(ended, name):
    """Reads a body of whatever length, slowly; notes how it ended: True, whole."""

    def act(secure):
        begun = time.monotonic()
        until_gone(secure)
        ended.note(name, begun)

    return act


class Faulty2(http2.Connection):
    """HTTP/2 that does `act` with the protocol and the socket once a request came, in place of an answer."""

    act = None

    def answer(self, number):
        self.act(number)


def http2_faults(context):
    def handler(act):
        def handle(connection):
            with context.wrap_socket(connection, server_side=True) as secure:
                one = Faulty2(secure, None)
                one.act = lambda number: act(one, secure, number)
                try:
                    one.serve()
                except (h2.exceptions.ProtocolError, KeyError):
                    until_gone(secure)
        return handle

    def begin(one, number):
        one.protocol.send_headers(number, [(":status", "200"), ("content-length", "10")])
        one.protocol.send_data(number, b"abc")
        one.flush()

    def dies(one, secure, number):
        begin(one, number)
        cut(secure)

    def resets(one, _, number):
        begin(one, number)
        one.protocol.reset_stream(number, 2)

    def short(one, _, number):
        begin(one, number)
        frame = b"\0\0\0\0\1" + struct.pack(">I", number)  # an empty DATA with END_STREAM: h2 itself would not send it
        one.connection.sendall(frame)

    def refuses(one, _, number):
        one.protocol.reset_stream(number, 7)

    def leaves(one, secure, _):
        one.protocol.close_connection()
        one.flush()
        properly(secure)

    def large(one, _, number):
        one.protocol.send_headers(number, [(":status", "200"), *((f"x-{n}", "y" * 1000) for n in range(1000))])

    def garbage(one, secure, _):
        secure.sendall(b"\xff" * 4096)
        until_gone(secure)

    acts = {"h2 dies in its body": dies, "h2 resets the stream in its body": resets, "h2 ends its body early": short,
            "h2 refuses the stream": refuses, "h2 leaves without an answer": leaves, "h2 has a head of 1 MB": large,
            "h2 sends no frames": garbage}
    return {name: handler(act) for name, act in acts.items()}


def handshake_faults():
    def alert(connection):
        connection.recv(65536)
        connection.sendall(ALERT)
        until_gone(connection)

    def closes(connection):
        connection.recv(65536)
        connection.close()

    def resets(connection):
        connection.recv(65536)
        cut(connection)

    def plain(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        until_gone(connection)

    def noise(connection):
        connection.recv(65536)
        connection.sendall(b"\x16\x03\x03\x00\x40" + b"\xa5" * 64)
        until_gone(connection)

    return {"speaks no TLS": plain, "closes in the handshake": closes, "resets in the handshake": resets,
            "answers with an alert": alert, "sends noise in the handshake": noise, "is silent in the handshake": until_gone}


def certificate_faults(authority, other, name_of):
    """Name -> (certificate, key) that must not be believed for name_of(name)."""

    def of(fault, maker):
        return fault, maker(name_of(fault))

    return dict([
        of("shows an expired certificate", lambda n: authority.leaf(n, end="20240101000000Z", label="expired")),
        of("shows a certificate of the future", lambda n: authority.leaf(n, start="20390101000000Z", label="future")),
        of("shows a self-signed certificate", authority.self_signed),
        of("shows another's certificate", lambda n: authority.leaf("other.faults.test", label="another")),
        of("shows one of an unknown issuer", lambda n: other.leaf(n, label="unknown")),
    ])
