#!/usr/bin/env python3
"""N1 and N8 by every kind of packet: TCP, UDP, ICMP and raw sockets, both versions of IP, to every address
that the host has and to some that it has not, with pasta attached and without, and beside a host that is allowed and answers.

The same attempts outside are the positive control. Nothing is sent that the host itself does not answer but
what the control sends to addresses for documentation and to the link.
"""

import os
import re
import select
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import suite as support  # noqa: E402

# Arguments: port, a URL that is allowed or "-", addresses. A line for each attempt that was answered; then how many were made.
ATTEMPTS = r"""
import socket, struct, sys, urllib.request
port, allowed, addresses = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
if allowed != '-': print(urllib.request.urlopen(allowed, timeout=20).read().decode())
ECHO = {socket.AF_INET: struct.pack('!BBHHH', 8, 0, 0xf7fe, 0, 1),
        socket.AF_INET6: struct.pack('!BBHHH', 128, 0, 0, 0, 1)}
made = 0
def attempt(kind, address):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    icmp = socket.IPPROTO_ICMPV6 if ':' in address else socket.IPPROTO_ICMP
    type, protocol, to = {'tcp': (socket.SOCK_STREAM, 0, port), 'udp': (socket.SOCK_DGRAM, 0, port),
                          'ping': (socket.SOCK_DGRAM, icmp, 0), 'raw': (socket.SOCK_RAW, icmp, 0)}[kind]
    with socket.socket(family, type, protocol) as s:
        s.settimeout(0.5)
        if kind == 'udp': s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.connect(socket.getaddrinfo(address, to, family)[0][4])
        if kind == 'udp': s.send(b'ping')
        if kind in ('ping', 'raw'): s.send(ECHO[family])
        return s.recv(256)
for kind in ('tcp', 'udp', 'ping', 'raw'):
    for address in addresses:
        made += 1
        try:
            if attempt(kind, address): print(kind, address)
        except OSError:
            pass
print('made', made)
"""

# Where the host of a virtual machine, a metadata service, a neighbour, a resolver, this link might be.
ELSEWHERE = ["10.0.2.2", "169.254.169.254", "192.0.2.1", "203.0.113.1", "224.0.0.1", "255.255.255.255",
             "fe80::1%lo", "ff02::1%lo", "2001:db8::1", "0.0.0.0", "::", "127.0.0.53", "100.64.0.1",
             # Of the ranges of which each name has an address inside: these are nobody's, or web.test's own.
             "198.18.0.1", "198.18.0.2", "198.19.255.254", "fd72:6564:6f75:6274::1", "fd72:6564:6f75:6274::2"]


def own_addresses():
    """Every address of this machine, link-local ones with their scope."""
    text = subprocess.run(["ip", "-o", "addr"], stdout=subprocess.PIPE, check=True).stdout.decode()
    found = re.findall(r"^\d+: (\S+) +inet6? ([^/ ]+)", text, re.M)
    return [address + (f"%{device}" if address.startswith("fe80:") else "") for device, address in found]


def routers():
    text = subprocess.run(["ip", "-o", "route", "show", "default"], stdout=subprocess.PIPE, check=True)
    return re.findall(r"\bvia (\S+)", text.stdout.decode())


class Server:
    """Answers TCP and UDP on one port of every address; counts what came."""

    def __init__(self):
        try:
            self.tcp = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
            self.udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            self.udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        except OSError:  # a kernel without IPv6, and so without addresses of it to try
            self.tcp = socket.create_server(("0.0.0.0", 0))
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = self.tcp.getsockname()[1]
        self.udp.bind((self.tcp.getsockname()[0], self.port))
        self.came = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            ready = select.select([self.tcp, self.udp], [], [])[0]
            self.came += len(ready)
            if self.tcp in ready:
                with self.tcp.accept()[0] as peer:
                    peer.sendall(b"hello")
            if self.udp in ready:
                _, sender = self.udp.recvfrom(16)
                try:
                    self.udp.sendto(b"hello", sender)
                except OSError:
                    pass


ALLOWED = """
network:
  allow: ["http://web.test"]
  origins: {web.test: {address: "127.0.0.1:%d"}}
"""


