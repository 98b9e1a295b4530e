"""One origin: a name, its public port, and where it really listens.

A handler takes a connected socket and owns it. Nothing here has a limit or a policy: origins do what
a test tells them to. Threads, because a test's origin may well block for ever on purpose; they are daemons.
"""

import socket
import ssl
import threading

from . import http1, http2


class Origin:
    """Listens on 127.0.0.1:`listens_on` from construction on. `hits` counts the connections accepted.

    `at`: another address and port of loopback.
    """

    def __init__(self, name, port, handler, rule=None, at=("127.0.0.1", 0)):
        self.name = name
        self.port = port  # what clients dial
        self.handler = handler
        self.rule = rule or name  # the allow rule of a profile
        self.hits = 0
        self.sockets = []
        listener = socket.create_server(at, backlog=256)
        self.listens_on = listener.getsockname()[1]
        self.serve(listener)

    def serve(self, listener):
        """Accepts from one more listening socket, which may belong to another network namespace."""
        self.sockets.append(listener)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.hits += 1
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.handler(connection)
        except (OSError, ValueError, EOFError):
            pass  # a client that vanishes is a test's business
        finally:
            connection.close()

    def stop(self):
        for listener in self.sockets:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()


def tls_context(certificate, protocols):
    """A server context that offers these ALPN names; resumption and tickets are Python's defaults."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def tls_handler(context, site):
    """HTTP/2 where ALPN chose it, else HTTP/1.1."""

    def handle(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            wire = http2 if secure.selected_alpn_protocol() == "h2" else http1
            wire.serve(secure, site)
            try:
                secure.unwrap().close()
            except (OSError, ValueError):
                pass

    return handle


def plain_handler(site):
    return lambda connection: http1.serve(connection, site)


def either_handler(context, site):
    """TLS or plain HTTP on one port, as the first byte says: an origin's address is the same for both."""
    secure, plain = tls_handler(context, site), plain_handler(site)

    def handle(connection):
        first = connection.recv(1, socket.MSG_PEEK)
        (secure if first == b"\x16" else plain)(connection)

    return handle


def relay_handler(target):
    """Bytes both ways to another server; each direction ends by itself (half-close)."""

    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def handle(connection):
        with socket.create_connection(("127.0.0.1", target)) as other:
            back = threading.Thread(target=pump, args=(other, connection), daemon=True)
            back.start()
            pump(connection, other)
            back.join()

    return handle
