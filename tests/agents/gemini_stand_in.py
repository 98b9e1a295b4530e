"""A stand-in of generativelanguage.googleapis.com on loopback: the Gemini API over TLS, playing a script.

What stand_in.py is for OpenAI's API, with the same scripts and the same log. Served: POST
/v1beta/models/NAME:streamGenerateContent with server-sent events, :generateContent, and :countTokens. Only `key` opens
/v1beta/: every other x-goog-api-key, or none, is refused as the real host says it.

Not promised: token counts that mean anything, the login with a Google account, the files API.
"""

import json

import stand_in


def calls(contents):
    """How many function calls the conversation has had; a step of a script is one call."""
    return sum(1 for content in contents if content.get("role") == "model"
               for part in content.get("parts", []) if "functionCall" in part)


def results(requests):
    """tool call id -> what the agent reported for it: its n-th answer is that of the n-th call."""
    found = {}
    for entry in requests:
        body = entry["body"]
        contents = body.get("contents", []) if isinstance(body, dict) else []
        answers = [part["functionResponse"] for content in contents for part in content.get("parts", [])
                   if "functionResponse" in part]
        for number, answer in enumerate(answers):
            response = answer.get("response", {})
            found[f"call_{number}"] = str(response.get("output", response.get("error", response)))
    return found


def answer_part(script, request):
    """The one part of the answer. Pure: the same request, the same answer."""
    if not request.get("tools"):  # who should answer, what comes next: questions about the conversation
        return {"text": json.dumps({"reasoning": "it was asked for", "complexity_reasoning": "none", "next_speaker": "user",
                                    "model_choice": "pro", "complexity_score": 50})}
    index = calls(request.get("contents", []))
    step = script[index] if index < len(script) else {"text": "Done."}
    if "tool" in step:
        return {"functionCall": {"id": f"call_{index}", "name": step["tool"], "args": step["arguments"]}}
    return {"text": step["text"]}


def answer(part, last=True):
    candidate = {"content": {"role": "model", "parts": [part]}, "index": 0}
    if last:
        candidate["finishReason"] = "STOP"
    return {"candidates": [candidate], "modelVersion": "stand-in",
            "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}}


def streamed(part):
    """The same as a list of events; a text comes by words."""
    words = part["text"].split(" ") if "text" in part else []
    if len(words) < 2:
        return [answer(part)]
    pieces = [word + " " for word in words[:-1]] + [words[-1]]
    return [answer({"text": piece}, last=number + 1 == len(pieces)) for number, piece in enumerate(pieces)]


class Handler(stand_in.Handler):
    disable_nagle_algorithm = True

    def key_refused(self, body=None):
        if self.headers.get("x-goog-api-key") == self.server.key:
            return False
        self.send_json(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT",
                                       "message": "API key not valid. Please pass a valid API key."}}, body)
        return True

    def do_GET(self):
        if not self.key_refused():
            self.send_json(200, {})

    def do_POST(self):
        raw = self.read_body()
        if raw is None:
            return None
        try:
            request = json.loads(raw)
        except ValueError:
            return self.refuse(400, "not JSON", raw.decode("utf-8", "replace"))
        if self.key_refused(request):
            return None
        method = self.path.split("?")[0].rpartition(":")[2]
        if method == "countTokens":
            return self.send_json(200, {"totalTokens": 10}, request)
        part = answer_part(self.server.script, request)
        if method == "generateContent":
            return self.send_json(200, answer(part), request)
        if method != "streamGenerateContent":
            return self.refuse(404, "no such method", request)
        self.record(request, 200)
        self.send_events(f"data: {json.dumps(event)}\r\n\r\n" for event in streamed(part))
        return None


class GeminiStandIn(stand_in.StandIn):
    handler = Handler
