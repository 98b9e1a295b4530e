#!/usr/bin/python3
"""The distribution's Chromium in the box, by itself and under Playwright: whom it trusts, what it reaches, its sandbox.

Two ways lead to its trust, policies and NSS's database (cli/browsers.hpp); each is tried with the other one hidden, and
without both as the control.
"""

import json
import os
import re
import sqlite3
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "agents")]

import packages  # noqa: E402
import suite as support  # noqa: E402
from origins import site  # noqa: E402
from origins.matrix import REFUSED, Matrix  # noqa: E402

SITE = "https://h1.matrix.test/page"
TITLE = "A page of the origin"
# Fewer processes; and a name that is not looked up at start.
QUIET = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SHOW = ["timeout", "-k", "1", "45", "chromium", *QUIET, "--dump-dom"]


def page(_):
    return site.Response(200, [("content-type", "text/html")], f"<title>{TITLE}</title><p>text".encode())


def trusts(check, world):
    done = world.boxed([*SHOW, SITE])
    check.check("an allowed host: its page", done.status == 0 and f"<title>{TITLE}</title>" in done.out, repr(done)[:1500])
    done = world.boxed([*SHOW, f"https://{REFUSED}/"])
    check.check("an unlisted host: the refusal, with its reason", REFUSED in done.out and "redoubtful" in done.out
                and TITLE not in done.out, repr(done)[:1500])
    done = world.boxed([*SHOW, SITE], proxy="unset")
    check.check("without proxy variables it is the same", f"<title>{TITLE}</title>" in done.out, repr(done)[:1500])


def each_way_alone(check, world):
    hidden = {"policies": ["--tmpfs", "/etc/chromium"], "the database": ["--tmpfs", os.path.join(world.home, ".pki")]}
    inner = ["bwrap", "--dev-bind", "/", "/"]
    options = {"profile": world.profile("nested: true\n")}
    for name, words in hidden.items():
        done = world.boxed([*inner, *words, *SHOW, "--no-sandbox", SITE], **options)
        check.check(f"with {name} hidden it trusts the other one", f"<title>{TITLE}</title>" in done.out, repr(done)[:1500])
    done = world.boxed([*inner, *sum(hidden.values(), []), *SHOW, "--no-sandbox", SITE], **options)
    check.check("control: with both hidden it trusts nobody", TITLE not in done.out and "CERT_AUTHORITY_INVALID" in done.err, repr(done)[:1500])
    done = world.boxed(["sh", "-c", "cat ~/.pki/nssdb/cert9.db > copy.db; sed 1d /etc/redoubtful/ca.pem | head -1; cat /etc/chromium/policies/managed/*.json"])
    database = sqlite3.connect(os.path.join(world.project, "copy.db"))
    check.equal("the database is whole to SQLite", database.execute("pragma integrity_check").fetchall(), [("ok",)])
    check.equal("and has the authority and its trust", database.execute("select count(*) from nssPublic").fetchall(), [(2,)])
    database.close()
    line, policy = done.out.split("\n", 1)
    check.check("the policy is JSON, with the authority", line in json.loads(policy)["CACertificates"][0], done.out)


def persistent(check, world):
    """The mount point in a home that stays goes with the run."""
    done = world.boxed([*SHOW, SITE], flags=["--home", "persistent"])
    check.check("a home that stays", f"<title>{TITLE}</title>" in done.out, repr(done)[:1500])
    home = support.finish([support.redoubtful(), "home", "path"], cwd=world.project, env=world.environment).out.strip()
    check.check("nothing of the database stays", os.path.isdir(home) and not os.path.exists(os.path.join(home, ".pki", "nssdb")), home)


# The renderer's pids, one for each pid namespace that it is in, as /proc shows them; waits for a second one a while.
LOOK = """
chromium {flags} --remote-debugging-port=0 about:blank >/dev/null 2>&1 &
for i in $(seq 60); do
  renderer=$(pgrep -f '[-]-type=renderer' | head -1)
  [ -n "$renderer" ] && pids=$(sed -n 's/^NSpid:[[:space:]]*//p' /proc/$renderer/status) && [ "$(echo $pids | wc -w)" -gt 1 ] && break
  sleep 0.05
done
[ "$(echo $pids | wc -w)" -gt 1 ] && echo several; [ "$(echo $pids | wc -w)" = 1 ] && echo one; echo END
"""


def own_sandbox(check, world):
    script = LOOK.format(flags=" ".join(QUIET))
    done = world.boxed(["sh", "-c", script], profile=world.profile("nested: true\n"))
    check.equal("nested: its own sandbox is there, with processes of its own", done.out, "several\nEND\n")
    done = world.boxed(["sh", "-c", script])
    check.equal("not nested: it is not", done.out, "one\nEND\n")
    done = world.boxed([*SHOW, SITE], profile=world.profile("nested: true\n"))
    check.check("nested: the page is the same", f"<title>{TITLE}</title>" in done.out, repr(done)[:1500])
    done = world.boxed(["timeout", "-k", "1", "45", "/usr/lib/chromium/chromium", *QUIET, "--dump-dom", SITE])
    check.check("not nested, and not told so: it does not start, and names the option",
                done.status != 0 and TITLE not in done.out and "--no-sandbox" in done.err, repr(done)[:1500])


def playwright(check, world):
    modules = os.path.join(packages.installed_from(os.path.join(HERE, "browsers", "packages"), "browsers"), "node_modules")
    command = ["env", f"BROWSERS_MODULES={modules}", "timeout", "-k", "1", "60", "node", os.path.join(world.tools, "title.js")]
    done = world.boxed([*command, SITE, f"https://{REFUSED}/"], flags=["-m", modules])
    lines = done.out.splitlines()
    check.check("Playwright: the title of an allowed host's page", lines[:1] == [f"200 {TITLE}"], repr(done)[:1500])
    check.check("Playwright: an unlisted host is refused, with the reason",
                len(lines) == 3 and re.match("403 .*" + re.escape(REFUSED), lines[1]) and lines[2] == "END", repr(done)[:1500])
    done = world.directly([*command, SITE])
    check.check("control: outside, where no policy names it, the authority is not trusted",
                done.out.startswith("failed") and "ERR_CERT_AUTHORITY_INVALID" in done.out and "END" in done.out, repr(done)[:1500])


def main():
    check = support.Suite("browsers")
    with Matrix("browsers") as world:
        world.site.routes["/page"] = page
        world.tls("h1.matrix.test", ["h2", "http/1.1"])
        for part in (trusts, each_way_alone, persistent, own_sandbox, playwright):
            with check.guarded(part.__name__):
                part(check, world)
        check.equal("the origin saw no request to another name", {r.header("host") or r.authority for r in world.site.log} - {"h1.matrix.test", None}, set())
        check.equal("no process is left", support.left_after_a_second(world.root), [])
    check.finish()


if __name__ == "__main__":
    main()
