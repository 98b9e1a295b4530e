"""The host's own way out as a company has it: an HTTP proxy that does CONNECT, for who shows a user and password.

Source: RFC 9110, sections 9.3.6 and 11.7; RFC 7617.
"""

import base64

from . import http1, origin


class OuterProxy:
    """`asked` has (authority, status) of every CONNECT. `places`: authority -> port on loopback; the rest is refused."""

    def __init__(self, places, user=None, password=""):
        self.places = places
        self.wanted = user and "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.asked = []
        self.listener = origin.Origin("outer", 0, self.serve)
        self.port = self.listener.listens_on
        self.stop = self.listener.stop

    def serve(self, connection):
        reader = http1.Reader(connection)
        method, authority, _ = reader.line().split(" ", 2)
        shown = dict(reader.fields()).get("proxy-authorization")
        if method != "CONNECT":
            status = "405 Method Not Allowed"
        elif self.wanted and shown != self.wanted:
            status = "407 Proxy Authentication Required"
        else:
            status = "200 Connection established" if authority in self.places else "403 Forbidden"
        self.asked.append((authority, int(status[:3])))
        connection.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
        if status.startswith("200"):
            origin.relay_handler(self.places[authority])(connection)
