"""A name server on loopback that answers what a test says and counts every question.

`redoubtful run` asks it where REDOUBTFUL_RESOLVER names it (NameServer.address). Source: RFC 1035, section 4.
"""

import socket
import struct
import threading

A, AAAA = 1, 28
NXDOMAIN = 3


class NameServer:
    """`answers`: name -> list of addresses, or a function of how often that family of it was asked before.

    What has no entry does not exist. `asked` has (name, type) of every question, in the order of arrival.
    """

    def __init__(self, answers=None):
        self.answers = answers or {}
        self.asked = []
        self.tcp = socket.create_server(("127.0.0.1", 0))
        port = self.tcp.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", port))
        for work in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=work, daemon=True).start()

    def stop(self):
        # Closing alone does not wake a thread that waits in recvfrom(2) or accept(2).
        for one in (self.udp, self.tcp):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def names(self):
        return {name for name, _ in self.asked}

    def _serve_udp(self):
        while True:
            try:
                query, asker = self.udp.recvfrom(4096)
                if not query:
                    return
                self.udp.sendto(self._answer(query), asker)
            except OSError:
                return

    def _serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                head = stream.read(2)
                if len(head) == 2:
                    answer = self._answer(stream.read(struct.unpack(">H", head)[0]))
                    stream.write(struct.pack(">H", len(answer)) + answer)

    def _answer(self, query):
        labels, place = [], 12
        while query[place]:
            labels.append(query[place + 1:place + 1 + query[place]].decode("latin-1"))
            place += 1 + query[place]
        question = query[12:place + 5]
        kind = struct.unpack(">H", query[place + 1:place + 3])[0]
        name = ".".join(labels).lower()
        before = self.asked.count((name, kind))
        self.asked.append((name, kind))
        found = self.answers.get(name)
        addresses = found(before) if callable(found) else found or []
        records = [record for record in (resource(kind, one) for one in addresses) if record]
        flags = 0x8580 | (0 if found is not None else NXDOMAIN)
        return query[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + question + b"".join(records)


def resource(kind, address):
    """One record that points back at the question's name, never to be kept; None for the other family."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if kind != (AAAA if ":" in address else A):
        return None
    data = socket.inet_pton(family, address)
    return struct.pack(">HHHIH", 0xC00C, kind, 1, 0, len(data)) + data
