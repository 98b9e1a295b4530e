#!/usr/bin/env python3
"""kill -9 of each part of a run at a random moment: no process, no mount, no file stays behind.

The parts are the supervisor, bwrap outside, the first process of the box, redoubtful-init, the agent, pasta and
the proxy. The agent has a child that ignores every signal it can, in a session of its own, twice forked.

Environment: REDOUBTFUL_KILLS, rounds in all (20; tests/deep takes 200); REDOUBTFUL_SEED repeats a run.
"""

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import family  # noqa: E402
import suite as support  # noqa: E402

STATE = ".local/state/redoubtful"
# What a run makes once and keeps, by design: the state directory, and the record in it of which
# directories boxes were allowed to write.
KEPT = (".local", ".local/state", STATE, STATE + "/written-roots", STATE + "/audit")
LOG = re.compile(r"\+" + re.escape(STATE) + r"/audit/[0-9TZ]+-[0-9]+\.jsonl$")  # one for each run
GONE_WITHIN = 1.0    # seconds; design 2, "Life and death"
APPEARS_WITHIN = 10  # seconds for a part to exist at all, on a machine that is busy
LATEST = 0.12        # seconds after its appearance at which a part is killed

AGENT = """
(setsid bash -c "trap '' TERM INT HUP QUIT USR1 USR2; (while :; do sleep 1000; done) & wait" &)
echo ready
while :; do sleep 1000; done
"""

VICTIMS = ("supervisor", "bwrap", "first process", "init", "agent", "pasta",
           "proxy")
# What the supervisor may answer when a part was killed: 137 is the honest status of a SIGKILL, 125 when
# the box could not be built for it, or lost its only way out. pasta's end does not end a box that runs; 143 is
# our own SIGTERM to it.
STATUSES = {"supervisor": {-signal.SIGKILL}, "agent": {137}, "init": {125, 137},
            "first process": {125, 137}, "bwrap": {125, 137}, "pasta": {125, 143},
            "proxy": {125}}


def role(process, processes):
    """Which part of a run a descendant of the supervisor is; None for what is none of them."""
    parent = processes.get(process.parent)
    if process.name == "bwrap":
        return "first process" if parent and parent.name == "bwrap" else "bwrap"
    # By name: orphans of the agent become children of the first process, too.
    if parent and parent.name == "bwrap" and process.name == "init":
        return "init"
    if process.name.startswith(("pasta", "passt")):
        return "pasta"
    if process.name.startswith("redoubtful-prox"):
        return "proxy"
    return "agent" if parent and role(parent, processes) == "init" else None


def find(supervisor, wanted):
    if wanted == "supervisor":
        return supervisor.pid
    below = family.descendants(supervisor.pid)
    processes = {p.pid: p for p in below}
    for process in below:
        if process.state != "Z" and role(process, processes) == wanted:
            return process.pid
    return None


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return sorted(file.read().splitlines())


class Facts:
    """Everything that a killed run could have left, as it is now."""

    def __init__(self, world, runtime):
        self.mounts = mounts()
        self.files = support.snapshot(world.home)
        self.runtime = support.snapshot(runtime)
        # Whoever needs a temporary file asks for it here; /tmp itself is everybody's, so what is new
        # there says nothing about this run.
        self.temporary = support.snapshot(world.environment["TMPDIR"])


class Round:
    """One run and one kill in it."""

    def __init__(self, world, runtime, chance, victim, home):
        self.world = world
        self.runtime = runtime
        self.victim = victim
        self.home = home
        self.with_runtime = chance.random() < 0.5
        self.delay = chance.random() ** 2 * LATEST  # more often early, while things are being built
        self.port = chance.randrange(20000, 30000)
        # A file, not a pipe: what is left behind would hold a pipe open.
        self.said = tempfile.TemporaryFile()

    def __str__(self):
        return f"{self.victim}, {self.delay * 1000:.1f} ms after it appears, home {self.home}"

    def start(self):
        command = [support.redoubtful(), "run", "--home", self.home, "-f", str(self.port), "--",
                   "bash", "-c", AGENT]
        environment = dict(self.world.environment)
        if self.with_runtime:
            environment["XDG_RUNTIME_DIR"] = self.runtime
        return subprocess.Popen(command, cwd=self.world.project, env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=self.said, start_new_session=True)

    def kill(self, supervisor):
        """Waits for the part, then for the moment. False when it never was there."""
        deadline = time.monotonic() + APPEARS_WITHIN
        while (pid := find(supervisor, self.victim)) is None:
            if supervisor.poll() is not None or time.monotonic() > deadline:
                return False
        time.sleep(self.delay)  # the random moment itself
        return family.kill_descendant(supervisor.pid, pid)

    def run(self):
        """Returns (exit status, stderr, what is wrong or None)."""
        supervisor = self.start()
        wrong = None
        try:
            if not self.kill(supervisor):
                wrong = f"there was no {self.victim} to kill"
                supervisor.terminate()
            elif self.victim == "pasta":
                self.wait_a_moment(supervisor)
                supervisor.terminate()
            supervisor.wait(10)
        except subprocess.TimeoutExpired:
            wrong = wrong or "the supervisor goes on for 10 s"
            family.kill_descendant(os.getpid(), supervisor.pid)
            supervisor.wait()
        with self.said:
            self.said.seek(0)
            return supervisor.returncode, self.said.read().decode("utf-8", "replace"), wrong

    def wait_a_moment(self, supervisor):
        """A run whose pasta was killed before the ports were there ends by itself; another goes on."""
        try:
            supervisor.wait(0.5)
        except subprocess.TimeoutExpired:
            pass


