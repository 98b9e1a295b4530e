#!/usr/bin/python3
"""Python's clients: urllib, requests, httpx, aiohttp, websockets, grpc. Sections `== NAME`, as curl.sh prints them.

usage: python_client.py WAY     bare: urllib alone, for the others bring roots or read variables
"""

import asyncio
import hashlib
import json
import ssl
import sys
import urllib.error
import urllib.request

import aiohttp
import grpc
import httpx
import requests
import websockets

HOP = {"connection", "keep-alive", "transfer-encoding"}
NAMES = ("h1", "h2", "api")


def show(name, status, headers, body):
    print(f"== {name}")
    kept = sorted(f"{k.lower()}: {v}" for k, v in headers if k.lower() not in HOP)
    print(status, json.dumps(kept))
    print(body.decode("utf-8", "replace") if len(body) < 5000 else hashlib.sha256(body).hexdigest(), flush=True)


def try_urllib():
    for label, url, data in [("GET", "https://h1.matrix.test/echo?x=1", None),
                             ("POST", "https://api.matrix.test/echo", b"posted"),
                             ("redirect", "https://h1.matrix.test/redirect", None),
                             ("plain http", "http://plain.matrix.test/echo", None),
                             ("large", "https://h1.matrix.test/big?bytes=2000000", None)]:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=30) as answer:
            show(f"urllib {label}", answer.status, answer.getheaders(), answer.read())
    try:
        urllib.request.urlopen("https://h1.matrix.test/status/401", timeout=30)
    except urllib.error.HTTPError as error:
        show("urllib 401", error.code, error.headers.items(), error.read())


def try_requests():
    with requests.Session() as session:
        for name in ("h1", "api"):
            for n in range(2):  # the second on the same connection
                answer = session.get(f"https://{name}.matrix.test/echo", params={"n": n, "s": "a b/ü"}, timeout=30)
                show(f"requests GET {n} {name}", answer.status_code, answer.headers.items(), answer.content)
            answer = session.post(f"https://{name}.matrix.test/echo", json={"a": [1, None]}, timeout=30)
            show(f"requests JSON {name}", answer.status_code, answer.headers.items(), answer.content)
            answer = session.post(f"https://{name}.matrix.test/echo", data=iter([b"piece ", b"by ", b"piece"]), timeout=30)
            show(f"requests chunked {name}", answer.status_code, answer.headers.items(), answer.content)
            with session.get(f"https://{name}.matrix.test/events?n=6", stream=True, timeout=30) as answer:
                lines = b"\n".join(answer.iter_lines())
                show(f"requests events {name}", answer.status_code, answer.headers.items(), lines)


def try_httpx():
    for http2 in (False, True):
        with httpx.Client(http2=http2, timeout=30) as client:
            for name in NAMES if http2 else ("h1", "api"):
                label = f"{'http2' if http2 else 'http1'} {name}"
                answer = client.get(f"https://{name}.matrix.test/echo?q=1")
                show(f"httpx GET {label}", f"{answer.status_code} {answer.http_version}", answer.headers.items(),
                     answer.content)
                answer = client.put(f"https://{name}.matrix.test/echo", content=b"x" * 300_000)
                show(f"httpx PUT {label}", answer.status_code, answer.headers.items(), answer.content)
                with client.stream("GET", f"https://{name}.matrix.test/trailers") as answer:
                    show(f"httpx stream {label}", answer.status_code, answer.headers.items(),
                         b"".join(answer.iter_bytes()))
                answer = client.get(f"https://{name}.matrix.test/gzip")
                show(f"httpx gzip {label}", answer.status_code, answer.headers.items(), answer.content)


async def try_aiohttp():
    context = ssl.create_default_context()
    async with aiohttp.ClientSession(trust_env=True) as session:
        for name in ("h1", "api"):
            async with session.post(f"https://{name}.matrix.test/echo", data=b"aio", ssl=context) as answer:
                show(f"aiohttp POST {name}", answer.status, answer.headers.items(), await answer.read())
        bodies = await asyncio.gather(*(one(session, context, n) for n in range(20)))
        show("aiohttp twenty at once", 200, [], hashlib.sha256(b"".join(bodies)).hexdigest().encode())
        async with session.ws_connect("https://h1.matrix.test/socket", ssl=context) as socket:
            await socket.send_str("hello")
            await socket.send_bytes(b"\0\1" * 40000)
            show("aiohttp WebSocket", (await socket.receive()).data, [], (await socket.receive()).data)


async def one(session, context, n):
    async with session.get(f"https://h1.matrix.test/big?bytes={n}001", ssl=context) as answer:
        return await answer.read()


async def try_websockets():
    async with websockets.connect("wss://h1.matrix.test/socket") as socket:
        for message in ("text", b"binary", "long " * 30000, ""):
            await socket.send(message)
            got = await socket.recv()
            show(f"websockets {str(message)[:6]!r}", type(got).__name__, [], str(got == message).encode())
        await (await socket.ping())
    show("websockets close", socket.close_code, [], b"closed")


def try_grpc():
    with open(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt", "rb"):
        pass
    metadata = (("x-one", "1"), ("x-two", "2"))
    with grpc.secure_channel("grpc.matrix.test:443", grpc.ssl_channel_credentials()) as channel:
        answer, call = channel.unary_unary("/Echo/Unary").with_call(b"hi", metadata=metadata, timeout=30)
        show("grpc unary", call.code(), [*call.initial_metadata(), *call.trailing_metadata()], answer)
        answer, call = channel.unary_unary("/Echo/Unary").with_call(b"x" * 3_000_000, timeout=30)
        show("grpc 3 MB both ways", call.code(), [], answer)
        call = channel.unary_stream("/Echo/Stream")(b"count", timeout=30)
        show("grpc server stream", "", [], b"|".join(call))
        show("grpc server stream's end", call.code(), call.trailing_metadata(), b"")
        talk = Talk()
        call = channel.stream_stream("/Echo/Chat")(talk, timeout=30)
        heard = []
        for n in range(5):  # each is said only after the one before was answered
            talk.say(b"word %d" % n)
            heard.append(next(call))
        talk.say(None)
        show("grpc bidirectional", call.code(), call.trailing_metadata(), b"|".join(heard))
        try:
            channel.unary_unary("/Echo/Fail")(b"", timeout=30)
        except grpc.RpcError as error:
            show("grpc error", error.code(), error.trailing_metadata(), error.details().encode())


class Talk:
    """A request iterator that waits for what to say."""

    def __init__(self):
        import queue
        self.words = queue.Queue()

    def say(self, word):
        self.words.put(word)

    def __iter__(self):
        return self

    def __next__(self):
        word = self.words.get(timeout=30)
        if word is None:
            raise StopIteration
        return word


def main():
    try_urllib()
    if sys.argv[1] != "bare":
        try_requests()
        try_httpx()
        asyncio.run(try_aiohttp())
        asyncio.run(try_websockets())
        try_grpc()
    print("== end")


main()
