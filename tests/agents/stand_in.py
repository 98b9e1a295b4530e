#!/usr/bin/env python3
"""An OpenAI-compatible model server that plays a script: what tests put behind a real agent.

A real model is neither to be had in a test nor deterministic. This one looks only at the shape of the
conversation: the n-th answer after the last user message is the n-th step of the script, so the
agent drives it exactly as it would a model, and the same run gives the same bytes every time.

Served: GET /v1/models; POST /v1/chat/completions, plain and streamed (SSE, the arguments of a tool
call cut into pieces as real servers do). Every request is one JSON line in the log, whatever its
path, so that a test can also say what an agent did *not* send.

Not promised: token counts that mean anything. For Anthropic's API see messages_stand_in.py, for OpenAI's newer one
responses_stand_in.py.

A script is a JSON list; a step is one of
  {"text": "..."}                                   the answer, and the end of the turn
  {"tool": "write", "arguments": {...}}             one tool call
  {"tools": [{"tool": ..., "arguments": ...}, ...]} several at once
A script that has run out answers "Done.". A request without tools (agents ask for a title of the
conversation that way) is answered "A title" and moves nothing.
"""

import argparse
import http.server
import json
import socketserver
import ssl
import sys
import threading

MODEL = "stand-in"
MAX_BODY_BYTES = 32 * 1024 * 1024
PIECE = 7  # characters of tool arguments per SSE event: small enough to cut through every escape


def answers_since_user(messages):
    """How many assistant turns the agent has already had since the last word of the user."""
    count = 0
    for message in reversed(messages):
        role = message.get("role")
        if role == "user":
            break
        if role == "assistant":
            count += 1
    return count


def step_for(script, request):
    """The step of `script` that answers `request`. Pure: the same request, the same step."""
    if not request.get("tools"):
        return {"text": "A title"}
    index = answers_since_user(request.get("messages", []))
    return script[index] if index < len(script) else {"text": "Done."}


def calls_of(step, request):
    """The tool calls of a step in wire form; ids are counted through the conversation."""
    wanted = step.get("tools") or ([step] if "tool" in step else [])
    seen = sum(len(m.get("tool_calls") or []) for m in request.get("messages", []))
    return [
        {
            "id": f"call_{seen + n}",
            "type": "function",
            "function": {"name": call["tool"], "arguments": json.dumps(call["arguments"])},
        }
        for n, call in enumerate(wanted)
    ]


def results(requests):
    """tool call id -> what the agent reported for it, from all requests the model received."""
    found = {}
    for entry in requests:
        body = entry["body"]
        for message in body.get("messages", []) if isinstance(body, dict) else []:
            if message.get("role") == "tool":
                content = message["content"]
                if isinstance(content, list) and all(isinstance(part.get("text"), str) for part in content):
                    content = "".join(part["text"] for part in content)
                found[message["tool_call_id"]] = content if isinstance(content, str) else json.dumps(content)
    return found