def judge(check, one, world, runtime):
    before = Facts(world, runtime)
    status, said, wrong = one.run()
    left = family.left_after(GONE_WITHIN)
    problems = [wrong] if wrong else []
    if left:
        problems.append(f"processes left after {GONE_WITHIN} s: {left}")
        family.end_all()
    wanted = STATUSES[one.victim]
    if status not in wanted:
        problems.append(f"exit status {status}, not one of {sorted(wanted)}")
    if one.victim == "pasta" and said.count("redoubtful: pasta") != 1:
        problems.append("that pasta died was not said once")
    if one.victim not in ("supervisor", "agent") and not re.search("^redoubtful: .", said, re.M):
        problems.append("it did not say what happened")
    after = Facts(world, runtime)
    if after.mounts != before.mounts:
        problems.append(f"mounts: {set(after.mounts) ^ set(before.mounts)}")
    new = [c for c in support.changes(before.files, after.files) if c[1:] not in KEPT
           and not (one.home == "persistent" and c[1:].startswith(STATE + "/homes"))]
    if len(logs := [c for c in new if LOG.match(c)]) == 1:
        new.remove(logs[0])
    if new:
        problems.append(f"files in $HOME: {new}")
    # Its own directory may stay below the runtime directory; nothing in it may.
    new = [c for c in support.changes(before.runtime, after.runtime) if c != "+redoubtful"]
    if new:
        problems.append(f"files in the runtime directory: {new}")
    if after.temporary != before.temporary:
        new = support.changes(before.temporary, after.temporary)
        problems.append(f"temporary files: {new}")
    check.check(f"kill -9 of {one}", not problems, "; ".join(problems) + f"; it said {said!r}")


def control(check, world, runtime):
    """The looking itself: a process that is left is seen, and every part is there to be killed."""
    subprocess.run(["bash", "-c", "setsid sleep 1000 >/dev/null 2>&1 &"], check=True)
    left = family.left_after(0)
    check.check("control: a process left behind is seen", left)
    family.end_all()
    before = support.snapshot(world.home)
    stray = world.write("stray", "")
    check.equal("control: a file left behind is seen",
                support.changes(before, support.snapshot(world.home)), ["+stray"])
    os.unlink(stray)


def main():
    rounds = int(os.environ.get("REDOUBTFUL_KILLS", "20"))
    seed = os.environ.get("REDOUBTFUL_SEED") or str(random.SystemRandom().randrange(1 << 32))
    chance = random.Random(seed)
    check = support.Suite("kill")
    print(f"REDOUBTFUL_SEED={seed} REDOUBTFUL_KILLS={rounds}", flush=True)
    family.adopt_orphans()
    with support.World() as world:
        world.git_init()
        runtime = os.path.join(world.root, "runtime")
        os.mkdir(runtime, 0o700)
        world.environment["TMPDIR"] = os.path.join(world.root, "tmp")
        os.mkdir(world.environment["TMPDIR"])
        control(check, world, runtime)
        for number in range(rounds):
            victim = VICTIMS[number % len(VICTIMS)]
            home = ("tmpfs", "persistent")[number // len(VICTIMS) % 2]
            with check.guarded(f"round {number}, {victim}"):
                judge(check, Round(world, runtime, chance, victim, home), world, runtime)
            family.end_all()
        with check.guarded("afterwards"):
            done = support.finish([support.redoubtful(), "run", "--", "true"], cwd=world.project,
                                  env={**world.environment, "XDG_RUNTIME_DIR": runtime})
            check.equal("afterwards a run works", done.status, 0)
            check.equal("git status is clean", world.run(["git", "status", "--porcelain"]), "")
    check.finish()


if __name__ == "__main__":
    main()
