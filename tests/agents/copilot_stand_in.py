"""A stand-in of GitHub's API and of Copilot's on loopback, over TLS, playing a script.

What stand_in.py is for OpenAI's API, whose chat completions Copilot speaks, with the same scripts and the same log. Served
besides: who the user is and where Copilot's API is (GET /copilot_internal/user of api.github.com), which models there are
(GET /models). Only `key` opens it, as bearer or as GitHub's `token`. Everything else is an empty 404, and logged.

Not promised: the responses API, MCP, token counts that mean anything.
"""

import stand_in

API = "api.individual.githubcopilot.com"
MODELS = ("claude-sonnet-4.5", "gpt-5", "gpt-5-mini", "gpt-4.1", "claude-sonnet-4", "claude-haiku-4.5")
USER = {
    "login": "tester", "copilot_plan": "individual", "chat_enabled": True, "access_type_sku": "monthly_subscriber",
    "can_signup_for_limited": False, "assigned_date": None, "analytics_tracking_id": "0", "organization_list": [],
    "endpoints": {"api": f"https://{API}", "telemetry": "https://telemetry.individual.githubcopilot.com"},
    "quota_reset_date": "2100-01-01", "quota_snapshots": {},
}


def model(name):
    return {
        "id": name, "name": name, "vendor": "stand-in", "version": name, "object": "model", "preview": False,
        "model_picker_enabled": True, "policy": {"state": "enabled", "terms": ""}, "supported_endpoints": ["/chat/completions"],
        "billing": {"is_premium": False, "multiplier": 0},
        "capabilities": {"family": name, "type": "chat", "object": "model_capabilities", "tokenizer": "o200k_base",
                         "limits": {"max_context_window_tokens": 200000, "max_output_tokens": 16000, "max_prompt_tokens": 128000},
                         "supports": {"streaming": True, "tool_calls": True, "parallel_tool_calls": True}},
    }


class Handler(stand_in.Handler):
    completions = "/chat/completions"

    def allowed(self):
        return self.headers.get("Authorization") in (f"Bearer {self.server.key}", f"token {self.server.key}")

    def do_GET(self):
        if not self.allowed():
            return self.refuse(401, "no or wrong token")
        answers = {"/copilot_internal/user": USER, "/models": {"data": [model(name) for name in MODELS], "object": "list"}}
        path = self.path.split("?")[0]
        return self.send_json(200, answers[path]) if path in answers else self.refuse(404, "no such path")


class CopilotStandIn(stand_in.StandIn):
    handler = Handler
