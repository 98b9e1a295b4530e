#!/usr/bin/python3
"""N10: the proxy is killed while everything is under way, and nothing gets out. N11: whatever clients do to its
listeners, others are served and its memory stays bounded.

What is done inside is attempts/abuse.py. Environment: REDOUBTFUL_SEED repeats a run; REDOUBTFUL_KILLS, rounds of N10 (6).
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), HERE]

import family  # noqa: E402
import suite as support  # noqa: E402
from origins import origin, site  # noqa: E402
from origins.matrix import Matrix  # noqa: E402

HOST, WEB_PORT = "ok.abuse.test", 8443
# Measured: a third of it. What is held most for is HTTP/2 clients that read nothing, by the windows of proxy/limits.hpp.
MEGABYTES = 256
LOG_BYTES = 2_000_000

PROFILE = """
network:
  allow: [{host}, "http://{host}", "{host}:{port}"]
  origins:
    {host}: {{address: "127.0.0.1:{at}", ca: "{ca}"}}
"""


class World(Matrix):
    def __init__(self):
        super().__init__("attempts")
        leaf = self.authority.leaf(HOST)
        self.origin = self.add(HOST, 443, origin.either_handler(origin.tls_context(leaf, ["h2", "http/1.1"]), self.site))
        self.file = self.write_profile(PROFILE.format(
            host=HOST, port=WEB_PORT, at=self.origin.listens_on, ca=self.authority.certificate))

    def start(self, command, **options):
        line = [support.redoubtful(), "run", "-u", self.file, "-m", self.tools, "--", *command]
        return subprocess.Popen(line, cwd=self.project, env=self.environment, stdin=subprocess.DEVNULL, **options)


def proxy_below(pid):
    return next((p.pid for p in family.descendants(pid) if p.name.startswith("redoubtful-prox")), None)


def memory(pid):
    """Megabytes that the process has at most had; None when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["VmHWM"].split()[0]) // 1024
    except (OSError, KeyError):
        return None


