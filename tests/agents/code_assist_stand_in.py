"""A stand-in of cloudcode-pa.googleapis.com on loopback: what the Gemini CLI speaks with after a Google login.

The same conversation as gemini_stand_in.py, in an envelope: {"request": ...} and {"response": ...}. Only `key` opens
/v1internal, as bearer: any other is 401. Everything else that is asked of the host, or of www.googleapis.com, is answered
with an empty object.
"""

import json

import gemini_stand_in
import stand_in

METHODS = {
    "loadCodeAssist": {"currentTier": {"id": "standard-tier", "name": "stand-in"}, "cloudaicompanionProject": "stand-in"},
    "countTokens": {"totalTokens": 10},
}


class Handler(gemini_stand_in.Handler):
    def key_refused(self, body=None):
        if self.headers.get("Authorization") == f"Bearer {self.server.key}":
            return False
        self.send_json(401, {"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "Request had invalid "
                                       "authentication credentials."}}, body)
        return True

    def do_POST(self):
        raw = self.read_body()
        if raw is None:
            return None
        request = json.loads(raw) if raw else {}
        if self.key_refused(request):
            return None
        method = self.path.split("?")[0].rpartition(":")[2]
        if method not in ("generateContent", "streamGenerateContent"):
            return self.send_json(200, METHODS.get(method, {}), request)
        inner = request.get("request", {})
        part = gemini_stand_in.answer_part(self.server.script, inner)
        if method == "generateContent":
            return self.send_json(200, {"response": gemini_stand_in.answer(part)}, inner)
        self.record(inner, 200)
        self.send_events(f"data: {json.dumps({'response': event})}\r\n\r\n" for event in gemini_stand_in.streamed(part))
        return None


class CodeAssistStandIn(stand_in.StandIn):
    handler = Handler
