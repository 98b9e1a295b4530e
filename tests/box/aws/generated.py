#!/usr/bin/python3
"""Inside the box: requests to AWS of every shape, signed by botocore with whatever keys are in the environment.

usage: generated.py 1.1|2 FIRST LAST    sends those of the generated requests; a line of JSON for each: what it was,
                                        what must come of it ("200": an answer, or words of the refusal), what came
"""

import base64
import hashlib
import http.client
import json
import os
import random
import ssl
import sys
import urllib.parse
import zlib

import botocore.auth
import botocore.awsrequest
import botocore.credentials

REGION = "eu-west-1"
HOSTS = {"s3": "bucket.s3.eu-west-1.amazonaws.com", "bedrock": "bedrock-runtime.eu-west-1.amazonaws.com",
         "execute-api": "abc123.execute-api.eu-west-1.amazonaws.com", "dynamodb": "dynamodb.eu-west-1.amazonaws.com"}
PATHS = ["/", "/key", "/a/b/c.txt", "/a//b", "//a", "/a/", "/a%2Fb", "/a%20b", "/with%20space/x", "/caf%C3%A9", "/~tilde", "/a+b",
         "/a(b)", "/100%25", "/a%3Ab", "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.x/invoke",
         "/a=b", "/a@b", "/a'b", "/%E2%82%AC/%2F/", "/trailing//", "/a,b;c", "/a$b&c", "/%5Bx%5D", "/A%2fb"]
DOTS = ["/a/../b", "/a/./b", "/a/b/.."]
QUERIES = ["", "a=1", "acl", "acl=", "b=2&a=1", "a=2&a=1", "a=1&a=1", "a=%2B", "a=x%20y", "prefix=a%2Fb%2F&list-type=2", "x=%7E~",
           "empty=&other=1", "A=1&a=2", "a=%C3%A9", "marker=a%26b%3Dc", "a-b=1&a.b=2", "k=%2525",
           "=v", "=", "&", "a=1&&b=2", "a=1&", "=2&=1"]
HEADERS = [{}, {"x-amz-meta-note": "two  blanks"}, {"Content-Type": "application/json", "x-amz-meta-a": "1"},
           {"x-amz-acl": "private", "range": "bytes=0-1"}, {"x-custom": " padded "}]
KINDS = ["none", "hash", "unsigned", "undeclared", "trailer", "chunks", "chunks-trailer", "presigned", "undeclared-large"]


def credentials():
    return botocore.credentials.Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"],
                                            os.environ.get("AWS_SESSION_TOKEN"))


def case(number):
    """The same for a number each time."""
    chance = random.Random(number)
    service = chance.choice(list(HOSTS))
    kind = KINDS[number % len(KINDS)]
    if service != "s3" and kind not in ("none", "undeclared", "undeclared-large", "hash"):
        service = "s3"
    if service == "s3" and kind.startswith("undeclared"):
        service = "bedrock"
    path = chance.choice(DOTS) if chance.random() < 0.08 else chance.choice(PATHS)
    query = chance.choice(QUERIES)
    headers = dict(chance.choice(HEADERS))
    size = {"none": 0, "undeclared-large": 700000}.get(kind, chance.choice([1, 100, 70000, 200000]))
    body = chance.randbytes(size)
    method = "GET" if kind in ("none", "presigned") else chance.choice(["PUT", "POST"])
    if kind == "presigned":
        body, headers = b"", {}
    must = "200"
    # Of S3 they are part of a key, so that what is signed and what a path rule judges would be two paths; and for the
    # others botocore makes "/a" of "/a/b/..", where RFC 3986 has "/a/".
    if path in DOTS and (service == "s3" or path.endswith("..")):
        must = "dot segments"
    return service, kind, method, path + ("?" + query if query else ""), headers, body, must


class Presigner(botocore.auth.S3SigV4QueryAuth):
    """With every parameter as it is: botocore's own keeps one of each name, and none without a name."""

    def _modify_request_before_signing(self, request):
        request.url, _, query = request.url.partition("?")
        super()._modify_request_before_signing(request)
        request.url = request.url.replace("?", f"?{query}&", 1)


def is_plain(query):
    """As a dictionary it is the same."""
    names = [part.partition("=")[0] for part in query.split("&")]
    return all(names) and len(set(names)) == len(names)


