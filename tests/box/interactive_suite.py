#!/usr/bin/env python3
"""Full-screen programs and shells in the box, under a real terminal: vim, less, htop, a Node TUI, bash.

A tmux server of its own shows what a person would see; the shell in it is the person's, with job control.
After each part that shell's terminal must be as before: settings, screen, cursor, keys, mouse. What kill -9
of the program leaves switched on must be what it leaves outside of a box.
"""

import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import family  # noqa: E402
import suite as support  # noqa: E402
import tmux  # noqa: E402

LINES = 500
STOPPED = 148  # what a shell says of a job that SIGTSTP stopped
# bash says 128 of a stopped pipeline whose other end is done, in a box or not.
STOPPED_PIPELINE = 128

# What a program may leave switched on; each is a format variable of tmux with its value at a prompt.
AT_A_PROMPT = {"alternate_on": "0", "cursor_flag": "1", "insert_flag": "0", "keypad_cursor_flag": "0",
               "keypad_flag": "0", "mouse_any_flag": "0", "origin_flag": "0", "scroll_region_upper": "0",
               "wrap_flag": "1"}

NODE_TUI = r"""
const out = process.stdout, keys = process.stdin;
let column = 0, last = 'none', resizes = 0;
const draw = () => out.write(`\x1b[2J\x1b[Hnode-tui ${out.columns}x${out.rows} column=${column} ` +
                             `resizes=${resizes} last=${last}\n\x1b[${out.rows};1Hbottom`);
const enter = () => { out.write('\x1b[?1049h\x1b[?25l'); keys.setRawMode(true); draw(); };
const leave = () => { keys.setRawMode(false); out.write('\x1b[?25h\x1b[?1049l'); };
require('readline').emitKeypressEvents(keys);
keys.on('keypress', (text, key) => {
  last = (key.ctrl ? 'ctrl-' : '') + key.name;
  if (key.name === 'right') column++;
  if (key.name === 'left') column--;
  if (key.ctrl && key.name === 'z') { leave(); process.kill(process.pid, 'SIGTSTP'); return; }
  if (key.name === 'q') { leave(); console.log('left at column', column); process.exit(7); }
  draw();
});
process.on('SIGCONT', enter);
out.on('resize', () => { resizes++; draw(); });
enter();
"""


