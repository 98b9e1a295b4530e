"""What agents have in common that cannot be told of another address: outside, the stand-in has their hosts' names."""

import os
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support")]

import certificates  # noqa: E402
from origins import direct, origin  # noqa: E402


class NamedAgent:
    """Before keyed_agent.Agent among the bases."""

    def outside(self, scene):
        origins = [origin.Origin(host, 443, origin.relay_handler(scene.server.port)) for host in self.hosts()]
        bundle = os.path.join(scene.root, "bundle.pem")
        with open(bundle, "w", encoding="ascii") as out:
            for part in (certificates.SYSTEM_BUNDLE, scene.authority):
                with open(part, encoding="ascii", errors="replace") as file:
                    out.write(file.read())
        return direct.Way(origins, bundle).start

    def bare(self, scene):
        return [*self.command()], {"NODE_EXTRA_CA_CERTS": scene.authority, "HTTPS_PROXY": "", "NO_PROXY": ""}
