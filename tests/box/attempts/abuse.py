"""What a hostile client inside can do to the proxy's listeners, while others want to be served (N11).

usage: abuse.py HOST WEB_PORT SEED     stdout: one JSON object, what was tried and what came of it.

HOST answers on 443 and on WEB_PORT with TLS, and on 80; the origin has /echo and /big there. Everything random comes
from SEED. "ended" means that the proxy ended the connection: a client that half-closed waits for that.
"""

import concurrent.futures
import json
import multiprocessing
import os
import random
import socket
import ssl
import struct
import sys
import time

from others import (
    CONNECT, CONTEXT, GET, HOST, NAMES, PATIENCE, PROXY, Steady, WEB_PORT, addresses, by_udp, hello_bytes,
    listeners, others_are_served, query, secured)

SEED = sys.argv[3]
LIMIT = 10  # seconds: kFirstBytes, kHead and kHandshake of proxy/limits.hpp
H2_CONTEXT = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
H2_CONTEXT.set_alpn_protocols(["h2"])
H2_START = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


# Random bytes.

def spoilt(chance, data):
    """A proper beginning with some bytes changed, lost, doubled or inserted."""
    out = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(out))
        kind = chance.randrange(4)
        if kind == 0:
            out[place] = chance.randrange(256)
        elif kind == 1:
            del out[place:place + chance.randrange(1, 4)]
        elif kind == 2:
            out[place:place] = out[place:place + chance.randrange(1, 40)]
        else:
            out[place:place] = chance.randbytes(chance.randrange(1, 8))
        out = out or bytearray(b"\x16")
    return bytes(out)


def seeds():
    return [hello_bytes(), GET, CONNECT, b"POST /echo HTTP/1.1\r\nHost: " + HOST.encode() +
            b"\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", H2_START,
            b"GET http://" + HOST.encode() + b"/echo HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\n\r\n",
            struct.pack(">H", len(query(HOST))) + query(HOST)]


def garbage(chance, proper):
    kind = chance.randrange(5)
    noise = chance.randbytes(chance.randrange(1, 3000))
    if kind == 0:
        return noise
    if kind == 1:  # a TLS record of whatever length, with noise in it
        return b"\x16\x03\x01" + struct.pack(">H", chance.randrange(65536)) + b"\x01" + noise
    if kind == 2:
        return chance.choice(proper) + noise
    return spoilt(chance, chance.choice(proper))


def until_end(stream):
    """Reads what comes; True when the peer ended it within PATIENCE."""
    stream.settimeout(PATIENCE)
    try:
        while stream.recv(65536):
            pass
    except socket.timeout:
        return False
    except OSError:  # a reset is an end, too
        pass
    return True


def throw(address, data):
    """True: the proxy ended it once it had seen all of it."""
    try:
        with socket.create_connection(address, PATIENCE) as stream:
            stream.sendall(data)
            stream.shutdown(socket.SHUT_WR)
            return until_end(stream)
    except socket.timeout:
        return False
    except OSError:
        return True  # it had enough before we had said all


def random_bytes(pool, chance, each):
    proper = seeds()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
        for _ in range(20 * each):
            data = spoilt(chance, query(HOST)) if chance.random() < 0.7 else chance.randbytes(chance.randrange(600))
            stream.sendto(data, NAMES)
    plan = [(name, address, garbage(chance, proper)) for name, address in listeners().items() for _ in range(each)]
    ended = pool.map(lambda one: (one[0], throw(one[1], one[2])), plan)
    found = {}
    for name, end in ended:
        made = found.setdefault(name, {"made": 0, "ended": 0})
        made["made"] += 1
        made["ended"] += end
    return found


