"""What the Python suites share: verdict lines, a throw-away world, and looking at it afterwards.

A suite prints one line per check, `ok NAME` or `FAIL NAME: why`, and exits 0 only if it had checks and
all passed; tests/run counts these lines. Python 3.9, standard library only, because suites run on
a bare machine and inside the box alike.

Environment: REDOUBTFUL is the installed program (default: `redoubtful` in PATH).
"""

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


class Suite:
    """Counts and prints verdicts. Nothing is buffered: what a crash cuts off is seen."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failed = 0

    def ok(self, what):
        self.passed += 1
        print(f"ok {self.name}: {what}", flush=True)

    def fail(self, what, why):
        self.failed += 1
        print(f"FAIL {self.name}: {what}: {one_line(why)}", flush=True)

    def check(self, what, holds, why=""):
        if holds:
            self.ok(what)
        else:
            self.fail(what, why or "does not hold")
        return bool(holds)

    def equal(self, what, got, wanted):
        return self.check(what, got == wanted, f"got {got!r}, wanted {wanted!r}")

    @contextlib.contextmanager
    def guarded(self, what):
        """A part whose own crash is one failure, not the end of the suite."""
        try:
            yield
        except Exception as error:  # pylint: disable=broad-except
            self.fail(what, f"{type(error).__name__}: {error}")

    def finish(self):
        if not self.passed and not self.failed:
            self.fail("has checks", "nothing was checked")
        sys.exit(1 if self.failed else 0)


def one_line(text, limit=1500):
    flat = str(text).replace("\\", "\\\\").replace("\n", "\\n")
    return flat if len(flat) <= limit else flat[:limit] + " [cut]"


def redoubtful():
    """The absolute path of the program under test. Exits with a FAIL line when there is none."""
    named = os.environ.get("REDOUBTFUL", "redoubtful")
    found = shutil.which(named)
    if not found:
        print(f"FAIL setup: no program {named!r}: set REDOUBTFUL to the installed redoubtful")
        sys.exit(1)
    return os.path.abspath(found)


class World:
    """A $HOME and a project with a git repository in it, both gone at the end.

    It lies in /var/tmp, not /tmp: the box has a /tmp of its own, which would make "not visible inside"
    true for the wrong reason. Nothing of the caller's environment is in `environment`.
    """

    def __init__(self, parent=None):
        parent = parent or os.environ.get("REDOUBTFUL_TEST_DIR", "/var/tmp")
        self.began = time.time() - 1  # times of files are coarser
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="redoubtful-test-", dir=parent))
        self.home = os.path.join(self.root, "home")
        self.project = os.path.join(self.home, "src", "project")
        self.written = set()  # by write()
        os.makedirs(self.project, mode=0o755)
        self.environment = {
            "HOME": self.home,
            "PATH": SYSTEM_PATH,
            "TERM": "dumb",
            "LANG": "C.UTF-8",
            "SHELL": "/bin/bash",
            "USER": "tester",
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        remove_tree(self.root)

    def write(self, relative, content, mode=0o644):
        """Writes a file below the home, making directories; returns its path."""
        path = os.path.join(self.home, relative)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(path, mode)
        self.written.add(path)
        return path

    def git_init(self):
        self.write(".gitconfig", "[user]\n\tname = T\n\temail = t@example.test\n"
                                 "[init]\n\tdefaultBranch = main\n")
        self.run(["git", "init", "-q"])
        self.write("src/project/README", "a project\n")
        self.run(["git", "add", "README"])
        self.run(["git", "commit", "-q", "-m", "first"])

    def run(self, command, **options):
        """Runs outside the box in the project and demands success; returns stdout as text."""
        done = finish(command, cwd=options.pop("cwd", self.project),
                      env=options.pop("env", self.environment), **options)
        if done.status != 0:
            raise RuntimeError(f"{command} gave {done.status}: {done.out}{done.err}")
        return done.out


class Done:
    """What a finished command left: exit status as a shell reports it, stdout and stderr as text."""

    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err

    def __repr__(self):
        return f"status {self.status}, stdout {self.out!r}, stderr {self.err!r}"


def finish(command, timeout=120, start=subprocess.Popen, **options):
    """Runs to the end in a session of its own. A command that outlives `timeout` is killed: 'hung'.

    `start` makes the process, as Popen does.
    """
    process = start(command, stdin=options.pop("stdin", subprocess.DEVNULL),
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    start_new_session=True, **options)
    try:
        out, err = process.communicate(timeout=timeout)
        status = process.returncode if process.returncode >= 0 else 128 - process.returncode
    except subprocess.TimeoutExpired:
        # The session is ours, so its group is only what we started.
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        status = "hung"
    return Done(status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


def remove_tree(path):
    """rm -rf that also gets through directories without write permission."""

    def again(function, name, _):
        os.chmod(os.path.dirname(name), 0o700)
        if os.path.isdir(name) and not os.path.islink(name):
            os.chmod(name, 0o700)
        function(name)

    shutil.rmtree(path, onerror=again)


def snapshot(top, ignore=()):
    """Every entry below `top` with what makes it the same: type, mode, owner, content or target.

    `ignore` holds relative paths whose subtrees are left out. Times are left out: reading a directory
    may change them.
    """
    seen = {}
    pending = [""]
    while pending:
        relative = pending.pop()
        path = os.path.join(top, relative) if relative else top
        info = os.lstat(path)
        entry = [stat.S_IFMT(info.st_mode), stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid]
        if stat.S_ISREG(info.st_mode):
            entry.append(file_digest(path))
        elif stat.S_ISLNK(info.st_mode):
            entry.append(os.readlink(path))
        elif stat.S_ISDIR(info.st_mode):
            for name in os.listdir(path):
                child = os.path.join(relative, name) if relative else name
                if child not in ignore:
                    pending.append(child)
        seen[relative] = tuple(entry)
    return seen


def file_digest(path):
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    except PermissionError:
        return "unreadable"
    return digest.hexdigest()


def changes(before, after):
    """The paths that are new, gone or different, as a sorted list of '+a', '-b', '~c'."""
    lines = [f"+{p}" for p in after if p not in before]
    lines += [f"-{p}" for p in before if p not in after]
    lines += [f"~{p}" for p in after if p in before and after[p] != before[p]]
    return sorted(lines, key=lambda line: line[1:])


def port_is_free(port):
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def processes_with(marker):
    """Pids of all processes whose environment or command line holds `marker`, but for our own.

    Environments of processes that are not dumpable cannot be read by others than root: those are told by
    their command line alone.
    """
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        for name in ("environ", "cmdline"):
            try:
                with open(f"/proc/{entry}/{name}", "rb") as file:
                    if marker.encode() in file.read():
                        found.append(int(entry))
                        break
            except OSError:
                pass
    return found


def left_after_a_second(marker):
    """processes_with(marker), asked until there are none or the second is over that tear-down may take."""
    deadline = time.monotonic() + 1
    while True:
        left = processes_with(marker)
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.02)
