"""A world with credentials: real values that are told apart everywhere, and the ear for whoever says one."""

import base64
import json
import tempfile

import secrecy
import suite as support

from . import site as pages
from .matrix import Matrix

# One real value for each credential; none is a part of another.
REAL = {name: f"ghp_Real{name.capitalize():x<12}0123456789abcdefghij" for name in (
    "env", "file", "json", "shell", "words", "vault", "npm", "netrc", "docker", "gh", "git", "key", "body")}
VAULT_TOKEN = "hvs.stand-in-token"
ATTACKERS = "ghp_TheAttackersOwnKey0123456789abcdef"


class World(Matrix):
    def __init__(self, programs="clients"):
        super().__init__(programs)
        self.said = []  # everything that any command printed
        self.real = dict(REAL)

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

    def vault(self):
        """A Vault in which secret/ci/deploy has `token`."""
        self.site.routes["/v1/secret/data/ci/deploy"] = vault_page(REAL["vault"])
        server = self.tls("vault.matrix.test", ["http/1.1"], leaf=self.authority.leaf("127.0.0.1"))
        self.write(".vault-token", VAULT_TOKEN, 0o600)
        self.real["Vault's own token"] = VAULT_TOKEN
        self.environment.update(VAULT_NAMESPACE="team", VAULT_CACERT=self.authority.certificate,
                                VAULT_ADDR=f"https://127.0.0.1:{server.listens_on}")

    def beside_keyring(self, command, real, **options):
        """Runs it beside a real Secret Service, in which `service api user me@work` is `real`."""
        script = self.write("ring.sh", """
            eval "$(printf 'word\\n' | gnome-keyring-daemon --unlock --components=secrets)"
            for n in $(seq 50); do printf %s "$KEPT" | secret-tool store --label=x service api user me@work && break; done
            unset KEPT
            exec "$@" """, 0o755)
        place = tempfile.mkdtemp(prefix="run", dir=self.root)  # 0700, as the daemon wants it
        done = support.finish(["dbus-run-session", "--", "bash", script, *command], cwd=self.project,
                              env={**self.environment, "KEPT": real, "XDG_RUNTIME_DIR": place}, **options)
        self.said.append(done.err)
        return done

    def is_silent(self, check):
        secrecy.stays_outside(check, self, self.real, self.said)
        check.check("control: surrogates were said", "ghp_" in "\n".join(self.said))


def vault_page(real):
    def route(request):
        if request.header("x-vault-token") != VAULT_TOKEN or request.header("x-vault-namespace") != "team":
            return pages.text(403, "no\n")
        body = {"data": {"data": {"token": real}, "metadata": {"version": 1}}}
        return pages.Response(200, [("content-type", "application/json")], json.dumps(body).encode())
    return route


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
