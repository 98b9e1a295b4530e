"""A stand-in of api.anthropic.com on loopback: the Messages API over TLS, playing a script.

What stand_in.py is for OpenAI's API, with the same scripts and the same log, for agents that speak to
Anthropic. Its certificate is for api.anthropic.com, so an agent is led here by whoever dials (the box's
proxy, by `network.origins`) and need not be told of another address.

Served: POST /v1/messages, plain and streamed; everything else that agents ask of that host (greetings, event
logging, bootstrap ...) is answered with an empty object, and logged; an organisation's limits and settings are 404,
for over an empty object Claude Code asks five times. Only `key` opens /v1/, as x-api-key or as bearer: any other, or
none, is a 401 as the real host says it.

Not promised: token counts that mean anything, HTTP/2, the batches and files APIs.
"""

import json

import stand_in

MODEL = "stand-in"
PIECE = 7  # characters of tool input per SSE event: small enough to cut through every escape

NONE_SET = ("/api/claude_code/policy_limits", "/api/claude_code/settings")


def tool_uses(messages):
    """How many tool calls the conversation has had; a step of a script is one call."""
    return sum(1 for message in messages if message.get("role") == "assistant"
               for block in blocks(message) if block.get("type") == "tool_use")


def blocks(message):
    content = message.get("content")
    return content if isinstance(content, list) else []


def results(requests):
    """tool call id -> what the agent reported for it, from all requests the model received."""
    found = {}
    for entry in requests:
        body = entry["body"]
        for message in body.get("messages", []) if isinstance(body, dict) else []:
            for block in blocks(message):
                if block.get("type") == "tool_result":
                    content = block.get("content")
                    found[block["tool_use_id"]] = (
                        content if isinstance(content, str)
                        else "".join(b.get("text", "") for b in content or []))
    return found


def answer_blocks(script, request):
    """The content of the answer. Pure: the same request, the same answer. One tool call at a time."""
    if not request.get("tools"):  # agents ask for a title of the conversation that way
        return [{"type": "text", "text": "A title"}]
    index = tool_uses(request.get("messages", []))
    step = script[index] if index < len(script) else {"text": "Done."}
    if "tool" in step:
        return [{"type": "tool_use", "id": f"call_{index}", "name": step["tool"],
                 "input": step["arguments"]}]
    return [{"type": "text", "text": step["text"]}]


def whole_answer(content, request):
    calls = any(block["type"] == "tool_use" for block in content)
    return {"id": "msg_0", "type": "message", "role": "assistant",
            "model": request.get("model", MODEL), "content": content, "stop_sequence": None,
            "stop_reason": "tool_use" if calls else "end_turn",
            "usage": {"input_tokens": 10, "output_tokens": 5}}


def streamed_answer(content, request):
    """The same answer as a list of SSE event objects."""
    whole = whole_answer(content, request)
    events = [{"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}]
    for index, block in enumerate(content):
        empty = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events.append({"type": "ping"})
        for delta in deltas(block):
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "usage": whole["usage"],
                   "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None}})
    events.append({"type": "message_stop"})
    return events


def deltas(block):
    if block["type"] == "text":
        return [{"type": "text_delta", "text": word + " "} for word in block["text"].split(" ")]
    text = json.dumps(block["input"])
    return [{"type": "input_json_delta", "partial_json": text[at : at + PIECE]}
            for at in range(0, len(text), PIECE)]


class Handler(stand_in.Handler):
    disable_nagle_algorithm = True

    def plain_path(self):
        return self.path.split("?")[0]

    def key_refused(self, body=None):
        """Says 401 where the path wants the key and this is not it."""
        shown = self.headers.get("x-api-key") or self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not self.plain_path().startswith("/v1/") or shown == self.server.key:
            return False
        self.send_json(401, {"type": "error", "error": {
            "type": "authentication_error", "message": "invalid x-api-key"}}, body)
        return True

    def do_HEAD(self):
        self.record(None, 200)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        if not self.key_refused():
            self.send_json(404 if self.plain_path() in NONE_SET else 200, {})

    def do_POST(self):
        # Claude Code sends its events chunked or with a length, as it likes.
        raw = self.read_body()
        if raw is None:
            return None
        try:
            request = json.loads(raw)
        except ValueError:
            request = raw.decode("utf-8", "replace")
        if self.key_refused(request):
            return None
        if self.plain_path() == "/v1/messages/count_tokens":
            return self.send_json(200, {"input_tokens": 10}, request)
        if self.plain_path() != "/v1/messages" or not isinstance(request, dict):
            return self.send_json(200, {}, request)
        content = answer_blocks(self.server.script, request)
        if not request.get("stream"):
            return self.send_json(200, whole_answer(content, request), request)
        self.record(request, 200)
        self.send_events(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in streamed_answer(content, request))
        return None


class MessagesStandIn(stand_in.StandIn):
    handler = Handler
