"""Every process that descends from this one, orphans included, without relying on names or markers.

A suite that calls adopt_orphans() becomes the parent of whatever its children leave behind, however
often that has forked, made sessions or changed its name. So "no process is left" is a fact about the
process table: this process has no descendants.
"""

import ctypes
import os
import signal
import time

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


class Process:
    """One line of the process table. `name` is cut to 15 bytes by the kernel."""

    def __init__(self, pid, name, state, parent):
        self.pid = pid
        self.name = name
        self.state = state
        self.parent = parent

    def __repr__(self):
        return f"{self.name}({self.pid}, {self.state}, child of {self.parent})"


def table():
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                text = file.read().decode("utf-8", "replace")
        except OSError:
            continue  # it ended meanwhile
        name = text[text.index("(") + 1 : text.rindex(")")]
        state, parent = text[text.rindex(")") + 2 :].split()[:2]
        found[int(entry)] = Process(int(entry), name, state, int(parent))
    return found


def descendants(root):
    """All processes below `root`, parents before children; zombies are included."""
    processes = table()
    children = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process)
    found, pending = [], [root]
    while pending:
        for child in sorted(children.get(pending.pop(), []), key=lambda p: p.pid):
            found.append(child)
            pending.append(child.pid)
    return found


def reap_orphans():
    """Takes the exit statuses of adopted processes. Every Popen must have been waited for before."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def left_after(seconds):
    """Our living descendants, asked until there are none or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        reap_orphans()
        left = descendants(os.getpid())
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.005)


def kill_descendant(root, pid):
    """SIGKILL to `pid` if it still is a descendant of `root`; False when it is gone.

    The pidfd is opened first and the ancestry looked at afterwards, so that a reused number cannot hit a
    stranger.
    """
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if pid != root and all(p.pid != pid for p in descendants(root)):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)


def end_all():
    """Kills what a failed check has left, so that the next round starts clean."""
    for process in reversed(descendants(os.getpid())):
        kill_descendant(os.getpid(), process.pid)
    left_after(2)
