"""What the agents with Anthropic's key have in common: the host, the key's place, and the stand-in."""

import keyed_agent
import messages_stand_in


class AnthropicAgent(keyed_agent.Agent):
    host = "api.anthropic.com"
    variable = "ANTHROPIC_API_KEY"
    prefix = "sk-ant-api03-"
    key_field = "x-api-key"
    model_path = "/v1/messages"

    def server(self, identity, key):
        return messages_stand_in.MessagesStandIn([], key=key, identity=identity)

    def results(self, requests):
        return messages_stand_in.results(requests)
