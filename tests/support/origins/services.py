"""Servers of other trades, each behind an Origin: git over https and ssh, gRPC, PostgreSQL, package indexes.

They run as whoever runs the test, below one directory, and end with stop().
"""

import base64
import glob
import hashlib
import html
import io
import json
import os
import pwd
import subprocess
import tarfile
import time
import zipfile

from . import site as pages

GIT_IDENTITY = {"GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.test",
                "GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@example.test",
                "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000",
                "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/dev/null", "PATH": os.environ.get("PATH", "/usr/bin:/bin")}


def quiet(command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stdout.decode('utf-8', 'replace')}")
    return done.stdout


def make_repository(path):
    """A bare repository with two commits and a file of 300 KB, which may be pushed to."""
    work = path + ".work"
    quiet(["git", "init", "-q", "-b", "main", work], env=GIT_IDENTITY)
    for n, content in enumerate((b"first\n", b"".join(pages.pattern(300_000)))):
        with open(os.path.join(work, f"file{n}"), "wb") as file:
            file.write(content)
        quiet(["git", "add", "."], cwd=work, env=GIT_IDENTITY)
        quiet(["git", "commit", "-q", "-m", f"commit {n}"], cwd=work, env=GIT_IDENTITY)
    quiet(["git", "clone", "-q", "--bare", work, path], env=GIT_IDENTITY)
    quiet(["git", "config", "http.receivepack", "true"], cwd=path, env=GIT_IDENTITY)


def git_route(root):
    """git-http-backend below /git/."""

    def route(request):
        environment = {**GIT_IDENTITY, "GIT_PROJECT_ROOT": root, "GIT_HTTP_EXPORT_ALL": "1",
                       "REQUEST_METHOD": request.method, "PATH_INFO": request.path[len("/git"):],
                       "QUERY_STRING": request.target.partition("?")[2],
                       "CONTENT_TYPE": request.header("content-type") or "",
                       "CONTENT_LENGTH": str(len(request.body)), "REMOTE_ADDR": "127.0.0.1",
                       "HTTP_CONTENT_ENCODING": request.header("content-encoding") or "",
                       "GIT_PROTOCOL": request.header("git-protocol") or ""}
        done = subprocess.run(["git", "http-backend"], input=request.body, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.decode().split(": ", 1)) for line in head.split(b"\r\n") if line]
        status = int(dict(headers).get("Status", "200").split()[0])
        return pages.Response(status, [(n.lower(), v) for n, v in headers if n != "Status"], body)

    return route