def signed(service, kind, method, target, headers, body):
    """Target, headers and body as they go on the wire."""
    host = HOSTS[service]
    request = botocore.awsrequest.AWSRequest(method=method, url=f"https://{host}{target}", headers=headers, data=body)
    if kind == "presigned":
        query = target.partition("?")[2]
        signer = botocore.auth.S3SigV4QueryAuth if not query or is_plain(query) else Presigner
        signer(credentials(), service, REGION, expires=300).add_auth(request)
        parts = urllib.parse.urlsplit(request.url)
        return f"{parts.path}?{parts.query}", {}, b""
    auth = (botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth)(credentials(), service, REGION)
    declared = {"unsigned": "UNSIGNED-PAYLOAD", "trailer": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                "chunks": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                "chunks-trailer": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"}.get(kind)
    if declared:
        auth.payload = lambda _: declared
    if kind == "hash" and service != "s3":
        request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    if kind in ("trailer", "chunks", "chunks-trailer"):
        request.headers["Content-Encoding"] = "aws-chunked"
        request.headers["X-Amz-Decoded-Content-Length"] = str(len(body))
        if kind != "chunks":
            request.headers["X-Amz-Trailer"] = "x-amz-checksum-crc32"
    auth.add_auth(request)
    if kind in ("trailer", "chunks", "chunks-trailer"):
        body = chunked(kind, auth, request, body)
    return target, dict(request.headers.items()), body


def chunked(kind, auth, request, body):
    scope = auth.credential_scope(request)
    previous = request.headers["Authorization"].rpartition("Signature=")[2]
    empty = hashlib.sha256(b"").hexdigest()
    out = []

    def sign(what, *rest):
        return auth.signature("\n".join(["AWS4-HMAC-SHA256-" + what, request.context["timestamp"], scope, previous, *rest]), request)

    for at in [*range(0, len(body), 65536), len(body)]:
        data = body[at:at + 65536]
        head = b"%x" % len(data)
        if kind != "trailer":
            previous = sign("PAYLOAD", empty, hashlib.sha256(data).hexdigest())
            head += b";chunk-signature=" + previous.encode()
        out.append(head + b"\r\n" + data + (b"\r\n" if data else b""))
    if kind != "chunks":
        line = "x-amz-checksum-crc32:" + base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
        out.append(line.encode() + b"\r\n")
        if kind == "chunks-trailer":
            mark = sign("TRAILER", hashlib.sha256((line + "\n").encode()).hexdigest())
            out.append(b"x-amz-trailer-signature:" + mark.encode() + b"\r\n")
    return b"".join(out) + b"\r\n"


def send_1(host, method, target, headers, body):
    connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(), timeout=60)
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if body or method != "GET":
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, text


def send_2(host, method, target, headers, body):
    import socket  # pylint: disable=import-outside-toplevel

    import h2.config  # pylint: disable=import-outside-toplevel
    import h2.connection  # pylint: disable=import-outside-toplevel
    import h2.events  # pylint: disable=import-outside-toplevel
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    with context.wrap_socket(socket.create_connection((host, 443), 60), server_hostname=host) as wire:
        assert wire.selected_alpn_protocol() == "h2", "no HTTP/2"
        protocol = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        protocol.initiate_connection()
        fields = [(":method", method), (":scheme", "https"), (":authority", host), (":path", target)]
        fields += [(name.lower(), value.strip()) for name, value in headers.items()]
        if body:
            fields.append(("content-length", str(len(body))))
        protocol.send_headers(1, fields, end_stream=not body)
        status, text, at, ended = 0, b"", 0, False
        while not ended:
            while at < len(body):
                room = min(protocol.local_flow_control_window(1), protocol.max_outbound_frame_size, len(body) - at)
                if room <= 0:
                    break
                protocol.send_data(1, body[at:at + room], end_stream=at + room == len(body))
                at += room
            wire.sendall(protocol.data_to_send())
            data = wire.recv(65536)
            if not data:
                break
            for event in protocol.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    status = int(dict(event.headers)[":status"])
                elif isinstance(event, h2.events.DataReceived):
                    text += event.data
                    protocol.acknowledge_received_data(event.flow_controlled_length, 1)
                elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    ended = True
                    if isinstance(event, h2.events.StreamReset) and not status:
                        text += b"reset %d" % event.error_code
                    at = len(body)
        return status, text.decode("utf-8", "replace")


def main():
    version, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    send = send_2 if version == "2" else send_1
    for number in range(first, last):
        service, kind, method, target, headers, body, must = case(number)
        on_wire, fields, data = signed(service, kind, method, target, headers, body)
        try:
            status, text = send(HOSTS[service], method, on_wire, fields, data)
        except OSError as error:
            status, text = 0, repr(error)
        # 404 and 206 come from an origin that has verified the request.
        good = status in (200, 206, 404) if must == "200" else status == 403 and must in text
        print(json.dumps({"number": number, "what": [service, kind, method, target, headers, len(body)], "must": must,
                          "good": good, "status": status, "text": "" if good else text[:1500]}), flush=True)
    print("end")


if __name__ == "__main__":
    main()
