"""All origins of the client matrix together, the profile that lets a box reach them, and the way without one."""

import json
import os
import shutil

import certificates
import suite as support

from . import direct, origin, services, site

TEST_FOLDER = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
REFUSED = "refused.matrix.test"
PROXY_VARIABLES = ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY",
                   "ALL_PROXY", "NO_PROXY"]

FORGET_TRUST = 'for one in $(compgen -e); do [[ ${!one} != *"/etc/redoubtful/"* ]] || unset "$one"; done; exec "$@"'


class Matrix(support.World):
    """A world with origins. `tools` is where client programs lie: mounted read-only at the same path."""

    def __init__(self, programs="clients"):
        super().__init__()
        self.tools = os.path.join(self.home, "tools")
        shutil.copytree(os.path.join(TEST_FOLDER, "box", programs), self.tools)
        self.authority = certificates.Authority(os.path.join(self.root, "ca"))
        self.leaf = self.authority.leaf("*.matrix.test")
        self.site = site.Site()
        self.origins = []
        self.ending = []
        self.way = None

    def __exit__(self, *_):
        for one in self.origins:
            one.stop()
        for server in self.ending:
            server.stop()
        super().__exit__()

    def place(self, name):
        path = os.path.join(self.root, name)
        os.makedirs(path)
        return path

    def add(self, name, port, handler, rule=None):
        made = origin.Origin(name, port, handler, rule)
        self.origins.append(made)
        return made

    def tls(self, name, protocols, page=None, leaf=None):
        context = origin.tls_context(leaf or self.leaf, protocols)
        return self.add(name, 443, origin.tls_handler(context, page or self.site))

    def web(self):
        self.tls("h1.matrix.test", ["http/1.1"])
        self.tls("h2.matrix.test", ["h2"])
        self.tls("api.matrix.test", ["h2", "http/1.1"])
        self.tls("old.matrix.test", [])
        self.add("plain.matrix.test", 80, origin.plain_handler(self.site), "http://plain.matrix.test")

    def repositories(self):
        root = self.place("git")
        services.make_repository(os.path.join(root, "repo.git"))
        self.site.routes["/git/"] = services.git_route(root)
        self.tls("git.matrix.test", ["h2", "http/1.1"])
        ssh = self.place("ssh")
        self.add("ssh.matrix.test", 22, services.sshd_handler(ssh, root), "ssh://ssh.matrix.test")
        command, user = services.ssh_client_files(ssh, "ssh.matrix.test", self.tools)
        self.environment.update(MATRIX_SSH=command, MATRIX_USER=user)

    def packages(self):
        self.site.routes["/npm/"] = services.npm_route()
        self.site.routes["/simple/"] = services.pypi_route()
        self.tls("npm.matrix.test", ["h2", "http/1.1"])
        self.tls("pypi.matrix.test", ["http/1.1"])

    def others(self):
        grpc = services.Grpc(self.leaf)
        database = services.Postgres(self.place("pg"))
        self.ending += [grpc, database]
        self.add("grpc.matrix.test", 443, origin.relay_handler(grpc.port))
        self.add("db.matrix.test", 5432, origin.relay_handler(database.port), "tcp://db.matrix.test:5432")

    def profile(self, extra="", network=""):
        """Writes the profile of all origins so far; returns its path."""
        lines = ["network:", "  allow:"]
        lines += [f'    - "{one.rule}"' for one in self.origins]
        lines += [network] if network else []
        lines.append(self.addresses())
        lines.append("environment:\n  pass: [MATRIX_SSH, MATRIX_USER, MATRIX_MODULES]")
        return self.write_profile("\n".join(lines) + "\n" + extra)

    def addresses(self):
        """`network.origins` of all origins so far."""
        return "\n".join(["  origins:"] + [
            f'    {one.name}: {{address: "127.0.0.1:{one.listens_on}", ca: "{self.authority.certificate}"}}'
            for one in self.origins])

    def write_profile(self, text):
        path = os.path.join(self.root, "matrix.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def directly(self, command, **options):
        if self.way is None:
            self.way = direct.Way(self.origins, self.authority.bundle)
        # The box has a /tmp of its own, which goes with it.
        scratch = os.path.join(self.root, "tmp")
        os.makedirs(scratch, exist_ok=True)
        environment = {**self.environment, **self.trust(), "TMPDIR": scratch, **options.pop("env", {})}
        return support.finish(command, cwd=self.project, env=environment, start=self.way.start, **options)

    def boxed(self, command, flags=(), proxy="set", **options):
        """`proxy`: "set" leaves the box's proxy variables alone, "unset" takes them away inside, "bare" takes away as well what
        names our certificates (JAVA_TOOL_OPTIONS, too)."""
        if proxy == "bare":
            command = ["bash", "-c", FORGET_TRUST, "bash", *command]
        if proxy != "set":
            command = ["env", *(w for v in PROXY_VARIABLES for w in ("-u", v)), *command]
        line = [support.redoubtful(), "run", "-u", options.pop("profile", None) or self.profile(), "-m", self.tools,
                *flags, "--", *command]
        environment = {**self.environment, **options.pop("env", {})}
        return support.finish(line, cwd=self.project, env=environment, **options)

    def ask(self, plan, profile, **options):
        """What box/attempts/ask.py found in the box, and how the run ended."""
        path = os.path.join(self.tools, "plan.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(plan, file)
        done = self.boxed(["/usr/bin/python3", os.path.join(self.tools, "ask.py"), path], profile=profile, **options)
        try:
            return json.loads(done.out), done
        except ValueError:
            raise RuntimeError(f"the attempts ended early: {done!r}") from None

    def audit(self):
        """The lines of the session that began last, as objects."""
        folder = os.path.join(self.home, ".local", "state", "redoubtful", "audit")
        latest = max((os.path.join(folder, one) for one in os.listdir(folder)), key=os.path.getmtime)
        with open(latest, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def trust(self):
        """What the box sets inside, for the direct way."""
        bundle = self.authority.bundle
        names = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT",
                 "npm_config_cafile", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"]
        return {**{name: bundle for name in names}, "NODE_EXTRA_CA_CERTS": self.authority.certificate,
                "JAVA_TOOL_OPTIONS": f"-Djavax.net.ssl.trustStore={self.key_store()} "
                                     "-Djavax.net.ssl.trustStorePassword=changeit"}

    def key_store(self):
        path = os.path.join(self.root, "ca", "trust.p12")
        if not os.path.exists(path) and shutil.which("keytool", path=support.SYSTEM_PATH):
            services.quiet(["keytool", "-importcert", "-noprompt", "-alias", "test", "-storetype", "PKCS12",
                            "-storepass", "changeit", "-keystore", path, "-file", self.authority.certificate])
        return path
