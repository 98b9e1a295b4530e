#!/usr/bin/python3
"""Programs in the box that want a page opened: the user is told its address, and nothing is opened.

A browser of the user's that would leave a mark lies where each of these programs looks for one; outside, as the
control, it is started.
"""

import os
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "agents")]

import packages  # noqa: E402
import suite as support  # noqa: E402
import tmux  # noqa: E402
from origins import site  # noqa: E402
from origins.matrix import Matrix  # noqa: E402

SAID = "redoubtful: a program in the box asks for a page, which is yours to open: "
OPENERS = ("xdg-open", "x-www-browser", "www-browser", "sensible-browser")
PAGE = "https://login.example/device?code=ABCD-1234&next=%2Fhome"


class World(Matrix):
    """`browser` leaves the mark `opened`; it is $BROWSER of the host, and every opener in PATH."""

    def __init__(self):
        super().__init__("browsers")
        self.opened = os.path.join(self.home, "opened")
        for name in OPENERS:
            browser = self.write(f"bin/{name}", f"#!/bin/sh\necho \"$@\" >> {self.opened}\n", 0o755)
        self.environment.update(BROWSER=browser, PATH=os.path.join(self.home, "bin") + ":" + support.SYSTEM_PATH)

    def inside(self, *command, flags=()):
        return support.finish([support.redoubtful(), "run", *flags, "--", *command], cwd=self.project,
                              env=self.environment)

    def opened_outside(self):
        if not os.path.exists(self.opened):
            return ""
        with open(self.opened, encoding="utf-8") as file:
            text = file.read()
        os.remove(self.opened)
        return text


def said(done):
    return [line.removeprefix(SAID) for line in done.err.splitlines() if line.startswith(SAID)]


def openers(check, world):
    for name in OPENERS:
        page = f"{PAGE}&by={name}"
        done = world.inside("sh", "-c", f"{name} '{page}'; echo \"$? END\"")
        check.equal(f"{name}: the address is said to the user", (said(done), done.out), ([page], "0 END\n"))
        check.equal(f"{name}: nothing is opened", world.opened_outside(), "")
        support.finish([name, page], cwd=world.project, env=world.environment)
        check.equal(f"control: {name} outside opens it", world.opened_outside(), page + "\n")
    done = world.inside("sh", "-c", "xdg-open; echo \"$? END\"")
    check.check("without an address it says what it wants", done.out == "1 END\n" and "usage: xdg-open" in done.err, repr(done))


def languages(check, world):
    """What does not know xdg-open, or has lost its terminal and its standard error by then."""
    modules = os.path.join(packages.installed_from(os.path.join(HERE, "browsers", "packages"), "browsers"), "node_modules")
    # It does not wait for the browser, and the box ends with its command.
    world.write("src/project/open.mjs", f"import open from '{modules}/open/index.js';\nconst child = await open(process.argv[2]);\n"
                                        "child.ref();\nchild.on('exit', () => console.log('END'));\n")
    programs = {
        "Python's webbrowser": (["python3", "-c", "import sys, webbrowser; print(webbrowser.open(sys.argv[1]), 'END')"], "True END\n"),
        "Node's open": (["node", "open.mjs"], "END\n"),
        "a daemon": (["sh", "-c", 'setsid sh -c \'exec xdg-open "$0"\' "$0" </dev/null >/dev/null 2>&1; sleep 0.2; echo END'], "END\n"),
    }
    for name, (command, wanted) in programs.items():
        page = f"{PAGE}&by={name.split()[-1]}"
        done = world.inside(*command, page, flags=["-m", modules])
        check.equal(f"{name}: the address is said to the user", (said(done), done.out), ([page], wanted))
        check.equal(f"{name}: nothing is opened", world.opened_outside(), "")
        support.finish([*command, page], cwd=world.project, env=world.environment)
        world_opened(check, world, name, page)


def world_opened(check, world, name, page):
    """Outside; Node and Python do not wait for the browser."""
    deadline = time.monotonic() + 10
    while not os.path.exists(world.opened) and time.monotonic() < deadline:
        time.sleep(0.05)
    check.check(f"control: {name} outside opens it", page in world.opened_outside())


