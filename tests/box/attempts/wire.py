"""Does what a plan says, byte by byte, inside the box: exchanges by every way out, and what is not HTTP.

usage: wire.py PLAN     PLAN: a JSON object, name -> attempt; stdout: a JSON object, name -> what came of it.
An attempt is an object; `do` says which function here, the rest are its arguments.
"""

import concurrent.futures
import http.client
import json
import os
import socket
import ssl
import struct
import sys

import h2.config
import h2.connection
import h2.events

PROXY = ("127.0.0.1", 3128)
PATIENCE = 20


def tls_context(protocols):
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    context.check_hostname = False  # what is dialled and what is asked for differ on purpose; the chain is verified
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


class Refused(Exception):
    """The proxy answered a CONNECT with something other than 200."""


def connection(way, host, port=None, sni=True, protocols=("http/1.1",)):
    """A stream to write requests on. `sni`: True is the host itself, None none at all."""
    tls = way in ("tls", "connect")
    port = port or (443 if tls else 80)
    if way in ("tls", "plain"):
        stream = socket.create_connection((host, port), timeout=PATIENCE)
    else:
        stream = socket.create_connection(PROXY, timeout=PATIENCE)
    if way == "connect":
        stream.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = stream.recv(1)  # no more than the head: the rest is TLS
            if not piece:
                raise Refused("nothing")
            head += piece
        status = int(head.split(b" ")[1])
        if status != 200:
            raise Refused(str(status))
    if tls:
        stream = tls_context(list(protocols)).wrap_socket(stream, server_hostname=host if sni is True else sni)
    return stream


def described(status, fields, body):
    found = {"status": status, "body": body.decode("utf-8", "replace"), "proxy-status": fields.get("proxy-status", "")}
    try:
        said = json.loads(body)
        found["code"] = said["error"]["code"]
        found["said"] = said["error"]
    except (ValueError, KeyError, TypeError):
        pass
    return found


def http1(way, host, raw, **where):
    """Each of `raw` is sent when the answer to the one before is complete; an array of answers."""
    answers = []
    try:
        stream = connection(way, host, **where)
    except (OSError, Refused) as error:
        return [{"error": f"{type(error).__name__}: {error}"}]
    with stream:
        for one in raw:
            try:
                stream.sendall(one.encode("latin-1"))
                response = http.client.HTTPResponse(stream, method=one.split(" ")[0])
                response.begin()
                body = response.read()
                answers.append(described(response.status, {k.lower(): v for k, v in response.getheaders()}, body))
            except (OSError, http.client.HTTPException) as error:
                answers.append({"error": f"{type(error).__name__}: {error}"})
                break
    return answers


def http2(way, host, requests, **where):
    """Each of `requests` is an array of fields, on a stream of its own, one after the other."""
    answers = []
    try:
        stream = connection(way, host, protocols=("h2",), **where)
    except (OSError, Refused) as error:
        return [{"error": f"{type(error).__name__}: {error}"}]
    if stream.selected_alpn_protocol() != "h2":
        return [{"error": f"spoke {stream.selected_alpn_protocol()!r}"}]
    config = h2.config.H2Configuration(header_encoding="utf-8", validate_outbound_headers=False,
                                       normalize_outbound_headers=False)
    protocol = h2.connection.H2Connection(config)
    protocol.initiate_connection()
    with stream:
        for fields in requests:
            number = protocol.get_next_available_stream_id()
            protocol.send_headers(number, [tuple(f) for f in fields], end_stream=True)
            try:
                answers.append(answer_of(stream, protocol, number))
            except (OSError, EOFError, h2.exceptions.H2Error) as error:
                answers.append({"error": f"{type(error).__name__}: {error}"})
                break
    return answers


def answer_of(stream, protocol, number):
    fields, body = {}, b""
    while True:
        stream.sendall(protocol.data_to_send())
        data = stream.recv(65536)
        if not data:
            raise EOFError("closed")
        for event in protocol.receive_data(data):
            if isinstance(event, h2.events.ConnectionTerminated):
                raise EOFError(f"GOAWAY {event.error_code}")
            if getattr(event, "stream_id", None) != number:
                continue
            if isinstance(event, h2.events.ResponseReceived):
                fields = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                body += event.data
                protocol.acknowledge_received_data(event.flow_controlled_length, number)
            elif isinstance(event, h2.events.StreamReset):
                return {"error": f"RST_STREAM {event.error_code}"}
            elif isinstance(event, h2.events.StreamEnded):
                stream.sendall(protocol.data_to_send())
                return described(int(fields[":status"]), fields, body)


def client_hello(host, extension):
    """The bytes of one for the host with one more extension, [number, hexadecimal]."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    client = context.wrap_bio(incoming, outgoing, server_hostname=host)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    record = outgoing.read()
    data = bytes.fromhex(extension[1])
    more = struct.pack(">HH", extension[0], len(data)) + data
    start = 5 + 4 + 2 + 32
    start += 1 + record[start]  # session id
    start += 2 + struct.unpack(">H", record[start:start + 2])[0]  # cipher suites
    start += 1 + record[start]  # compression methods
    body = record[9:start] + add16(record[start:start + 2], more) + more + record[start + 2:]
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return record[:3] + struct.pack(">H", len(message)) + message


def hello(host, extension, way="tls"):
    """What comes back to such a ClientHello can only be counted."""
    stream = connection("plain", host, 443)
    with stream:
        stream.sendall(client_hello(host, extension))
        got = stream.recv(65536)
    return {"bytes": len(got)}


def add16(number, more):
    return struct.pack(">H", struct.unpack(">H", number)[0] + len(more))


def tcp(host, port, send=""):
    """What comes back until the end."""
    try:
        with socket.create_connection((host, port), timeout=PATIENCE) as stream:
            stream.sendall(send.encode("latin-1"))
            stream.shutdown(socket.SHUT_WR)
            got = b""
            while piece := stream.recv(65536):
                got += piece
            return {"got": got.decode("latin-1")}
    except OSError as error:
        return {"error": type(error).__name__}


def udp(host, port, send="ping"):
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as stream:
            stream.settimeout(1)
            stream.connect(address)
            stream.send(send.encode("latin-1"))
            return {"got": stream.recv(65536).decode("latin-1")}
    except OSError as error:
        return {"error": type(error).__name__}


def dns(name, kind):
    """The answer's code and how many records it has."""
    question = b"".join(bytes([len(label)]) + label.encode("latin-1") for label in name.split(".")) + b"\0"
    query = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question + struct.pack(">HH", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        stream.settimeout(PATIENCE)
        stream.connect(("127.0.0.1", 53))
        stream.send(query)
        _, flags, _, records, _, _ = struct.unpack(">HHHHHH", stream.recv(65536)[:12])
    return {"code": flags & 15, "records": records}


def look_up(name):
    try:
        return sorted({info[4][0] for info in socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)})
    except OSError as error:
        return [f"error {error.errno}"]


ACTIONS = {one.__name__: one for one in (http1, http2, hello, tcp, udp, dns, look_up)}


def attempt(plan):
    try:
        return ACTIONS[plan.pop("do")](**plan)
    except Exception as error:  # pylint: disable=broad-except
        return {"bug": f"{type(error).__name__}: {error}"}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = pool.map(attempt, plan.values())
        json.dump(dict(zip(plan, results)), sys.stdout)


if __name__ == "__main__":
    main()