def usage():
    return {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def whole_answer(step, request):
    calls = calls_of(step, request)
    message = {"role": "assistant", "content": step.get("text") or (None if calls else "")}
    if calls:
        message["tool_calls"] = calls
    return {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": MODEL,
        "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        ],
        "usage": usage(),
    }


def streamed_answer(step, request):
    """The same answer as a list of SSE chunk objects."""

    def chunk(delta, finish=None):
        return {
            "id": "chatcmpl-0",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": MODEL,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }

    chunks = [chunk({"role": "assistant", "content": ""})]
    for word in (step.get("text") or "").split(" "):
        if word:
            chunks.append(chunk({"content": word + " "}))
    calls = calls_of(step, request)
    for n, call in enumerate(calls):
        function = {"name": call["function"]["name"], "arguments": ""}
        head = {"index": n, "id": call["id"], "type": "function", "function": function}
        chunks.append(chunk({"tool_calls": [head]}))
        text = call["function"]["arguments"]
        for at in range(0, len(text), PIECE):
            piece = {"index": n, "function": {"arguments": text[at : at + PIECE]}}
            chunks.append(chunk({"tool_calls": [piece]}))
    chunks.append(chunk({}, "tool_calls" if calls else "stop"))
    last = chunk({})
    last["choices"] = []
    last["usage"] = usage()
    chunks.append(last)
    return chunks


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    completions = "/v1/chat/completions"

    def log_message(self, *_):
        pass

    def record(self, body, status):
        self.server.record(
            {
                "method": self.command,
                "path": self.path,
                "status": status,
                "headers": {k.lower(): v for k, v in self.headers.items()},
                "body": body,
            }
        )

    def send_json(self, status, value, body=None):
        data = json.dumps(value).encode()
        self.record(body, status)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status, text, body=None):
        self.send_json(status, {"error": {"message": text, "type": "stand_in"}}, body)

    def allowed(self):
        key = self.server.key
        return key is None or self.headers.get("Authorization") == f"Bearer {key}"

    def do_GET(self):
        if not self.allowed():
            return self.refuse(401, "no or wrong key")
        if self.path.split("?")[0] != "/v1/models":
            return self.refuse(404, "no such path")
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "tests"}
        self.send_json(200, {"object": "list", "data": [model]})

    def do_POST(self):
        raw = self.read_body()
        if raw is None:
            return None
        try:
            request = json.loads(raw)
        except ValueError:
            return self.refuse(400, "not JSON", raw.decode("utf-8", "replace"))
        if not self.allowed():
            return self.refuse(401, "no or wrong key", request)
        if self.path.split("?")[0] != self.completions:
            return self.refuse(404, "no such path", request)
        step = step_for(self.server.script, request)
        if not request.get("stream"):
            return self.send_json(200, whole_answer(step, request), request)
        self.record(request, 200)
        events = [json.dumps(event) for event in streamed_answer(step, request)] + ["[DONE]"]
        return self.send_events(f"data: {event}\n\n" for event in events)

    def read_body(self):
        """The whole body; None once it was refused."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            whole = self.read_chunks()
        else:
            length = self.headers.get("Content-Length", "0")
            fits = length.isdecimal() and int(length) <= MAX_BODY_BYTES
            whole = self.rfile.read(int(length)) if fits else None
        if whole is None:
            self.close_connection = True
            self.refuse(413, "no length, or too much")
        return whole

    def read_chunks(self):
        whole = b""
        while True:
            size = int(self.rfile.readline(32).split(b";")[0], 16)
            if len(whole) + size > MAX_BODY_BYTES:
                return None
            whole += self.rfile.read(size)
            self.rfile.readline(8)
            if size == 0:
                return whole

    def send_events(self, texts):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for text in texts:
            data = text.encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")


class StandIn(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Listens from construction on; `script` may be exchanged between runs of an agent."""

    daemon_threads = True
    allow_reuse_address = True
    handler = Handler

    def __init__(self, script, port=0, key=None, log_path=None, identity=None):
        super().__init__(("127.0.0.1", port), self.handler)
        if identity:  # (certificate file, key file): TLS; each connection's own thread shakes hands
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*identity)
            context.set_alpn_protocols(["http/1.1"])
            self.socket = context.wrap_socket(self.socket, server_side=True,
                                              do_handshake_on_connect=False)
        self.script = script
        self.key = key
        self.port = self.server_address[1]
        self.requests = []
        self.lock = threading.Lock()
        self.log = open(log_path, "a", encoding="utf-8") if log_path else None

    def record(self, entry):
        with self.lock:
            self.requests.append(entry)
            if self.log:
                self.log.write(json.dumps(entry) + "\n")
                self.log.flush()

    def handle_error(self, request, client_address):
        # An agent that is killed leaves half a connection: that is a test's business, not an error.
        # So is one that does not trust the certificate.
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError, ssl.SSLError)):
            super().handle_error(request, client_address)

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.shutdown()
        self.server_close()
        if self.log:
            self.log.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("script", help="JSON list of steps")
    parser.add_argument("--port", type=int, default=8080, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--key", help="demand this bearer key")
    parser.add_argument("--log", help="append every request as a JSON line")
    options = parser.parse_args()
    with open(options.script, encoding="utf-8") as file:
        script = json.load(file)
    server = StandIn(script, options.port, options.key, options.log)
    print(f"listening on 127.0.0.1:{server.port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
