#!/usr/bin/python3
"""Sends a surrogate over WebSockets, in every way that text can be cut, and in ways that it must not be. Prints what
came back as JSON; judges nothing.

usage: websocket_client.py HOST [bad]     bad: also what must not be; KEY: a surrogate for text messages there; OTHER: one that is for nothing but fields
"""

import asyncio
import json
import os
import socket
import ssl
import sys

import websockets

HOST = sys.argv[1]
KEY = os.environ["KEY"]
OTHER = os.environ.get("OTHER")
UPGRADE = (f"GET /socket HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")


async def letters():
    for letter in KEY:
        yield letter


async def said(socket_, message):
    """As the library gives it back: an echo, in a message of its own."""
    await socket_.send(message)
    return await socket_.recv()


async def conversation():
    out = {}
    async with websockets.connect(f"wss://{HOST}/socket") as one:
        out["extensions"] = [str(extension) for extension in one.extensions]
        out["JSON"] = await said(one, json.dumps({"token": KEY}))
        out["fragments"] = await said(one, ["first ", KEY[:9], "", KEY[9:], " last"])
        out["letters"] = await said(one, letters())
        out["long"] = (await said(one, "x" * 100_000 + KEY + "y" * 100_000))[100_000:-100_000]
        await (await one.ping(b"hello"))
        out["binary"] = (await said(one, b"\x00\xff" * 1000)).hex()[:8]
    out["code"] = one.close_code
    return out


async def code_of(message):
    """The code of the Close that ends a connection over this message."""
    async with websockets.connect(f"wss://{HOST}/socket") as one:
        await one.send(message)
        try:
            return "echoed: " + str(await one.recv())
        except websockets.ConnectionClosed as closed:
            return closed.code


def raw(data):
    """What comes back for bytes as they are, in hexadecimal."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    with socket.create_connection((HOST, 443), timeout=30) as plain, \
            context.wrap_socket(plain, server_hostname=HOST) as secure:
        secure.sendall(UPGRADE.encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += secure.recv(65536)
        secure.sendall(data)
        seen = head.partition(b"\r\n\r\n")[2]
        while len(seen) < 4:
            piece = secure.recv(65536)
            if not piece:
                break
            seen += piece
    return seen[:4].hex()


async def main():
    out = {}
    try:
        out = await conversation()
    except websockets.InvalidStatusCode as refused:
        out["refused"] = refused.status_code
        print(json.dumps(out))
        return
    if sys.argv[2:] != ["bad"]:
        print(json.dumps(out))
        return
    out["in binary"] = await code_of(b"\x00" + KEY.encode())
    out["in another's place"] = await code_of("token " + OTHER)
    head = b"\x81\xff"
    for what, data in {"no mask": b"\x81\x01x", "packed": b"\xc1\x81mask\x00", "2^63": head + b"\x80" + bytes(7) + b"mask",
                       "an unknown opcode": b"\x83\x81mask\x00", "a ping in pieces": b"\x09\x81mask\x00"}.items():
        out[what] = raw(data)
    print(json.dumps(out))


asyncio.run(main())
