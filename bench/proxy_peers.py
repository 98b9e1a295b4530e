"""What bench/proxy measures: each way from a client to the origin, started, asked and looked at.

A way is a client (bench/web_load) and, unless it is the direct one, a process between it and the origin. Names are
resolved to loopback addresses only. Errors: a way that does not start is Absent, with the reason.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

import measure

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "tests", "support"))

HOST = "origin.test"
HOST_H2 = "h2.test"  # the same, of an origin that offers h2
SECRET = "sk-bench-" + "k7Qz" * 20

COMPILE = ["c++", "-std=c++20", "-O2", "-Wall", "-Wextra", "-pthread", "-I", os.path.join(HERE, "..")]

NGINX = """
daemon off; master_process off; pid {place}/pid; error_log {place}/error.log;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  client_body_temp_path {place}/a; proxy_temp_path {place}/b; fastcgi_temp_path {place}/c;
  uwsgi_temp_path {place}/d; scgi_temp_path {place}/e;
  keepalive_requests 1000000000; client_max_body_size 0;
  {http}
}}
"""

POOL = "keepalive 64; keepalive_requests 1000000000;"

# What a proxy that opens TLS must do: verify, keep connections, log each request, hold nothing back.
NGINX_PROXY = """
  access_log {place}/access.log;
  upstream origin {{ server 127.0.0.1:{origin}; {pool} }}
  server {{
    listen 127.0.0.1:{port} ssl http2 backlog=1024; ssl_certificate {leaf}; ssl_certificate_key {key};
    location / {{
      proxy_pass https://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_request_buffering off; proxy_max_temp_file_size 0;
      proxy_ssl_verify on; proxy_ssl_trusted_certificate {ca}; proxy_ssl_server_name on;
      proxy_ssl_name {host}; proxy_ssl_session_reuse on; proxy_ssl_protocols TLSv1.2 TLSv1.3;
      location /events {{ proxy_pass https://origin; proxy_buffering off; }}
    }}
  }}
"""

NGINX_ORIGIN = """
  access_log off;
  server {{
    listen 127.0.0.1:{port} ssl http2 backlog=1024; ssl_certificate {leaf}; ssl_certificate_key {key};
    default_type text/plain;
    location / {{ if ($http_x_api_key != "{secret}") {{ return 401; }} return 200 "{body}"; }}
  }}
"""

MITMPROXY_ADDON = """
def requestheaders(flow):
    flow.request.stream = True

def responseheaders(flow):
    flow.response.stream = True
"""

PROFILE = """\
filesystem:
  mounts: [{place}]
network:
  allow: [{host}, {host_h2}, elsewhere.test]
  origins:
    {host}: {{address: "127.0.0.1:{origin}", ca: {ca}}}
    {host_h2}: {{address: "127.0.0.1:{origin_h2}", ca: {ca}}}
{more}"""

# The surrogate is inside, and the real key put in.
INJECTED = """\
credentials:
  bench:
    source: env:BENCH_KEY
    hosts: [{host}, {host_h2}]
    expose: {{env: BENCH_KEY}}
"""

# The client has the key: in a field that nothing is put into, of a host that has a credential all the same; of a host
# without one, in a session that has one; and in a session that has none.
SENT = "environment: {{set: {{BENCH_KEY: {secret}, BENCH_FIELD: bench-api-key}}}}\n"
SENT_BESIDE = SENT + INJECTED.replace("BENCH_KEY}}", "OTHER_KEY}}")
SENT_ELSEWHERE = SENT_BESIDE.replace("{host}, {host_h2}", "elsewhere.test")


# name -> its program, and the distribution's package of it
PEERS = {"nginx": ("nginx", "nginx"), "mitmproxy": ("mitmdump", "mitmproxy"), "h2load": ("h2load", "nghttp2-client")}


class Absent(Exception):
    """A way that is not to be had; the text says why."""


def compile_programs(place):
    for name in ("web_load", "web_origin"):
        subprocess.run([*COMPILE, os.path.join(HERE, name + ".cpp"), "-o", os.path.join(place, name),
                        "-lssl", "-lcrypto"], check=True)


def cpu_seconds(pid):
    """CPU time of all threads of a process; to the nanosecond where the kernel counts so."""
    total = 0.0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
                total += int(file.read().split()[0]) / 1e9
        except OSError:
            with open(f"/proc/{pid}/task/{thread}/stat", encoding="ascii") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def megabytes(pid, what="VmHWM"):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(what + ":")) / 1024


def descendant(pid, name):
    """The process called `name` below `pid`."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:
                head, _, tail = file.read().rpartition(")")
        except OSError:
            continue
        parents[int(entry)] = (int(tail.split()[1]), head.split("(", 1)[1])
    for candidate, (above, called) in parents.items():
        while called == name and above:
            if above == pid:
                return candidate
            above = parents.get(above, (0, ""))[0]
    raise Absent(f"no process {name} was started")


class Client:
    """A command that takes lines and answers with lines; ends when its stdin does."""

    def __init__(self, command, cwd, env):
        self.process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def tell(self, line):
        self.process.stdin.write(line + "\n")

    def hear(self):
        line = self.process.stdout.readline().rstrip("\n")
        if not line or line.startswith("error"):
            raise Absent(line or f"the client ended with {self.process.wait()}")
        return line

    def order(self, line):
        """Until the client is ready; then go() does it."""
        self.tell(line)
        if self.hear() != "ready":
            raise Absent("the client is not ready")

    def go(self):
        self.tell("go")
        return [float(word) for word in self.hear().split()]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Way:
    """`pid` is the process whose CPU counts, None for the direct way."""

    def __init__(self, name, client, client_h2=None, pid=None, server=None):
        self.name = name
        self.client = client
        self.client_h2 = client_h2
        self.pid = pid
        self.server = server

    def measured(self, order):
        """(CPU seconds of the process between, [seconds, p50, p99]) for an order to web_load."""
        self.client.order(order)
        before = cpu_seconds(self.pid) if self.pid else 0
        result = self.client.go()
        return (cpu_seconds(self.pid) if self.pid else 0) - before, result

    def h2load(self, words):
        """CPU seconds for h2load with these words; demands that every request was answered 200."""
        before = cpu_seconds(self.pid)
        self.client_h2.tell(words)
        said = []
        while (line := self.client_h2.process.stdout.readline()) != "end\n":
            said.append(line)
            if not line:
                raise Absent("h2load was not to be run")
        used = cpu_seconds(self.pid) - before
        text = "".join(said)
        if " 0 failed, 0 errored" not in text or " 0 4xx, 0 5xx" not in text or " 0 3xx" not in text:
            raise Absent("h2load: " + text[-600:])
        if "Application protocol: h2" not in text:
            raise Absent("h2 was not spoken")
        return used

    def end(self):
        for client in (self.client, self.client_h2):
            if client:
                client.end()
        if self.server:
            self.server.terminate()
            self.server.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process):
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise Absent(f"{process.args[0]} does not listen")


class Stage:
    """Certificates, origins and programs in one throw-away place; makes the ways."""

    def __init__(self, place, without=()):
        import certificates  # pylint: disable=import-outside-toplevel
        self.place = place
        self.has_h2 = not {"nginx", "h2load"} & set(without)
        self.home = os.path.join(place, "home")
        self.programs = os.path.join(place, "programs")
        os.makedirs(os.path.join(self.home, "project"))
        os.makedirs(self.programs)
        compile_programs(self.programs)
        authority = certificates.Authority(os.path.join(place, "authority"))
        self.ca = authority.certificate
        self.leaf, self.key = authority.leaf(HOST, HOST_H2, "localhost")
        self.env = {**measure.environment(self.home), "BENCH_KEY": SECRET}
        self.cwd = os.path.join(self.home, "project")
        self.load = os.path.join(self.programs, "web_load")
        self.origin = Client([os.path.join(self.programs, "web_origin"), self.leaf, self.key, SECRET],
                             self.cwd, self.env)
        self.port = int(self.origin.hear().split()[-1])
        self.origin_h2 = None
        self.port_h2 = free_port()
        if self.has_h2:
            self.origin_h2 = self.nginx("origin-h2", self.port_h2, NGINX_ORIGIN.format(
                port=self.port_h2, leaf=self.leaf, key=self.key, secret=SECRET, body="s" * 128))

        self.box = self.box_of("injected", INJECTED)

    def box_of(self, name, more):
        profile = os.path.join(self.home, name + ".yaml")
        with open(profile, "w", encoding="utf-8") as file:
            file.write(PROFILE.format(place=json.dumps(self.programs), host=HOST, host_h2=HOST_H2,
                                      ca=json.dumps(self.ca), origin=self.port, origin_h2=self.port_h2,
                                      more=more.format(host=HOST, host_h2=HOST_H2, secret=SECRET)))
        return [measure.redoubtful(), "run", "-q", "-u", profile, "--"]

    def end(self):
        self.origin.end()
        if self.origin_h2:
            self.origin_h2.terminate()
            self.origin_h2.wait()

    def nginx(self, name, port, http):
        program = measure.distribution_program("nginx")
        place = os.path.join(self.place, name)
        os.makedirs(place)
        path = os.path.join(place, "nginx.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(NGINX.format(place=place, http=http))
        process = subprocess.Popen([program, "-e", f"{place}/error.log", "-p", place, "-c", path],
                                   stderr=subprocess.DEVNULL)
        wait_for_port(port, process)
        return process

    def outside(self, host, port):
        return Client([self.load, host, "127.0.0.1", str(port)], self.cwd, self.env)

    def h2_outside(self, port):
        return self.h2(["/bin/sh"], f"--connect-to=127.0.0.1:{port}")

    def h2(self, shell, more=""):
        """A shell that runs h2load for each line; None where it is not to."""
        if not self.has_h2:
            return None
        script = (f"while read -r words; do h2load {more} -H \"x-api-key: $BENCH_KEY\" $words "
                  f"https://{HOST_H2}/small; echo end; done")
        return Client([*shell, "-c", script], self.cwd, self.env)

    def direct(self):
        return Way("direct", self.outside(HOST, self.port))

    def through_nginx(self, name="nginx", pool=POOL):
        port = free_port()
        process = self.nginx(name, port, NGINX_PROXY.format(
            place=os.path.join(self.place, name), origin=self.port, port=port, leaf=self.leaf, key=self.key,
            ca=self.ca, host=HOST, pool=pool))
        return Way(name, self.outside(HOST, port), self.h2_outside(port) if pool else None, process.pid, process)

    def through_nginx_unpooled(self):
        """A connection to the origin for each of the client's requests, with a resumed handshake, as ours."""
        return self.through_nginx("nginx-unpooled", "")

    def through_mitmproxy(self):
        program = measure.distribution_program("mitmdump")
        addon = os.path.join(self.place, "stream.py")
        with open(addon, "w", encoding="utf-8") as file:
            file.write(MITMPROXY_ADDON)
        port = free_port()
        process = subprocess.Popen(
            [program, "-q", "--mode", f"reverse:https://localhost:{self.port}", "--listen-host", "127.0.0.1",
             "--listen-port", str(port), "--set", f"confdir={self.place}/mitmproxy", "--set",
             f"ssl_verify_upstream_trusted_ca={self.ca}", "--set", "keep_host_header=true", "-s", addon],
            env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(port, process)
        return Way("mitmproxy", self.outside(HOST, port), None, process.pid, process)

    def without_credential(self):
        return self.through_redoubtful("bare host", self.box_of("elsewhere", SENT_ELSEWHERE))

    def without_surrogate(self):
        return self.through_redoubtful("no surrogate", self.box_of("beside", SENT_BESIDE))

    def without_any_credential(self):
        return self.through_redoubtful("no credential", self.box_of("none", SENT))

    def through_redoubtful(self, name="redoubtful", box=None):
        client = Client([*(box or self.box), self.load, HOST, HOST, "443"], self.cwd, self.env)
        client.order("requests 1 1")  # so that the proxy is there
        client.go()
        pid = descendant(client.process.pid, "redoubtful-prox")
        return Way(name, client, None, pid)

    def h2_through_redoubtful(self):
        """A run of its own: the client of another was the shell."""
        client = self.h2([*self.box, "/bin/sh"])
        client.tell("-n 1")
        while client.process.stdout.readline() not in ("end\n", ""):
            pass
        pid = descendant(client.process.pid, "redoubtful-prox")
        return Way("redoubtful", None, client, pid)


def clean(place):
    shutil.rmtree(place, ignore_errors=True)