def inside_tls(chance):
    """After a proper handshake: noise as application data, spoilt records, records that are cut."""
    http2 = chance.random() < 0.5
    context = H2_CONTEXT if http2 else CONTEXT
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = context.wrap_bio(incoming, outgoing, server_hostname=HOST)
    try:
        with socket.create_connection((HOST, 443), PATIENCE) as stream:
            while True:
                try:
                    side.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    stream.sendall(outgoing.read())
                    incoming.write(stream.recv(65536))
            start = H2_START if http2 else GET
            kind = chance.randrange(3)
            side.write(start + chance.randbytes(chance.randrange(1, 2000)) if kind == 0 else start)
            records = outgoing.read()
            if kind == 1:
                records = records[:5] + spoilt(chance, records[5:])
            elif kind == 2:
                records = records[:chance.randrange(1, len(records))]
            stream.sendall(records)
            stream.shutdown(socket.SHUT_WR)
            return until_end(stream)
    except socket.timeout:
        return False
    except (OSError, ssl.SSLError):
        return True


# Slow clients: each says a part and then nothing, or goes on one byte at a time.

def handshaken(then):
    stream = secured(socket.create_connection((HOST, 443), PATIENCE))
    stream.sendall(then)
    return stream


def slow_kinds():
    hello = hello_bytes()
    tcp = socket.create_connection
    plain = {"nothing, TLS port": ((HOST, 443), b""), "nothing, HTTP port": ((HOST, 80), b""),
             "nothing, own port": ((HOST, WEB_PORT), b""), "nothing, DNS": (NAMES, b""),
             "half a CONNECT": (PROXY, CONNECT[:40]), "a CONNECT and nothing": (PROXY, CONNECT),
             "half a hello": ((HOST, 443), hello[:60]), "a hello and no more": ((HOST, 443), hello),
             "half a head": ((HOST, 80), GET[:20]), "a DNS message's length": (NAMES, b"\1\0"),
             "half a DNS message": (NAMES, b"\0\x20" + query(HOST)[:10])}

    def say(address, data):
        stream = tcp(address, PATIENCE)
        stream.sendall(data)
        return stream

    kinds = {name: lambda a=address, d=data: say(a, d) for name, (address, data) in plain.items()}
    for part in range(1, len(hello), max(1, len(hello) // 12)):
        kinds[f"a hello cut at {part}"] = lambda p=part: say((HOST, 443), hello[:p])
    kinds["half a head inside TLS"] = lambda: handshaken(GET[:30])
    return kinds


MORE = {"half a head inside TLS": 10, "a hello and no more": 10}  # times as many: these cost the proxy most


def drip(stream, data, until):
    """One byte a second. True when the proxy ended it."""
    stream.settimeout(1)
    for byte in data:
        if time.monotonic() > until:
            return False
        try:
            stream.sendall(bytes([byte]))
            if not stream.recv(4096):
                return True
        except socket.timeout:
            pass
        except OSError:
            return True
    return False


class Slow:
    """Many that wait, of every kind. `each` of a kind."""

    def __init__(self, pool, each):
        self.begun = time.monotonic()
        self.waiting = [(name, make()) for name, make in slow_kinds().items()
                        for _ in range(each * MORE.get(name, 1))]
        self.dripping = {
            "hello byte by byte": pool.submit(
                lambda: drip(socket.create_connection((HOST, 443)), hello_bytes(), self.begun + 2 * LIMIT)),
            "head byte by byte": pool.submit(
                lambda: drip(socket.create_connection((HOST, 80)), GET, self.begun + 2 * LIMIT)),
            "CONNECT byte by byte": pool.submit(
                lambda: drip(socket.create_connection(PROXY), CONNECT, self.begun + 2 * LIMIT))}

    def ended(self):
        """Kind -> whether all of it were ended once the limits were over."""
        found = {}
        for name, stream in self.waiting:
            stream.settimeout(max(0.1, self.begun + LIMIT + 5 - time.monotonic()))
            end = False
            try:
                while stream.recv(65536):
                    pass
                end = True
            except socket.timeout:
                pass
            except OSError:
                end = True
            found[name] = found.get(name, True) and end
            stream.close()
        found.update({name: one.result() for name, one in self.dripping.items()})
        return found


class Stalled:
    """Clients that ask for much and read nothing of it. They may: a body has no deadline."""

    def __init__(self, pool, each):
        # A window as large as HTTP/2 knows, so that nothing but the proxy's own bounds holds the bytes back.
        http2 = H2_START + b"\0\0\6\4\0\0\0\0\0\0\4\x7f\xff\xff\xff" + b"\0\0\4\x08\0\0\0\0\0\x7f\xff\0\0"
        big = f"/big?bytes={10**9}".encode()
        fields = b"\x82\x87" + b"\x44" + bytes([len(big)]) + big + b"\x41" + bytes([len(HOST)]) + HOST.encode()
        http2 += bytes([0, 0, len(fields), 1, 5, 0, 0, 0, 1]) + fields
        http1 = GET.replace(b"/echo", big)
        self.streams = list(pool.map(lambda n: self.ask((CONTEXT, http1) if n % 2 else (H2_CONTEXT, http2)),
                                     range(2 * each)))

    @staticmethod
    def ask(what):
        context, data = what
        stream = context.wrap_socket(socket.create_connection((HOST, 443), PATIENCE), server_hostname=HOST)
        stream.sendall(data)
        return stream

    def answered(self):
        """How many of them had got something; ends them."""
        got = 0
        for stream in self.streams:
            with stream:
                stream.settimeout(1)
                try:
                    got += len(stream.recv(65536)) > 0
                except OSError:
                    pass
        return got


# Ten thousand connections, by several processes, for each may have a thousand descriptors only.

def hold(count, orders, answers):
    """Opens `count`, says so; tells how many are open still each time it is asked."""
    held, opened = [], 0
    address = addresses(socket.AF_INET)
    for n in range(count):
        try:
            held.append(socket.create_connection((address, (443, 80)[n % 2]), PATIENCE))
            opened += 1
        except OSError:
            pass
    answers.put(opened)
    while orders.get() == "count":
        held = [stream for stream in held if open_still(stream)]
        answers.put(len(held))


def open_still(stream):
    stream.setblocking(False)
    try:
        return bool(stream.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


def flood(total, steady):
    workers, found = 20, {}
    answers = multiprocessing.Queue()
    orders = [multiprocessing.Queue() for _ in range(workers)]
    processes = [multiprocessing.Process(target=hold, args=(total // workers, one, answers), daemon=True) for one in orders]

    def ask():
        for one in orders:
            one.put("count")
        return sum(answers.get() for _ in orders)

    begun = time.monotonic()
    for process in processes:
        process.start()
    found["opened"] = sum(answers.get() for _ in orders)
    found["seconds"] = round(time.monotonic() - begun, 1)
    found["steady"] = steady.ask()
    found["DNS"] = by_udp()
    counted, settled = [ask()], time.monotonic() + LIMIT
    while counted[-1] > 1024 and time.monotonic() < settled:
        time.sleep(0.1)  # what is accepted only to be closed takes the proxy a moment
        counted.append(ask())
    found["open at once"] = counted[-1]
    while ask() and time.monotonic() < begun + 3 * LIMIT:
        time.sleep(0.2)
    found["left"] = ask()
    for one in orders:
        one.put("end")
    for process in processes:
        process.join()
    return found


def main():
    chance = random.Random(SEED)
    found = {"before": others_are_served()}
    steady = Steady()
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        slow = Slow(pool, 8)
        stalled = Stalled(pool, 20)
        found["beside slow ones"] = others_are_served()
        found["random"] = random_bytes(pool, chance, 60)
        found["after random bytes"] = others_are_served()
        seeds_of_all = [random.Random(chance.random()) for _ in range(240)]
        found["inside TLS"] = {"made": 240, "ended": sum(pool.map(inside_tls, seeds_of_all))}
        found["after noise inside TLS"] = others_are_served()
        found["slow"] = slow.ended()
        found["stalled"] = stalled.answered()
    found["after slow ones"] = others_are_served()
    found["flood"] = flood(10_000, steady)
    found["after the flood"] = others_are_served()
    found["steady"] = steady.ask()
    json.dump(found, sys.stdout)


main()
