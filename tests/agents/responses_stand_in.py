"""A stand-in of api.openai.com on loopback: the Responses API over TLS, playing a script.

What stand_in.py is for the older API, with the same scripts and the same log, for Codex, which asks by WebSocket: one
upgrade, then a JSON message for each turn, and the events of the answer as messages. POST /v1/responses
with server-sent events is served as well, and all of it below /backend-api/codex, as chatgpt.com has it. Only `key`
opens /v1/ and /backend-api/: any other bearer, or none, is 401.

A WebSocket's turns are in the log like requests, with the method "MESSAGE" and the headers of its upgrade.

Not promised: token counts that mean anything, fragmented messages, HTTP/2.
"""

import base64
import hashlib
import json

import stand_in

ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
KEYED = ("/v1/", "/backend-api/")
ACCOUNTS = "/backend-api/wham/accounts/check"
RESPONSES = ("/v1/responses", "/backend-api/codex/responses")
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def results(requests):
    """tool call id -> what the agent reported for it, from all turns the model received."""
    found = {}
    for entry in requests:
        for item in input_of(entry["body"]):
            if item.get("type") == "function_call_output":
                output = item["output"]
                found[item["call_id"]] = output if isinstance(output, str) else json.dumps(output)
    return found


def input_of(body):
    items = body.get("input", []) if isinstance(body, dict) else []
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


class Conversation:
    """Which step comes next. An agent may send the whole conversation or only what is new."""

    def __init__(self, script):
        self.script = script
        self.calls = 0

    def item(self, request):
        """The output item that answers `request`; None where nothing is to be generated."""
        if request.get("generate") is False:
            return None
        outputs = [i for i in input_of(request) if i.get("type") == "function_call_output"]
        answered = {int(i["call_id"].split("_")[1]) for i in outputs}
        index = max(answered) + 1 if answered else 0
        step = self.script[index] if index < len(self.script) else {"text": "Done."}
        if "tool" in step:
            return {"type": "function_call", "id": f"fc_{index}", "call_id": f"call_{index}",
                    "name": step["tool"], "arguments": json.dumps(step["arguments"])}
        return {"type": "message", "id": f"msg_{index}", "role": "assistant",
                "content": [{"type": "output_text", "text": step["text"]}]}


def events(item):
    response = {"id": "resp_0", "object": "response", "created_at": 0, "model": "stand-in"}
    found = [{"type": "response.created", "response": {**response, "status": "in_progress"}}]
    if item:
        found.append({"type": "response.output_item.done", "output_index": 0, "item": item})
    usage = {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 5,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15}
    found.append({"type": "response.completed",
                  "response": {**response, "status": "completed", "usage": usage,
                               "output": [item] if item else []}})
    return found


def accounts(identity):
    """Where the account's workspace is; Codex asks before it speaks to the model."""
    return {"accounts": [{"id": identity, "name": "Personal", "structure": "personal", "plan_type": "pro",
                          "is_deactivated": False, "can_access_with_session": True,
                          "is_fedramp_compliant_workspace": False, "account_routing_override": "NO_CONSTRAINT",
                          "workspace_backend_origin": "https://chatgpt.com"}],
            "account_ordering": [identity], "default_account_id": identity}


class Handler(stand_in.Handler):
    disable_nagle_algorithm = True

    def allowed(self):
        return (not self.path.startswith(KEYED)
                or self.headers.get("Authorization") == f"Bearer {self.server.key}")

    def do_GET(self):
        if not self.allowed():
            return self.refuse(401, "no or wrong key")
        if self.headers.get("Upgrade", "").lower() == "websocket":
            return self.websocket()
        if self.path.split("?")[0] == ACCOUNTS:
            return self.send_json(200, accounts(self.headers.get("ChatGPT-Account-ID", "")))
        return self.send_json(200, {"object": "list", "data": [], "models": []})

    def do_POST(self):
        raw = self.read_body()
        if raw is None:
            return None
        try:
            request = json.loads(raw)
        except ValueError:
            request = raw.decode("utf-8", "replace")
        if not self.allowed():
            return self.refuse(401, "no or wrong key", request)
        if self.path.split("?")[0] not in RESPONSES or not isinstance(request, dict):
            return self.send_json(200, {}, request)
        self.record(request, 200)
        self.send_events(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events(Conversation(self.server.script).item(request)))
        return None

    def websocket(self):
        key = self.headers.get("Sec-WebSocket-Key", "")
        accept = base64.b64encode(hashlib.sha1((key + ACCEPT_GUID).encode()).digest()).decode()
        self.record(None, 101)
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        self.close_connection = True
        self.command = "MESSAGE"
        conversation = Conversation(self.server.script)
        while True:
            kind, payload = self.read_frame()
            if kind == PING:
                self.write_frame(PONG, payload)
            elif kind == TEXT:
                request = json.loads(payload)
                self.record(request, 200)
                for event in events(conversation.item(request)):
                    self.write_frame(TEXT, json.dumps(event).encode())
            elif kind != PONG:
                self.write_frame(CLOSE, payload[:2])
                return

    def read_frame(self):
        """(opcode, payload); the end of the connection is a CLOSE."""
        head = self.rfile.read(2)
        if len(head) < 2:
            return CLOSE, b""
        length = head[1] & 0x7F
        if length > 125:
            length = int.from_bytes(self.rfile.read(2 if length == 126 else 8), "big")
        if length > stand_in.MAX_BODY_BYTES or not head[1] & 0x80:
            return CLOSE, b""
        mask = self.rfile.read(4)
        payload = self.rfile.read(length)
        return head[0] & 0x0F, bytes(b ^ mask[n % 4] for n, b in enumerate(payload))

    def write_frame(self, kind, payload):
        size = len(payload)
        head = bytes([0x80 | kind])
        if size < 126:
            head += bytes([size])
        elif size < 65536:
            head += bytes([126]) + size.to_bytes(2, "big")
        else:
            head += bytes([127]) + size.to_bytes(8, "big")
        self.wfile.write(head + payload)
        self.wfile.flush()


class ResponsesStandIn(stand_in.StandIn):
    handler = Handler
