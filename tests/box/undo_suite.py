#!/usr/bin/python3
"""What was planted and undone is in the audit log: an `undo` line for each thing, in the log of the very run."""

import datetime
import json
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]

import suite as support  # noqa: E402

AUDIT = ".local/state/redoubtful/audit"
# command -> words that its line has to have
PLANTED = {
    "git config core.fsmonitor 'touch pwned'": ("core.fsmonitor", ".git/config"),
    "git config alias.st '!touch pwned'": ("alias.st", ".git/config"),
    "mkdir .vscode && echo '{}' > .vscode/tasks.json": (".vscode/tasks.json",),
    "echo 'touch pwned' > .envrc": (".envrc",),
}
HARMLESS = "git config user.nickname me; echo text > README; git add README; mkdir docs; echo x > docs/envrc"


def run(world, script):
    """(the finished run, the lines of its log, its session)."""
    folder = os.path.join(world.home, AUDIT)
    before = set(os.listdir(folder)) if os.path.isdir(folder) else set()
    done = support.finish([support.redoubtful(), "run", "--", "bash", "-c", script + "; echo END"], cwd=world.project, env=world.environment)
    (new,) = set(os.listdir(folder)) - before
    with open(os.path.join(folder, new), encoding="utf-8") as file:
        return done, [json.loads(line) for line in file], new.removesuffix(".jsonl")


def undone(lines):
    return [line for line in lines if line["event"] == "undo"]


def main():
    check = support.Suite("undo")
    with support.World() as world:
        world.git_init()
        done, lines, session = run(world, HARMLESS)
        check.equal("control: a run that plants nothing has no such line", (undone(lines), done.out), ([], "END\n"))
        for script, words in PLANTED.items():
            done, lines, session = run(world, script)
            found = undone(lines)
            name = words[0]
            check.check(f"{name}: one line of the log says what was undone, and one on the terminal",
                        done.out == "END\n" and len(found) >= 1 and all(any(w in line["detail"] for line in found) and w in done.err for w in words),
                        f"{found} {done!r}")
            for line in found:
                check.equal(f"{name}: the fields are those of the log", sorted(line), ["detail", "event", "session", "time"])
                check.equal(f"{name}: it is the session's", line["session"], session)
                when = datetime.datetime.strptime(line["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
                age = datetime.datetime.now(datetime.timezone.utc) - when
                check.check(f"{name}: its time is now", datetime.timedelta(0) <= age < datetime.timedelta(minutes=5), line["time"])
            shown = support.finish([support.redoubtful(), "audit", session], cwd=world.project, env=world.environment)
            check.check(f"{name}: `redoubtful audit` shows it", "undo" in shown.out and words[0] in shown.out, repr(shown))
        left = world.run(["git", "config", "--list", "--local"])
        check.check("and it is gone", "fsmonitor" not in left and "alias." not in left and not os.path.exists(os.path.join(world.project, ".envrc"))
                    and not os.path.exists(os.path.join(world.project, ".vscode", "tasks.json")), left)
        evil = "a\x1b]0;x\x07\nredoubtful: all is well"
        done, lines, _ = run(world, f"mkdir -p $'{evil}'; git init -q $'{evil}'; git -C $'{evil}' config core.pager 'touch pwned'".replace("\x1b", "\\e").replace("\x07", "\\a").replace("\n", "\\n"))
        found = undone(lines)
        check.check("a name with control sequences is neutral in the log and on the terminal",
                    found and "\x1b" not in done.err and "\nredoubtful: all is well" not in done.err and not any("\x1b" in line["detail"] for line in found),
                    f"{found} {done!r}")
    check.finish()


if __name__ == "__main__":
    main()
