"""HTTP/2 as an origin speaks it, by Debian's python3-h2: several streams at once, flow control, trailers."""

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from . import site as pages


class Stream:
    def __init__(self, headers):
        self.pseudo = {n: v for n, v in headers if n.startswith(":")}
        self.fields = [(n, v) for n, v in headers if not n.startswith(":")]
        self.body = []
        self.trailers = []
        self.pieces = None  # of the answer
        self.rest = b""
        self.after = []


class Connection:
    def __init__(self, connection, site):
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self.protocol = h2.connection.H2Connection(config)
        self.connection = connection
        self.site = site
        self.streams = {}

    def serve(self):
        self.protocol.initiate_connection()
        self.flush()
        while True:
            data = self.connection.recv(65536)
            if not data:
                return
            for event in self.protocol.receive_data(data):
                self.handle(event)
            for number in list(self.streams):
                self.pump(number)
            self.flush()

    def flush(self):
        data = self.protocol.data_to_send()
        if data:
            self.connection.sendall(data)

    def handle(self, event):
        if isinstance(event, h2.events.RequestReceived):
            stream = Stream(event.headers)
            self.streams[event.stream_id] = stream
            if ("expect", "100-continue") in stream.fields:
                self.protocol.send_headers(event.stream_id, [(":status", "100")])
        elif isinstance(event, h2.events.DataReceived):
            if event.stream_id in self.streams:
                self.streams[event.stream_id].body.append(event.data)
            self.protocol.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            if event.stream_id in self.streams:
                self.streams[event.stream_id].trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamReset):
            self.streams.pop(event.stream_id, None)
        elif isinstance(event, h2.events.StreamEnded) and event.stream_id in self.streams:
            self.answer(event.stream_id)

    def answer(self, number):
        stream = self.streams[number]
        request = pages.Request("2", stream.pseudo[":method"], stream.pseudo[":path"], stream.fields,
                                b"".join(stream.body), stream.trailers, stream.pseudo.get(":authority"))
        response = self.site(request)
        early = dict(response.headers).get("x-early")
        if early:
            self.protocol.send_headers(number, [(":status", "103"), ("link", pages.link(early))])
        headers = [(":status", str(response.status)), *response.headers]
        if response.length is not None:
            headers.append(("content-length", str(response.length)))
        elif isinstance(response.body, bytes) and response.status not in (204, 304):
            headers.append(("content-length", str(len(response.body))))
        pieces = iter([response.body] if isinstance(response.body, bytes) else response.body)
        if request.method == "HEAD" or response.status in (204, 304):
            self.protocol.send_headers(number, headers, end_stream=True)
            del self.streams[number]
            return
        self.protocol.send_headers(number, headers)
        stream.pieces = pieces
        stream.after = response.trailers

    def pump(self, number):
        """Sends what the windows allow; the rest when they open."""
        stream = self.streams.get(number)
        while stream and stream.pieces is not None:
            if not stream.rest:
                stream.rest = next(stream.pieces, None)
            if stream.rest is None:
                if stream.after:
                    self.protocol.send_headers(number, stream.after, end_stream=True)
                else:
                    self.protocol.end_stream(number)
                del self.streams[number]
                return
            room = min(self.protocol.local_flow_control_window(number),
                       self.protocol.max_outbound_frame_size)
            if room <= 0:
                return
            self.protocol.send_data(number, stream.rest[:room])
            stream.rest = stream.rest[room:]
            self.flush()


def serve(connection, site):
    try:
        Connection(connection, site).serve()
    except h2.exceptions.H2Error:
        return
