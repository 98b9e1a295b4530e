"""What the benchmarks share: running alternately, the equivalent bwrap command line, tables.

Absolute times mean little on shared machines, so everything is alternated within one run and ends in a
ratio to a peer. Python standard library only.

Environment: REDOUBTFUL is the installed program (default: `redoubtful` in PATH).
"""

import ctypes
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def redoubtful():
    named = os.environ.get("REDOUBTFUL", "redoubtful")
    found = shutil.which(named)
    if not found:
        sys.exit(f"no program {named!r}: set REDOUBTFUL to the installed redoubtful")
    return os.path.abspath(found)


def distribution_program(name):
    """The path of a peer, or None. No table is filled from a program in somebody's $HOME."""
    return shutil.which(name, path=SYSTEM_PATH)


def environment(home):
    return {"HOME": home, "PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "TERM": "dumb"}


class Finished:
    """Seconds to the first byte of stdout and to the exit; CPU seconds of what could be waited for."""

    def __init__(self, status, first_byte, wall, cpu, out):
        self.status = status
        self.first_byte = first_byte
        self.wall = wall
        self.cpu = cpu
        self.out = out


def once(command, cwd, env):
    """Runs `command` once, and waits for all it has left. posix_spawn, because Python's own fork would cost more than a bare `true`.

    A name without a slash is looked up in SYSTEM_PATH, so that a bare peer starts as directly as the others.
    """
    program = command[0] if "/" in command[0] else distribution_program(command[0])
    read_end, write_end = os.pipe()
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, write_end, 1)]
    before = os.getcwd()
    os.chdir(cwd)
    try:
        used = cpu_of_children()
        begin = time.perf_counter()
        # Python ignores SIGPIPE, and pasta (2023) refuses to start where it is ignored already.
        pid = os.posix_spawn(program, command, env, file_actions=actions, setsigdef=[signal.SIGPIPE])
        os.close(write_end)
        out = os.read(read_end, 65536)
        first_byte = time.perf_counter() - begin
        while more := os.read(read_end, 65536):
            out += more
        _, status = os.waitpid(pid, 0)
        wall = time.perf_counter() - begin
    finally:
        os.chdir(before)
        os.close(read_end)
        os.close(null)
    wait_for_orphans()
    return Finished(os.waitstatus_to_exitcode(status), first_byte, wall, cpu_of_children() - used,
                    out)


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def adopt_orphans():
    """Becomes the parent of what children leave behind, for the CPU of such processes is counted only by
    whoever waits for them: bwrap does not wait for the first process of its pid namespace."""
    if ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) != 0:  # PR_SET_CHILD_SUBREAPER
        sys.exit("prctl(PR_SET_CHILD_SUBREAPER) failed")


def wait_for_orphans():
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def check_works(command, cwd, env, wanted):
    """None when `command` prints `wanted`; else why it is to be skipped, in a line."""
    process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, err = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the session is ours alone
        process.communicate()
        return "does not end (20 s)"
    if process.returncode == 0 and out == wanted:
        return None
    said = err.decode("utf-8", "replace").strip().splitlines()
    return f"status {process.returncode}: {said[-1] if said else 'no message'}"


def mounts_inside(cwd, env):
    """The box's own mount table and the symbolic links of its root: what bare bwrap is to repeat."""
    script = ("cat /proc/self/mountinfo; echo ---; "
              "for l in /*; do if [ -L \"$l\" ]; then echo \"$l $(readlink \"$l\")\"; fi; done")
    done = subprocess.run([redoubtful(), "run", "--", "/bin/sh", "-c", script], cwd=cwd, env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    table, _, links = done.stdout.decode().partition("---\n")
    return table.splitlines(), [line.split(" ", 1) for line in links.splitlines()]


def unescape(field):
    return field.encode().decode("unicode_escape") if "\\" in field else field


def host_path(device, root, host_table):
    """Where on the host the directory `root` of file system `device` is to be seen, or None."""
    for line in host_table:
        fields = line.split()
        if fields[2] != device:
            continue
        base, point = unescape(fields[3]), unescape(fields[4])
        if root == base or root.startswith(base.rstrip("/") + "/"):
            path = os.path.normpath(os.path.join(point, os.path.relpath(root, base)))
            if os.path.lexists(path):
                return path
    return None


def same_mounts(cwd, env):
    """bwrap's arguments for the mounts that the box really has, in the same order.

    Below /proc and /dev bwrap's own --proc and --dev stand for all. Files that the box makes itself
    (its resolv.conf, for example) lie in its tmpfs and are no mounts, or become an empty file here.
    """
    table, links = mounts_inside(cwd, env)
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        host_table = file.read().splitlines()
    arguments = []
    for line in table:
        left, _, right = line.partition(" - ")
        fields = left.split()
        kind = right.split()[0]
        device, root, point = fields[2], unescape(fields[3]), unescape(fields[4])
        read_only = "ro" in fields[5].split(",")
        if point == "/" or point.startswith(("/proc/", "/dev/")):
            continue
        source = None if kind in ("proc", "tmpfs") else host_path(device, root, host_table)
        if kind == "proc" and point == "/proc":
            arguments += ["--proc", "/proc"]
        elif point == "/dev":
            arguments += ["--dev", "/dev"]
        elif source:
            arguments += ["--ro-bind" if read_only else "--bind", source, point]
        elif kind == "tmpfs" and root == "/":
            arguments += ["--tmpfs", point]
        else:
            arguments += ["--ro-bind", "/dev/null", point]
    for link, target in links:
        arguments += ["--symlink", target, link]
    return arguments


def bwrap_command(program, mounts, cwd):
    return [program, "--unshare-all", "--die-with-parent", "--cap-drop", "ALL", *mounts,
            "--chdir", cwd]


def spread(values):
    """(median, minimum, maximum)"""
    return statistics.median(values), min(values), max(values)


def print_table(heading, rows):
    """Rows of strings under a heading, in columns, the first one left-aligned."""
    lines = [heading, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heading))]
    for n, line in enumerate(lines):
        cells = [line[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(line[1:], widths[1:])]
        print("  ".join(cells).rstrip())
        if n == 0:
            print("  ".join("-" * width for width in widths))