def attacks(check, world):
    evil = "https://x/\x1b]52;c;ZXZpbA==\x07\r\nredoubtful: all is well"
    done = world.inside("python3", "-c", f"import subprocess; subprocess.run(['xdg-open', {evil!r}]); print('END')")
    check.equal("control sequences are neutralised", said(done), ["https://x/%1B]52;c;ZXZpbA==%07%0D%0Aredoubtful:%20all%20is%20well"])
    check.check("nothing of them reaches the terminal", "\x1b" not in done.err and "\x07" not in done.err
                and "\nredoubtful: all is well" not in done.err and done.out == "END\n", repr(done.err))
    flood = ("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nfor i in range(5000):\n"
             "    s.sendto(b'https://flood.example/%d' % i, ('127.0.0.1', 3129))\ns.sendto(b'x' * 60000, ('127.0.0.1', 3129))\nprint('END')")
    done = world.inside("python3", "-c", flood)
    check.check("a flood is twenty lines and a word", len(said(done)) == 20 and "not shown any more" in done.err
                and done.out == "END\n" and done.status == 0, repr(done)[:600])
    steal = ("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n"
             "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\ntry:\n    s.bind(('127.0.0.1', 3129)); print('bound')\n"
             "except OSError as error: print('refused', error.errno)\ns.bind(('127.0.0.1', 3130)); print('END')")
    done = world.inside("python3", "-c", steal)
    check.equal("the port cannot be joined", done.out, "refused 98\nEND\n")


def networks(check, world):
    for mode in ("none", "dangerously-open"):
        done = world.inside("xdg-open", PAGE, flags=["--network", mode])
        check.equal(f"--network {mode}: the address is said to the user", (said(done), done.status), ([PAGE], 0))
    inner = ["bwrap", "--unshare-user", "--dev-bind", "/", "/", "--unshare-net", "sh", "-c", f"xdg-open '{PAGE}'; echo \"$? END\""]
    done = world.inside(*inner, flags=["-u", "nested"])
    if os.getuid() == 0:  # whose sandboxes inside cannot be built, nested or not: B3
        check.check("as root there is no sandbox inside", done.status != 0 and not done.out and "bwrap: " in done.err, repr(done))
        return
    check.check("from a sandbox inside with a network of its own it is printed there",
                done.out == "4 END\n" and f"redoubtful: open this page yourself: {PAGE}" in done.err, repr(done))


def terminal(check, world):
    """Full-screen programs draw over what is said: then it is said again when they are gone."""
    with tmux.Terminal(world.project, world.root, world.environment, columns=200) as screen:
        screen.run(f"{support.redoubtful()} run sh -c 'printf \"\\033[?1049h\"; xdg-open {PAGE.split('&')[0]}; sleep 0.3; printf \"\\033[?1049l\"'")
        check.check("it is on the screen when a full-screen program is gone",
                    SAID + PAGE.split("&")[0] in screen.screen(), screen.text())


def device_login(request):
    """GitHub's, as far as the code; the user never comes."""
    if request.path == "/login/device/code":
        words = "device_code=d1&expires_in=900&interval=5&user_code=ABCD-1234&verification_uri=https%3A%2F%2Fgithub.com%2Flogin%2Fdevice"
    else:
        words = "error=authorization_pending"
    return site.Response(200, [("content-type", "application/x-www-form-urlencoded")], words.encode())


def gh(check, world):
    """gh waits for Enter before it opens the page, so it is typed at."""
    world.tls("github.com", ["h2", "http/1.1"], device_login, world.authority.leaf("github.com"))
    page = "https://github.com/login/device"
    login = "gh auth login --hostname github.com --git-protocol https --web"

    with tmux.Terminal(world.project, world.root, world.environment, columns=200) as screen:
        screen.start(f"{support.redoubtful()} run -u {world.profile()} {login}")
        for question in ("Authenticate Git", "Press Enter"):
            screen.shows(question)
            screen.keys("Enter")
        screen.shows(SAID + page)
        check.ok("gh auth login: its page is said to the user")
        screen.keys("C-c")
        screen.prompt(after=1)
    check.equal("gh auth login: nothing is opened", world.opened_outside(), "")


def main():
    check = support.Suite("pages")
    with World() as world:
        for part in (openers, languages, attacks, networks, terminal, gh):
            with check.guarded(part.__name__):
                part(check, world)
        check.equal("no process is left", support.left_after_a_second(world.root), [])
    check.finish()


if __name__ == "__main__":
    main()
