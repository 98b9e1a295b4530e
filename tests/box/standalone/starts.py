"""What it reads and writes, how a start fails, what it is while it runs, and how it ends."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import time

import suite as support
from standalone.world import API, OTHER, REAL, Proxy, curl, program


def files(check, world):
    token, environment = world.path("token"), world.path("client.env")
    with Proxy(world, "--token-file", token, "--environment-file", environment) as proxy:
        check.equal("a token file is made for its owner alone", stat.S_IMODE(os.stat(token).st_mode), 0o600)
        with open(token, encoding="ascii") as file:
            made = file.read().strip()
        check.check("and no token is printed", made not in proxy.out + proxy.said() and not proxy.lines, proxy.out)
        check.equal("the environment file is for its owner alone", stat.S_IMODE(os.stat(environment).st_mode), 0o600)
        with open(environment, encoding="ascii") as file:
            lines = dict(line.rstrip("\n").split("=", 1) for line in file)
        answer = curl(world, "--cacert", proxy.ca, "-H", f"Authorization: token {lines['API_KEY']}",
                      f"https://{API}/echo", environment=lines)
        check.check("its variables are all that curl needs",
                    (answer.status, world.site.log[-1].header("authorization")) == ("200", f"token {REAL}"), answer)
        check.equal("the CA certificate can be read by all", stat.S_IMODE(os.stat(proxy.ca).st_mode), 0o644)
        check.check("what a box has, and this has not, is said", "network.forward" in proxy.said(), proxy.said())
    with Proxy(world, "--token-file", token, listen="0.0.0.0:0") as proxy:
        here = f"http://redoubtful:{made}@127.0.0.1:{proxy.port('--listen')}"
        answer = curl(world, "-x", here, "--cacert", proxy.ca, f"https://{API}/echo")
        check.check("the next one takes the same token, on every address", answer.status == "200", answer)
        check.check("and has another surrogate", proxy.lines["API_KEY"] != lines["API_KEY"])
    alone = shutil.copy(os.path.realpath(program()), world.place("elsewhere"))
    with Proxy(world, executable=alone) as proxy:
        answer = curl(world, "-x", proxy.url(proxy.token()), "--cacert", proxy.ca, f"https://{API}/echo")
        check.check("the program needs nothing else of what is installed", answer.status == "200", answer)
    with open(world.config, "rb") as config, Proxy(world, config="-", stdin=config) as proxy:
        answer = curl(world, "-x", proxy.url(proxy.token()), "--cacert", proxy.ca, f"https://{API}/echo")
        check.check("the configuration from standard input", answer.status == "200", answer)


def starts_that_fail(check, world):
    taken = socket.create_server(("127.0.0.1", 0))
    port = f"127.0.0.1:{taken.getsockname()[1]}"
    free = ["--listen", "127.0.0.1:0"]
    config = ["--config", world.config]
    unset = {name: value for name, value in world.environment.items() if name != "REAL_KEY"}
    readable = world.file("readable", "x" * 32, 0o640)
    rows = [
        ("a port that is taken", 125, [*config, "--listen", port], "Address already in use", "ss -ltnp"),
        ("another redirected port that is taken", 125, [*config, *free, "--redirected-tls", port],
         "--redirected-tls: cannot listen on " + port, "ss -ltnp"),
        ("an address of nobody's", 125, [*config, "--listen", "192.0.2.77:0"], "Cannot assign", "ip address"),
        ("a token file that the group may read", 78, [*config, *free, "--token-file", readable],
         "others may read it", f"chmod 600 {readable}"),
        ("a token that is too short", 78, [*config, *free, "--token-file", world.file("short", "secret")],
         "16 to 256 are wanted", "remove the file"),
        ("every address without a token file", 64, [*config, "--listen", "0.0.0.0:0"], "--token-file", "--help"),
        ("no configuration", 64, free, "--config is missing", "--help"),
        ("a configuration that is not there", 78, ["--config", world.path("absent"), *free], "No such file",
         "show --json"),
        ("one that is no JSON", 78, ["--config", world.file("bad.json", "network:\n"), *free], "bad.json", ""),
        ("one with a key that is unknown", 78,
         ["--config", world.file("key.json", '{"version":1,"network":{"allows":[]}}'), *free], "allows", ""),
        ("a CA that cannot be written", 78, [*config, *free, "--ca-certificate", world.path("no/ca.pem")],
         "--ca-certificate", ""),
        ("an audit log that cannot be written", 78, [*config, *free, "--audit", world.root], "--audit", ""),
    ]
    for name, status, words, says, remedy in rows:
        done = world.fails(*words)
        check.check(f"{name}: says so, and what to do",
                    done.status == status and says in done.err and remedy in done.err and all(
                        line.startswith("redoubtful-proxy: ") for line in done.err.splitlines()), repr(done))
        check.check(f"{name}: nothing else", "secret" not in done.err and "ready" not in done.out, repr(done))
    taken.close()
    done = world.fails(*config, *free, environment=unset)
    check.check("a variable that is not set is named, with the line that wants it",
                done.status == 78 and "REAL_KEY is not set" in done.err and "matrix.yaml:" in done.err, repr(done))
    for word, shows in (("--help", "--redirected-tls"), ("--version", "redoubtful-proxy ")):
        done = world.fails(word)
        check.check(word, done.status == 0 and shows in done.out and not done.err, repr(done))


def confinement(check, world):
    with Proxy(world) as proxy:
        place = f"/proc/{proxy.process.pid}"
        with open(f"{place}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        check.equal("no_new_privs, a seccomp filter, no capability",
                    (status["NoNewPrivs"], status["Seccomp"], int(status["CapEff"], 16), int(status["CapPrm"], 16)),
                    ("1", "2", 0, 0))
        with open(f"{place}/cmdline", "rb") as file:
            check.check("the command line holds no secret", REAL.encode() not in file.read())
        own = support.finish(["cat", "/proc/self/environ"], env=world.environment)
        check.check("control: another program's environment shows it", REAL in own.out, repr(own))
        try:
            with open(f"{place}/environ", "rb") as file:
                shown = file.read()
            check.check("root sees an environment that was erased", os.getuid() == 0 and not shown.strip(b"\0"), shown)
        except PermissionError:
            check.ok("the same user may not look at its environment")
        if os.getuid() != 0:
            for look in (["cat", f"{place}/maps"], ["head", "-c1", f"{place}/mem"], ["ls", f"{place}/fd"],
                         ["ls", f"{place}/root/"]):
                refused = support.finish(look)
                check.check(f"the same user may not {' '.join(look).replace(place, 'PLACE')}",
                            "Permission denied" in refused.err, repr(refused))


def endings(check, world):
    for number in (signal.SIGTERM, signal.SIGINT):
        with Proxy(world) as proxy:
            through = ["-x", proxy.url(proxy.token()), "--cacert", proxy.ca]
            curl(world, *through, f"https://{API}/echo")
            for _ in range(3):
                curl(world, *through, f"https://{OTHER}/")
            # One that is under way, and one that has said nothing.
            address, port = proxy.at["--listen"].rsplit(":", 1)
            with socket.create_connection((address, int(port))), \
                    socket.create_connection((address, int(port))) as open_one:
                open_one.sendall(b"GET http://plain.alone.test/ HTTP/1.1\r\n")
                began = time.monotonic()
                check.equal(f"{number.name} ends it with status 0", proxy.end(number), 0)
                check.check(f"{number.name}: at once, with connections open", time.monotonic() - began < 2)
            log = proxy.log()
            check.equal(f"{number.name}: the log is finished", (log[0]["event"], log[-1]["event"]), ("start", "stop"))
            check.check(f"{number.name}: repeated denials are counted at the end",
                        any(line.get("count") == 3 for line in log if line["event"] == "deny"), log)
            check.check(f"{number.name}: nothing more is said", "bug" not in proxy.said(), proxy.said())
    done = subprocess.Popen([program(), "--config", world.config, "--listen", "127.0.0.1:0", "--audit", "-"],
                            env=world.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)
    for line in done.stderr:
        if b"ready" in line:
            break
    done.terminate()
    out, _ = done.communicate()
    events = [json.loads(line)["event"] for line in out.decode().splitlines()]
    check.equal("--audit -: standard output is the log and nothing else", events, ["start", "stop"])
