"""A terminal that is real and can be asked what it shows: one tmux server of its own, one window, a shell.

The shell is the user's: bash with job control, outside of any box. Its prompt carries the number of
commands so far and the last exit status, so "back at the prompt" cannot be mistaken for an older prompt.
Waits are for what the screen shows, with a deadline; nothing waits for time to pass.
"""

import os
import re
import subprocess
import tempfile
import time

PATIENCE = 20  # seconds for a program to show something, on a machine that is busy
POLL = 0.03    # between two looks at the screen

PROMPT = re.compile(r"^outer:(\d+):(\d+)>$")


class ScreenError(Exception):
    """What was waited for never showed; the text says what did."""


class Terminal:
    """Use in a `with`: the server and everything below it is gone afterwards."""

    def __init__(self, directory, scratch, environment, columns=80, rows=24):
        """The shell starts in `directory`; the server's socket lies below `scratch`, for /tmp would keep it."""
        self.sockets = tempfile.mkdtemp(prefix="tmux-", dir=scratch)
        self.environment = dict(environment, TMUX_TMPDIR=self.sockets, PS1=r"outer:\#:$?> ", HISTFILE="")
        self.environment.pop("TERM", None)  # tmux names the terminal that it is
        self.name = f"redoubtful-test-{os.getpid()}"
        self.size = (columns, rows)
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", directory,
                  "bash", "--norc", "--noprofile", "-i")

    def __enter__(self):
        self.prompt(after=0)
        return self

    def __exit__(self, *_):
        subprocess.run(self.command("kill-server"), env=self.environment, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def command(self, *words):
        return ["tmux", "-L", self.name, "-f", "/dev/null", *words]

    def tmux(self, *words):
        done = subprocess.run(self.command(*words), env=self.environment, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise ScreenError(f"tmux {words}: {done.stdout!r}")
        return done.stdout.decode("utf-8", "replace")

    # ---- what is there ---------------------------------------------------------------------------

    def screen(self, *options):
        """The rows as shown, without spaces at their ends. `-e` among the options keeps the colours."""
        return [row.rstrip() for row in self.tmux("capture-pane", "-p", *options).split("\n")[: self.size[1]]]

    def text(self):
        return "\n".join(self.screen())

    def fact(self, name):
        """A format variable of the pane, e.g. alternate_on, cursor_x, pane_width."""
        return self.tmux("display-message", "-p", "#{" + name + "}").strip()

    def last_row(self):
        return next((row for row in reversed(self.screen()) if row), "")

    # ---- doing -----------------------------------------------------------------------------------

    def type(self, text):
        self.tmux("send-keys", "-l", "--", text)

    def keys(self, *names):
        """Keys as tmux names them: C-c, Enter, Up, F10."""
        self.tmux("send-keys", *names)

    def resize(self, columns, rows):
        """Returns when the kernel knows: tmux tells the pane's terminal up to 250 ms after it says that it did."""
        self.size = (columns, rows)
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))
        pane = os.open(self.fact("pane_tty"), os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            self.wait(f"{columns}x{rows}", lambda: tuple(os.get_terminal_size(pane)) == self.size)
        finally:
            os.close(pane)

    def wait(self, what, holds, patience=PATIENCE):
        """Until `holds()` gives something true, which is returned."""
        deadline = time.monotonic() + patience
        while True:
            found = holds()
            if found:
                return found
            if time.monotonic() > deadline:
                raise ScreenError(f"never came: {what}; the screen shows:\n" + self.text())
            time.sleep(POLL)

    def shows(self, text):
        return self.wait(repr(text), lambda: text in self.text())

    def prompt(self, after):
        """Waits for a prompt of the outer shell later than number `after`: (number, status before it)."""

        def look():
            match = PROMPT.match(self.last_row())
            return (int(match[1]), int(match[2])) if match and int(match[1]) > after else None

        return self.wait("the prompt of the outer shell", look)

    def start(self, line):
        """Clears the screen and types a command for the outer shell; returns the number of its prompt."""
        number, _ = self.prompt(after=0)
        self.keys("C-l")
        self.wait("an empty screen", lambda: len([row for row in self.screen() if row]) == 1)
        self.type(line)
        self.keys("Enter")
        return number

    def run(self, line):
        """A command of the outer shell to its end; returns its exit status."""
        return self.prompt(after=self.start(line))[1]
