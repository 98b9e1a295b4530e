#!/usr/bin/env python3
"""A small MCP server with one tool, over stdio or over HTTP: what an agent in the box is told to use.

    mcp_server.py NAME          speaks on its standard input and output, a JSON object a line; makes the file
                                NAME.listed when it was asked for its tools

The tool `greet` answers with the server's name and what it was given, so that a result tells which server was asked.
As HTTP (HttpServer) it demands `token`, where there is one, as bearer. Source: modelcontextprotocol.io, revision
2025-06-18: JSON answers, no streams of its own.
"""

import http.server
import json
import socketserver
import ssl
import sys
import threading

REVISION = "2025-06-18"
TOOL = {"name": "greet", "description": "Greets somebody.",
        "inputSchema": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}}


def answer(server, message):
    """The answer to one message; None to a notification."""
    if "id" not in message:
        return None
    method, results = message.get("method"), {
        "initialize": {"protocolVersion": message.get("params", {}).get("protocolVersion", REVISION),
                       "capabilities": {"tools": {}}, "serverInfo": {"name": server, "version": "1"}},
        "tools/list": {"tools": [TOOL]}, "ping": {},
    }
    if method == "tools/call":
        name = message["params"]["arguments"]["name"]
        results[method] = {"content": [{"type": "text", "text": f"{server} greets {name}"}]}
    if method not in results:
        return {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no such method"}}
    return {"jsonrpc": "2.0", "id": message["id"], "result": results[method]}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def reply(self, status, value=None):
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.reply(405 if self.path == "/mcp" else 404)

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        shown = self.headers.get("Authorization")
        self.server.seen.append((self.path, shown))
        if self.path != "/mcp":
            return self.reply(404)
        if self.server.token and shown != f"Bearer {self.server.token}":
            return self.reply(401, {"error": "no or wrong token"})
        given = answer(self.server.name, json.loads(raw))
        return self.reply(202) if given is None else self.reply(200, given)


class HttpServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """On a free port of loopback; with `identity` (certificate, key) over TLS. `seen`: (path, Authorization)."""

    daemon_threads = True

    def __init__(self, name, token=None, identity=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.name, self.token, self.seen = name, token, []
        self.port = self.server_address[1]
        if identity:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*identity)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def main():
    for line in sys.stdin:
        message = json.loads(line)
        given = answer(sys.argv[1], message)
        if given is not None:
            print(json.dumps(given), flush=True)
        if message.get("method") == "tools/list":
            with open(sys.argv[1] + ".listed", "w", encoding="ascii"):
                pass


if __name__ == "__main__":
    main()