class Web:
    """Says "allowed" to whoever asks; counts."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.came = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            with self.listener.accept()[0] as peer:
                self.came += 1
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nallowed")


def nothing_answers(check, world, server):
    own = own_addresses()
    addresses = own + [router for router in routers() if router not in own] + ELSEWHERE
    attempts = ["/usr/bin/python3", "-c", ATTEMPTS, str(server.port), "-", *addresses]
    made = f"made {4 * len(addresses)}"

    outside = support.finish(attempts, cwd=world.project, env=world.environment).out.split("\n")
    check.check("control: every attempt is made outside", made in outside, outside)
    for kind in ("tcp", "udp"):
        for address in own:
            check.check(f"control: outside {kind} to {address} is answered", f"{kind} {address}" in outside, outside)
    if os.getuid() == 0:
        check.check("control: outside root has raw sockets", "raw 127.0.0.1" in outside, outside)

    # A port that nobody listens on: pasta is attached, and this is all that it shows.
    other = socket.create_server(("127.0.0.1", 0))
    other_port = other.getsockname()[1]
    other.close()
    for options in ([], ["--network", "none"], ["-f", str(other_port)], ["-f", f"udp:{other_port}"],
                    ["--publish", str(other_port)]):
        before = server.came
        inside = support.finish([support.redoubtful(), "run", *options, "--", *attempts], cwd=world.project,
                                env=world.environment)
        what = re.sub(r"\d+", "PORT", " ".join(options)) or "by default"
        check.equal(f"{what}: nothing answers, whatever is sent", inside.out, made + "\n")
        check.equal(f"{what}: nothing reached the host", server.came, before)

    web = Web()
    profile = world.write("web.yaml", ALLOWED % web.listener.getsockname()[1])
    attempts[4] = "http://web.test/"
    for way, variables in (("by the proxy variables", []), ("without them", ["env", "-u", "http_proxy"])):
        before = server.came, web.came
        inside = support.finish([support.redoubtful(), "run", "-u", profile, "--", *variables, *attempts], cwd=world.project,
                                env=world.environment)
        check.equal(f"with one host allowed, {way}: it answers, and nothing else does", inside.out, "allowed\n" + made + "\n")
        check.equal(f"with one host allowed, {way}: one connection reached it, nothing the host", (server.came, web.came),
                    (before[0], before[1] + 1))


def published_on_loopback_alone(check, world):
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    server = ("import socket\ns = socket.create_server(('0.0.0.0', 3000))\nprint('ready', flush=True)\n"
              "while True:\n    s.accept()[0].close()\n")
    process = subprocess.Popen([support.redoubtful(), "run", "--publish", f"{port}:3000", "--", "/usr/bin/python3",
                                "-c", server], cwd=world.project, env=world.environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE)
    try:
        check.equal("the server inside is up", process.stdout.readline(), b"ready\n")

        def connects(address):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                with socket.socket(family, socket.SOCK_STREAM) as probe:
                    probe.settimeout(2)
                    probe.connect(socket.getaddrinfo(address, port, family)[0][4])
            except OSError:
                return False
            return True

        deadline = time.monotonic() + 20  # pasta starts beside the agent
        while not connects("127.0.0.1") and time.monotonic() < deadline:
            pass
        check.check("a published port is on 127.0.0.1", connects("127.0.0.1"))
        for address in own_addresses() + ["127.0.0.2"]:
            if address != "127.0.0.1":
                check.check(f"and not on {address}", not connects(address))
    finally:
        process.terminate()
        process.communicate()


def open_network(check, world, server):
    """What dangerously-open gives, and what it does not: the host's localhost."""
    look = ("tail -n +2 /proc/net/route | cut -f 1-3; cat /etc/resolv.conf; "
            f"(exec 3<>/dev/tcp/127.0.0.1/{server.port}) 2>/dev/null && echo its localhost; echo END")
    with open("/proc/net/route", encoding="ascii") as table:
        routes = ["\t".join(line.split("\t")[:3]) for line in table.read().splitlines()[1:]]
    defaults = [route for route in routes if route.split("\t")[1] == "00000000"]
    outside = support.finish(["bash", "-c", look], cwd=world.project, env=world.environment).out
    check.check("control: outside there is a route, and localhost", defaults and "its localhost\nEND\n" in outside, outside)
    inside = support.finish([support.redoubtful(), "run", "--network", "dangerously-open", "--", "bash", "-c", look],
                            cwd=world.project, env=world.environment)
    lines = inside.out.split("\n")
    check.check("dangerously-open: the host's way out", all(route in lines for route in defaults), repr(inside))
    check.check("dangerously-open: a resolver that is not the host's localhost",
                re.search(r"^nameserver (?!127\.)", inside.out, re.M), repr(inside))
    check.check("dangerously-open: not the host's localhost",
                "END" in lines and "its localhost" not in lines, repr(inside))
    closed = support.finish([support.redoubtful(), "run", "--", "bash", "-c", look], cwd=world.project,
                            env=world.environment)
    check.check("by default there is no route", closed.out.startswith("nameserver "), repr(closed))


def main():
    check = support.Suite("network")
    server = Server()
    with support.World() as world:
        for part in (nothing_answers, open_network):
            with check.guarded(part.__name__):
                part(check, world, server)
        with check.guarded("published"):
            published_on_loopback_alone(check, world)
    check.finish()


if __name__ == "__main__":
    main()
