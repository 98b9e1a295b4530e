"""Runs in the box: asks for every surface and prints what was seen, as JSON. Judges nothing.

usage: client.py WAY HOST...     what is asked of each host: its protocol is what its first label begins with
"""

import base64
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time

TOKEN = os.environ["TOKEN"]


def bearer(host):
    """Where it does not belong, it would be refused."""
    return "X-Nothing: 1" if "bare" in host else f"Authorization: Bearer {TOKEN}"


def curl(host, path, *more):
    protocol = "--http2" if host.startswith("h2") else "--http1.1"
    return ["curl", "--silent", "--show-error", "--suppress-connect-headers", "--max-time", "60", protocol,
            "-H", bearer(host), *more, f"https://{host}/{path}"]


def text(data):
    return base64.b64encode(data).decode()


def fetch(host, surface):
    place = os.path.join(os.environ.get("TMPDIR", "/tmp"), "scrub-head")
    done = subprocess.run(curl(host, surface, "-D", place, "-H", "Accept-Encoding: gzip, br"), capture_output=True,
                          check=False)
    with open(place, "rb") as file:
        head = file.read()
    return {"head": text(head), "body": text(done.stdout), "error": done.stderr.decode(), "status": done.returncode}


def events(host):
    """[nanoseconds from sending to arrival, the rest of the line], each acknowledged when it is here."""
    seen = []
    back = http.client.HTTPSConnection(host.replace("h2", "h1"), context=ssl.create_default_context(), timeout=30)
    with subprocess.Popen(curl(host, "events", "-N"), stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            now = time.monotonic_ns()
            if not line.strip():
                continue
            words = line.decode().rstrip("\n").split(" ", 3)
            if len(words) != 4 or not words[1].isdigit():
                seen.append([0, line.decode()])
                continue
            seen.append([now - int(words[2]), words[1] + " " + words[3]])
            back.request("GET", f"/ack/{words[1]}")
            back.getresponse().read()
    back.close()
    return seen


def websocket(host):
    context = ssl.create_default_context()
    with socket.create_connection((host, 443), timeout=30) as plain, \
            context.wrap_socket(plain, server_hostname=host) as secure:
        secure.sendall((f"GET /socket HTTP/1.1\r\nHost: {host}\r\n{bearer(host)}\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n").encode())
        data = b""
        end = None
        while end is None or len(data) < end:
            piece = secure.recv(65536)
            if not piece:
                break
            data += piece
            head = data.find(b"\r\n\r\n")
            if head >= 0 and end is None:
                end = head + 4 + int(sys.argv[1])
        return text(data)


def main():
    out = {"token": TOKEN}
    hosts = sys.argv[2:]
    for host in hosts:
        for surface in os.environ["SURFACES"].split(","):
            out[f"{host} {surface}"] = fetch(host, surface)
        if host.startswith("h1"):
            out[f"{host} websocket"] = websocket(host)
    # In turn, so that what else the machine does is in all of them.
    out.update({f"{host} events": [] for host in hosts})
    for _ in range(int(os.environ["ROUNDS"])):
        for host in hosts:
            out[f"{host} events"].append(events(host))
    print(json.dumps(out))


if __name__ == "__main__":
    main()