class Parts:
    """The parts share the terminal, as they would a person's; each leaves the outer shell's prompt."""

    def __init__(self, suite, world, terminal):
        self.suite = suite
        self.world = world
        self.terminal = terminal
        self.before = self.settings()

    def path(self, name):
        return os.path.join(self.world.project, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def settings(self):
        """The terminal's settings while the outer shell runs a command, but for its size."""
        file = os.path.join(self.world.root, "settings")
        if self.terminal.run(f"stty -a > {file}") != 0:
            raise tmux.ScreenError("stty failed")
        with open(file, encoding="utf-8") as text:
            return re.sub(r"rows \d+; columns \d+;", "", text.read())

    def check(self, what, holds):
        """Waits for `holds()`; that it comes is the check."""
        self.terminal.wait(what, holds)
        self.suite.ok(what)

    def row(self, number, text):
        return lambda: self.terminal.screen()[number] == text

    def back(self, what, after, status):
        """The outer shell has its prompt, the status, and its terminal as before."""
        terminal = self.terminal
        self.suite.equal(f"{what}: exit status", terminal.prompt(after)[1], status)
        wanted = dict(AT_A_PROMPT, scroll_region_lower=str(terminal.size[1] - 1))
        self.suite.equal(f"{what}: the screen's modes", self.modes(), wanted)
        self.usable(what)

    def modes(self):
        return {name: self.terminal.fact(name) for name in [*AT_A_PROMPT, "scroll_region_lower"]}

    def usable(self, what):
        terminal = self.terminal
        self.suite.equal(f"{what}: the terminal's settings", self.settings(), self.before)
        terminal.start("echo usable-$((6*7))")
        self.check(f"{what}: typed text is shown and obeyed",
                   lambda: terminal.screen()[0].endswith("> echo usable-$((6*7))")
                   and terminal.screen()[1] == "usable-42")

    def stop_and_continue(self, what, after, running):
        """Ctrl-Z, the outer shell meanwhile, `fg`; `running()` holds while the program has the screen."""
        terminal, suite = self.terminal, self.suite
        terminal.keys("C-z")
        number, status = terminal.prompt(after)
        suite.check(f"{what}: Ctrl-Z stops the job", status in (STOPPED, STOPPED_PIPELINE), status)
        terminal.start("jobs")
        self.check(f"{what}: the job is listed as stopped",
                   lambda: re.search(r"^\[1\]\+\s+Stopped\s.* run ", terminal.text(), re.M))
        self.back(f"{what}, stopped", number, 0)
        number = terminal.start("fg")
        self.check(f"{what}: fg gives it the screen again", running)
        return number

    # ---- the parts -------------------------------------------------------------------------------

    def first_look(self):
        terminal, suite = self.terminal, self.suite
        terminal.run("$R run stty size")
        suite.check("the size is right at once", "24 80" in terminal.screen(), terminal.text())
        terminal.run("$R run bash -c 'echo T=$TERM M=[$TMUX$TMUX_PANE] C=$(tput colors)'; "
                     "echo T=$TERM M=[${TMUX:+set}] C=$(tput colors)")
        rows = [row for row in terminal.screen() if row.startswith("T=")]
        suite.equal("TERM and its colours are the terminal's, tmux itself is not known inside",
                    rows[:1], [row.replace("[set]", "[]") for row in rows[1:]])
        suite.check("outside, tmux is known", rows[1:] and "[set]" in rows[1], rows)
        terminal.run(r"$R run printf '\033[31mred\033[0m \033[38;5;200mpink\033[0m\n'")
        suite.check("colours reach the terminal",
                    any(re.search(r"\033\[31mred.*\033\[38;5;200mpink", row) for row in terminal.screen("-e")),
                    terminal.screen("-e"))
        self.back("short commands", terminal.start("true"), 0)

    def vim(self):
        terminal = self.terminal
        number = terminal.start("$R run vim lines")
        in_vim = self.row(22, "line 23")
        self.check("vim: fills the screen", in_vim)
        self.suite.equal("vim: has the alternate screen", terminal.fact("alternate_on"), "1")
        terminal.type("Oadded")
        terminal.shows("-- INSERT --")
        terminal.keys("Escape")
        terminal.wait("normal mode", lambda: "INSERT" not in terminal.text())
        terminal.type(":w")
        terminal.keys("Enter")
        self.check("vim: :w says what it wrote", lambda: f"{LINES + 1}L" in terminal.text())
        self.suite.equal("vim: the file is written", self.read("lines").split("\n")[:2], ["added", "line 1"])
        terminal.type(":!echo shelled-$((40+2))")
        terminal.keys("Enter")
        self.check("vim: :! runs a command", lambda: "shelled-42" in terminal.text())
        terminal.keys("Enter")
        terminal.wait("vim after :!", self.row(1, "line 1"))
        terminal.resize(100, 30)
        self.check("vim: a larger window is filled", self.row(28, "line 28"))
        terminal.resize(60, 20)
        self.check("vim: a smaller window is filled",
                   lambda: terminal.screen()[18] == "line 18" and "line 19" not in terminal.text())
        number = self.stop_and_continue("vim", number, self.row(18, "line 18"))
        terminal.keys("C-z")
        number, _ = terminal.prompt(number)
        terminal.resize(80, 24)
        number = terminal.start("fg")
        self.check("vim: a size that changed while it was stopped is seen", self.row(22, "line 22"))
        terminal.type(":q")
        terminal.keys("Enter")
        self.back("vim", number, 0)

    def pager(self, what, line):
        terminal = self.terminal
        number = terminal.start(line)
        self.check(f"{what}: shows the first page", self.row(22, "line 23"))
        terminal.keys("Space")
        self.check(f"{what}: pages", lambda: terminal.screen()[0] == "line 24" and
                   terminal.screen()[22] == "line 46")
        terminal.type("/line 300")
        terminal.keys("Enter")
        self.check(f"{what}: searches", self.row(0, "line 300"))
        terminal.resize(70, 30)
        self.check(f"{what}: fills a larger window", self.row(28, "line 328"))
        number = self.stop_and_continue(what, number, self.row(0, "line 300"))
        terminal.type("q")
        self.back(what, number, 0)
        terminal.resize(80, 24)

    def pagers(self):
        self.pager("less FILE", "$R run less big")
        self.pager("less < FILE", "$R run less < big")
        self.pager("| less in the box", "cat big | $R run less")
        self.pager("box | less", "$R run cat big | less")

    def htop(self):
        terminal, suite = self.terminal, self.suite
        terminal.resize(90, 40)
        number = terminal.start("$R run htop")
        has_bar = lambda: re.match(r"F1Help.*F10Quit", terminal.screen()[-1])
        self.check("htop: fills the screen", has_bar)
        suite.equal("htop: has the mouse", terminal.fact("mouse_any_flag"), "1")
        rows = terminal.wait("htop's processes", lambda: [row for row in terminal.screen() if
                                                          re.match(r"\s*\d+ \S+ +\d+ ", row)])
        pids = sorted(int(row.split()[0]) for row in rows)
        suite.equal("htop: shows the three processes of the box and no other", pids, [1, 2, 3])
        suite.check("htop: is one of them", any("htop" in row for row in rows), rows)
        # Larger, not smaller: a terminal that shrinks keeps its last rows without any program's help.
        terminal.resize(120, 50)
        self.check("htop: its bar is at the bottom of a larger window", has_bar)
        terminal.keys("F10")
        self.back("htop, F10", number, 0)
        number = terminal.start("$R run htop")
        terminal.wait("htop again", has_bar)
        terminal.type("q")
        self.back("htop, q", number, 0)
        terminal.resize(80, 24)

    def node(self):
        terminal = self.terminal
        number = terminal.start("$R run node tui.js")
        drawn = lambda text: lambda: text in terminal.screen()[0]
        self.check("node: draws at the right size", drawn("node-tui 80x24 column=0 resizes=0 last=none"))
        self.suite.equal("node: hides the cursor", terminal.fact("cursor_flag"), "0")
        terminal.keys("Right", "Right", "Left", "Right")
        self.check("node: cursor keys arrive whole", drawn("column=2 resizes=0 last=right"))
        terminal.resize(90, 28)
        self.check("node: a resize event", lambda: "node-tui 90x28 column=2 resizes=1" in
                   terminal.screen()[0] and terminal.screen()[27] == "bottom")
        terminal.keys("C-c")
        self.check("node: Ctrl-C is the program's", drawn("last=ctrl-c"))
        number = self.stop_and_continue("node", number, drawn("column=2 resizes=1 last=ctrl-z"))
        terminal.keys("Left")
        self.check("node: keys after fg", drawn("column=1 resizes=1 last=left"))
        terminal.type("q")
        self.back("node", number, 7)
        terminal.resize(80, 24)

    def bash(self):
        terminal = self.terminal
        number = terminal.start(r"$R run -e 'PS1=inner:\#:$?> ' bash --norc --noprofile -i")
        prompted = lambda n, status: lambda: terminal.last_row() == f"inner:{n}:{status}>"
        self.check("bash: has a prompt", prompted(1, 0))

        def run(line):
            terminal.type(line)
            terminal.keys("Enter")

        run("sleep 1000")
        terminal.wait("sleep", lambda: self.below("sleep"))
        terminal.keys("C-z")
        self.check("bash: Ctrl-Z stops the inner job and not the box", prompted(2, STOPPED))
        run("jobs")
        self.check("bash: lists it", lambda: re.search(r"^\[1\]\+\s+Stopped\s+sleep 1000$", terminal.text(), re.M))
        terminal.wait("the prompt", prompted(3, 0))
        run("bg; fg")
        self.check("bash: bg, then fg",
                   lambda: re.search(r"^\[1\]\+ sleep 1000 &\nsleep 1000$", terminal.text(), re.M))
        terminal.keys("C-c")
        self.check("bash: Ctrl-C ends the job and not the shell", prompted(4, 130))
        run("echo half a line")
        terminal.wait("the prompt", prompted(5, 0))
        terminal.resize(100, 30)
        run("stty size")
        self.check("bash: the new size", lambda: "30 100" in terminal.screen())
        terminal.wait("the prompt", prompted(6, 0))
        run("kill -STOP $$")
        number, _ = terminal.prompt(number)
        self.suite.ok("bash: when the shell itself stops, the outer shell goes on")
        number = terminal.start("fg")
        terminal.keys("Enter")
        terminal.wait("the inner prompt", prompted(7, 0))
        run("(exit 5)")
        terminal.wait("the prompt", prompted(8, 5))
        terminal.keys("C-d")
        self.back("bash, Ctrl-D", number, 5)
        terminal.resize(80, 24)

    def below(self, name):
        """The processes called so below the window's shell."""
        shell = int(self.terminal.fact("pane_pid"))
        return [p.pid for p in family.descendants(shell) if p.name == name and p.state != "Z"]

    def kill(self, line, name, drawn, moves):
        """Starts, kills -9 what it started, and gives the modes of the screen that are left.

        `moves` are keys and what they show. Answers of the terminal that a program asked for come before
        keys typed later, so after some moves none is left for the shell to read.
        """
        terminal = self.terminal
        what = f"kill -9 in {line}"
        number = terminal.start(line)
        terminal.wait(line, drawn)
        for keys, shown in moves:
            terminal.type(keys)
            terminal.wait(f"what {keys} shows", shown)
        victims = self.below(name)
        self.suite.equal(f"{what}: one {name} runs", len(victims), 1)
        os.kill(victims[0], signal.SIGKILL)
        terminal.wait("a prompt", lambda: f"outer:{number + 1}:137>" in terminal.text())
        modes = self.modes()
        terminal.keys("C-l")  # what the program drew stays, as outside
        self.suite.equal(f"{what}: exit status", terminal.prompt(number)[1], 137)
        self.usable(what)
        # RIS alone: tput reset would change the settings that are compared.
        terminal.run(r"printf '\033[?1049l\033c'")
        return modes

    def killed(self):
        top, end = self.row(22, "line 23"), self.row(22, f"line {LINES}")
        tui = lambda: "node-tui" in self.terminal.screen()[0]
        for line, name, drawn, moves in (
                ("vim -n big", "vim", top, [("G", end), ("gg", top), ("G", end), ("gg", top)]),
                ("node tui.js", "node", tui, [])):
            outside = self.kill(line, name, drawn, moves)
            inside = self.kill("$R run " + line, name, drawn, moves)
            self.suite.equal(f"kill -9 of {name}: leaves the screen as it does outside", inside, outside)
        self.check("kill -9: nothing runs on",
                   lambda: not self.below("redoubtful-init") and not self.below("bwrap"))


def main():
    suite = support.Suite("interactive")
    with support.World() as world:
        world.git_init()
        lines = "".join(f"line {n}\n" for n in range(1, LINES + 1))
        world.write("src/project/lines", lines)
        world.write("src/project/big", lines)
        world.write("src/project/tui.js", NODE_TUI)
        environment = dict(world.environment, R=support.redoubtful())
        for part in ("first_look", "vim", "pagers", "htop", "node", "bash", "killed"):
            # Each with a server of its own: what one part spoils is not found in the next.
            with suite.guarded(part), tmux.Terminal(world.project, world.root, environment) as terminal:
                getattr(Parts(suite, world, terminal), part)()
    suite.finish()


if __name__ == "__main__":
    main()