class Watch(threading.Thread):
    """What the proxy of a run needs, as long as it lives."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.pids, self.most = process, set(), 0
        self.start()

    def run(self):
        while self.process.poll() is None:
            pid = proxy_below(self.process.pid)
            if pid:
                self.pids.add(pid)
                self.most = max(self.most, memory(pid) or 0)
            time.sleep(0.1)


def abuse(check, world, seed):
    process = world.start(["/usr/bin/python3", os.path.join(world.tools, "abuse.py"), HOST, str(WEB_PORT), seed],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    watch = Watch(process)
    try:
        out, err = process.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        process.terminate()
        out, err = process.communicate()
    watch.join()
    said = err.decode("utf-8", "replace")
    try:
        found = json.loads(out)
    except ValueError:
        raise RuntimeError(f"the attempts ended early: {out[-500:]!r} {said[-3000:]}") from None
    check.check("N11: the proxy was one process from the beginning to the end", len(watch.pids) == 1, watch.pids)
    check.equal("N11: the run ended as it should", process.returncode, 0)
    for when in ("before", "beside slow ones", "after random bytes", "after noise inside TLS", "after slow ones",
                 "after the flood"):
        wrong = {way: status for way, status in found[when]["statuses"].items() if status != 200}
        check.check(f"N11: {when}: others are served by all {len(found[when]['statuses'])} ways", not wrong, wrong)
    for when in ("beside slow ones", "after random bytes"):
        check.check(f"N11: {when}: within 5 s", found[when]["seconds"] < 5, found[when]["seconds"])
    for listener, counts in found["random"].items():
        check.check(f"N11: random bytes to {listener}: every connection is ended",
                    counts["made"] == counts["ended"] > 0, counts)
    check.check("N11: noise and spoilt records inside TLS: every connection is ended",
                found["inside TLS"]["made"] == found["inside TLS"]["ended"], found["inside TLS"])
    for kind, ended in found["slow"].items():
        check.check(f"N11: slow: {kind}: is not waited for", ended)
    check.equal("N11: those who read nothing had their answers, and stalled nobody", found["stalled"], 40)
    flood = found["flood"]
    check.check("N11: ten thousand connections were made", flood["opened"] >= 9_900, flood)
    check.check("N11: no more than 1,024 of them were open at once, and some", 0 < flood["open at once"] <= 1024, flood)
    check.equal("N11: meanwhile an older connection was served", flood["steady"], 200)
    check.equal("N11: meanwhile names had addresses", flood["DNS"], 200)
    check.equal("N11: they are not kept for ever", flood["left"], 0)
    check.equal("N11: the older connection still is", found["steady"], 200)
    check.check(f"N11: the proxy had less than {MEGABYTES} MB at any time", 0 < watch.most < MEGABYTES, watch.most)
    lines = world.audit()
    bugs = [one for one in lines if one.get("reason") == "proxy_internal_error"]
    check.check("N11: nothing of it was a bug's", not bugs, bugs[:3])
    check.check("N11: the limit is in the audit log", any(one.get("reason") == "limit" for one in lines),
                sorted({str(one.get("reason")) for one in lines}))
    size = sum(len(json.dumps(one)) for one in lines)
    check.check(f"N11: the log has less than {LOG_BYTES} bytes", size < LOG_BYTES, size)
    check.check("N11: a person is told few lines", 0 < said.count("\n") <= 5, said)
    print(f"most memory {watch.most} MB, log {size} bytes, flood {flood}, "
          f"beside slow ones {found['beside slow ones']['seconds']} s", flush=True)


# All at once and without end, by every way; then by no way at all.
BUSY = r"""
trap '' TERM HUP INT
one() { while :; do "$@" >/dev/null 2>&1; done; }
get() { curl -s -m 5 "$@"; }
one get https://{host}/echo &
one get --noproxy '*' https://{host}/big?bytes=3000000 &
one get http://{host}/echo &
one get -T /usr/bin/env https://{host}/echo &
one getent hosts x$RANDOM.{host} &
one timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/{other}; echo x >&3' &
one timeout 1 bash -c 'echo x >/dev/udp/127.0.0.1/{other}' &
get https://{host}/echo >/dev/null && echo busy
wait
"""


def killed(check, world, chance, number):
    """A run whose proxy is killed at a random moment; from start-up on in every third."""
    came = []
    host = support.socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: came.append(host.accept()), daemon=True).start()
    script = BUSY.replace("{host}", HOST).replace("{other}", str(host.getsockname()[1]))
    early = number % 3 == 0
    process = world.start(["/bin/bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True)
    moment = chance.random() * (0.15 if early else 0.8)
    what = f"N10: killed {moment * 1000:.0f} ms after {'it starts' if early else 'all is under way'}"
    try:
        if not early:
            check.equal(f"{what}: control: something gets out", process.stdout.readline(), b"busy\n")
        deadline = time.monotonic() + 20
        while (proxy := proxy_below(process.pid)) is None and time.monotonic() < deadline and process.poll() is None:
            pass
        time.sleep(moment)  # the random moment itself
        killed_one = family.kill_descendant(process.pid, proxy) if proxy else False
        check.check(f"{what}: it was there", killed_one)
        begun = time.monotonic()
        before = world.origin.hits
        process.wait(10)
        check.check(f"{what}: the run ends within 3 s", time.monotonic() - begun < 3, time.monotonic() - begun)
        # What the kernel had connected for it when it died is accepted there after its death.
        time.sleep(0.3)
        at_end = world.origin.hits
        check.check(f"{what}: nothing more reaches the origin", at_end - before <= 8, at_end - before)
        check.equal(f"{what}: nothing reached the host by itself", came, [])
        check.equal(f"{what}: the status is 125", process.returncode, 125)
        said = process.stderr.read().decode("utf-8", "replace")
        check.check(f"{what}: it is said, in few lines",
                    "redoubtful-proxy ended" in said and "redoubtful doctor" in said and said.count("\n") <= 4, said)
        left = family.left_after(1.0)
        check.check(f"{what}: no process is left", not left, left)
        check.equal(f"{what}: nothing reaches the origin later", world.origin.hits, at_end)
    finally:
        host.close()
        process.stdout.close()
        process.stderr.close()
        family.end_all()


def main():
    seed = os.environ.get("REDOUBTFUL_SEED") or str(random.SystemRandom().randrange(1 << 32))
    print(f"REDOUBTFUL_SEED={seed}", flush=True)
    chance = random.Random(seed)
    check = support.Suite("network_abuse")
    family.adopt_orphans()
    with World() as world:
        with check.guarded("abuse"):
            abuse(check, world, seed)
        for number in range(int(os.environ.get("REDOUBTFUL_KILLS", "6"))):
            with check.guarded(f"round {number}"):
                killed(check, world, chance, number)
    check.finish()


if __name__ == "__main__":
    main()