def sshd_handler(place, root):
    """sshd for one connection, as the user who runs this, with a key of its own; git alone may be run."""
    host_key, client_key = os.path.join(place, "host"), os.path.join(place, "client")
    for key in (host_key, client_key):
        quiet(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", key])
    force = os.path.join(place, "force")
    with open(force, "w", encoding="ascii") as file:
        # git says `git-upload-pack '/repo.git'`.
        file.write("#!/bin/sh\n"
                   f"exec git-shell -c \"$(echo \"$SSH_ORIGINAL_COMMAND\" | sed \"s,'/,'{root}/,\")\"\n")
    os.chmod(force, 0o755)
    config = os.path.join(place, "sshd_config")
    with open(config, "w", encoding="ascii") as file:
        file.write(f"HostKey {host_key}\nAuthorizedKeysFile {client_key}.pub\nStrictModes no\nUsePAM no\n"
                   f"PidFile none\nPasswordAuthentication no\nForceCommand {force}\nLogLevel ERROR\n")

    server_command = ["/usr/sbin/sshd", "-i", "-e", "-f", config]
    if os.getuid() == 0:  # it wants /run/sshd, which the machine may well lack
        server_command = ["unshare", "--mount", "--", "sh", "-c",
                          "mount -t tmpfs -o mode=755 none /run && mkdir /run/sshd && exec \"$@\"", "sh", *server_command]

    def handle(connection):
        with subprocess.Popen(server_command, stdin=connection,
                              stdout=connection, stderr=subprocess.DEVNULL) as server:
            server.wait()

    return handle


def ssh_client_files(place, name, directory):
    """Key and known_hosts in `directory`; returns (GIT_SSH_COMMAND, user)."""
    key = os.path.join(directory, "ssh-key")
    with open(os.path.join(place, "client"), "rb") as file, open(key, "wb") as copy:
        copy.write(file.read())
    os.chmod(key, 0o600)
    known = os.path.join(directory, "known_hosts")
    with open(os.path.join(place, "host.pub"), encoding="ascii") as file, \
            open(known, "w", encoding="ascii") as copy:
        copy.write(f"{name} " + file.read())
    return (f"ssh -F none -i {key} -o IdentitiesOnly=yes -o UserKnownHostsFile={known} "
            "-o StrictHostKeyChecking=yes -o BatchMode=yes -o CheckHostIP=no", pwd.getpwuid(os.getuid()).pw_name)


# PostgreSQL refuses to be root: there it is given a user namespace in which root's files are another's.
NOT_ROOT = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"] if os.getuid() == 0 else []


class Postgres:
    """A cluster of its own, without fsync, for whom everybody on loopback is the user `tester`."""

    def __init__(self, place):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
        if not found:
            raise RuntimeError("PostgreSQL's server is not installed")
        tools = os.path.dirname(found[-1])
        data = os.path.join(place, "data")
        quiet([*NOT_ROOT, os.path.join(tools, "initdb"), "-D", data, "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8",
               "--locale=C"])
        from socket import create_server  # a port that was free a moment ago
        with create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        with open(os.path.join(place, "log"), "wb") as log:
            self.server = subprocess.Popen(
                [*NOT_ROOT, os.path.join(tools, "postgres"), "-D", data, "-p", str(self.port), "-k", place, "-F",
                 "-c", "listen_addresses=127.0.0.1", "-c", "logging_collector=off"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.await_ready(os.path.join(tools, "pg_isready"), place)

    def await_ready(self, ask, place):
        deadline = time.monotonic() + 30
        command = [ask, "-q", "-h", place, "-p", str(self.port)]
        while subprocess.run(command, check=False).returncode != 0:
            if self.server.poll() is not None or time.monotonic() > deadline:
                with open(os.path.join(place, "log"), encoding="utf-8") as log:
                    raise RuntimeError("PostgreSQL did not start: " + log.read()[-800:])
            time.sleep(0.05)

    def stop(self):
        self.server.terminate()
        self.server.wait()


class Grpc:
    """Echo.Unary, Echo.Stream (server streams three), Echo.Chat (each message answered at once), Echo.Fail."""

    def __init__(self, certificate):
        import grpc  # only here, so that the other origins need no gRPC
        from concurrent import futures

        def described(context):
            context.send_initial_metadata((("x-first", "initial"),))
            sent = sorted(f"{m.key}={m.value}" for m in context.invocation_metadata()
                          if m.key.startswith("x-"))
            context.set_trailing_metadata((("x-last", "trailing"), ("x-sent", ";".join(sent))))

        def unary(request, context):
            described(context)
            return b"echo " + request

        def stream(request, context):
            described(context)
            for n in range(3):
                yield request + b" %d" % n

        def chat(requests, context):
            described(context)
            for request in requests:
                yield b"heard " + request

        def fail(_request, context):
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "refused on purpose")

        handlers = {"Unary": grpc.unary_unary_rpc_method_handler(unary),
                    "Stream": grpc.unary_stream_rpc_method_handler(stream),
                    "Chat": grpc.stream_stream_rpc_method_handler(chat),
                    "Fail": grpc.unary_unary_rpc_method_handler(fail)}
        with open(certificate[0], "rb") as chain, open(certificate[1], "rb") as key:
            credentials = grpc.ssl_server_credentials([(key.read(), chain.read())])
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Echo", handlers),))
        self.port = self.server.add_secure_port("127.0.0.1:0", credentials)
        self.server.start()

    def stop(self):
        self.server.stop(0).wait()


def npm_route():
    """A registry with one package, `dep`, below /npm/ of whatever host it is asked at."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path, words in {"package.json": '{"name": "dep", "version": "1.0.0", "main": "index.js"}',
                            "index.js": "module.exports = (n) => n * 2;\n"}.items():
            info = tarfile.TarInfo(f"package/{path}")
            info.size, info.mode = len(words), 0o644
            archive.addfile(info, io.BytesIO(words.encode()))
    data = buffer.getvalue()
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    def about(host):
        return {"name": "dep", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": {
            "name": "dep", "version": "1.0.0", "dist": {
                "tarball": f"https://{host}/npm/dep/-/dep-1.0.0.tgz", "integrity": f"sha512-{digest}"}}}}

    def route(request):
        if request.path == "/npm/dep":
            return pages.Response(200, [("content-type", "application/json")], json.dumps(about(request.authority)).encode())
        if request.path.endswith(".tgz"):
            return pages.Response(200, [("content-type", "application/octet-stream")], data)
        return pages.text(404, "no such package\n")

    return route


def wheel():
    """The bytes of redoubtful_demo-1.0: one module."""
    name, buffer, record = "redoubtful_demo-1.0", io.BytesIO(), []
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, words in {
                "redoubtful_demo.py": "ANSWER = 42\n",
                f"{name}.dist-info/METADATA": "Metadata-Version: 2.1\nName: redoubtful-demo\nVersion: 1.0\n",
                f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\n"
                                           "Root-Is-Purelib: true\nTag: py3-none-any\n"}.items():
            archive.writestr(path, words)
            record.append(f"{path},,")
        record.append(f"{name}.dist-info/RECORD,,")
        archive.writestr(f"{name}.dist-info/RECORD", "\n".join(record) + "\n")
    return buffer.getvalue()


def pypi_route():
    """A simple index (PEP 503) with one package, below /simple/."""
    data, file = wheel(), "redoubtful_demo-1.0-py3-none-any.whl"
    digest = hashlib.sha256(data).hexdigest()

    def route(request):
        if request.path == "/simple/redoubtful-demo/":
            link = html.escape(f"/simple/files/{file}#sha256={digest}")
            return pages.Response(200, [("content-type", "text/html")],
                                  f'<!DOCTYPE html><a href="{link}">{file}</a>'.encode())
        if request.path == f"/simple/files/{file}":
            return pages.Response(200, [("content-type", "application/octet-stream")], data)
        return pages.text(404, "no such package\n")

    return route
