"""A world with credentials: real values that are told apart everywhere, and the ear for whoever says one."""

import base64
import os
import subprocess

import suite as support

from . import site as pages
from .matrix import Matrix

# One real value for each credential; none is a part of another.
REAL = {name: f"ghp_Real{name.capitalize():x<12}0123456789abcdefghij" for name in (
    "env", "file", "json", "shell", "words", "vault", "npm", "netrc", "docker", "gh", "git", "key", "body")}
ATTACKERS = "ghp_TheAttackersOwnKey0123456789abcdef"


class World(Matrix):
    def __init__(self, programs="clients"):
        super().__init__(programs)
        self.said = []  # everything that any command printed

    def inside(self, script, profile, **options):
        done = self.boxed(["bash", "-c", script], profile=profile, **options)
        self.said.append(done.out + done.err)
        return done

    def with_credentials(self, text):
        return self.profile("credentials:\n" + text)

    def outside(self, *words):
        done = support.finish([support.redoubtful(), *words], cwd=self.project, env=self.environment)
        self.said.append(done.out + done.err)
        return done

    def forget(self):
        for seen in (self.site.log, self.site.upgrades, self.site.frames):
            seen.clear()

    def got(self, path):
        return [request for request in self.site.log if request.path == path]

    def is_silent(self, check):
        """S4: of all that was said, and in no file of ours."""
        everything = "\n".join(self.said)
        for name, real in REAL.items():
            forms = [real, base64.b64encode(real.encode()).decode()[4:-6], base64.b64encode(b"me:" + real.encode()).decode()[8:-6]]
            check.check(f"S4 the real value of {name} was said by nobody", not any(form in everything for form in forms))
        found = subprocess.run(["grep", "-rl", "-e", "Real.*0123456789abcdefghij", os.path.join(self.home, ".local")],
                               stdout=subprocess.PIPE, check=False).stdout.decode()
        check.equal("S4 and is in no file of ours", found, "")
        check.check("control: surrogates were said", "ghp_" in everything)


def wants(real, route):
    """The route for who shows the real value as a password or token; 401 for everybody else."""

    def judge(request):
        field = request.header("authorization") or ""
        if field.lower().startswith("basic "):
            field = base64.b64decode(field[6:]).decode().partition(":")[2]
        if field.removeprefix("Bearer ").removeprefix("token ") == real:
            return route(request)
        return pages.Response(401, [("www-authenticate", 'Basic realm="origin"')], b"who are you?\n")

    return judge
