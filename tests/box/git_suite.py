#!/usr/bin/env python3
"""Ordinary git commands in the box, with the guards on, give what they give outside.

Two ways: all of them in one box, one after another (as an agent works), and each in a box of its own (as
a person does with `redoubtful run git ...`), where every start finds, guards and, at the end, compares
what the command before has left. Compared are stdout, exit status, every ref and reflog subject, the
configuration, the index, and every file of the work tree.
"""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import suite as support  # noqa: E402
import twin as twins  # noqa: E402

# One shell line each, in this order: every one builds on what the others left. Names are unique.
COMMANDS = [
    ("init", "git init -q nested && ls nested/.git && rm -rf nested"),
    ("status", "git status"),
    ("status porcelain", "git status --porcelain=v2 --branch"),
    ("add", "echo one > one && echo two > dir/two && git add one dir && git status --short"),
    ("commit", "git commit -m 'one and two'"),
    ("commit -a", "echo more >> one && git commit -am 'more of one'"),
    ("log", "git log --graph --stat --decorate"),
    ("diff", "echo change >> one && git diff"),
    ("diff --cached", "git add one && git diff --cached --stat"),
    ("restore", "git restore --staged one && git restore one && git status --short"),
    ("branch", "git branch topic && git branch -v"),
    ("switch", "git switch topic && echo t > topic && git add topic && git commit -qm topic"),
    ("checkout", "git checkout main && git checkout -b other && git checkout main"),
    ("merge", "echo m > main-only && git add . && git commit -qm main-only && git merge topic -m merged"),
    ("merge with a conflict", "git switch -qc left && echo left > one && git commit -qam left && "
                              "git switch -qc right main && echo right > one && git commit -qam right && "
                              "git merge left; echo gave $?; git status --short; git merge --abort"),
    ("rebase", "git switch -qc rebased topic && echo r > r && git add r && git commit -qm r && "
               "git rebase main"),
    ("rebase -i", "GIT_SEQUENCE_EDITOR=: git rebase -i --autosquash HEAD~1"),
    ("stash", "git switch -q main && echo stashed >> one && git stash push -m later && git stash list && "
              "git stash show -p && git stash pop && git checkout one"),
    ("tag", "git tag light && git tag -a v1 -m one && git tag -n"),
    ("describe", "git describe --tags && git describe --all --long"),
    ("show", "git show --stat v1"),
    ("blame", "git blame -s one"),
    ("bisect", "git bisect start HEAD HEAD~2 && git bisect run sh -c 'test ! -f main-only'; "
               "git bisect log; git bisect reset"),
    ("cherry-pick", "git switch -qc picked first && git cherry-pick rebased"),
    ("revert", "git switch -q main && git revert --no-edit HEAD~1"),
    ("reset", "git reset --hard HEAD~1 && git reset --soft HEAD~1 && git reset -q --hard ORIG_HEAD"),
    ("clean", "touch junk && mkdir junkdir && touch junkdir/x && git clean -nd && git clean -fd"),
    ("mv", "git mv one uno && git status --short"),
    ("rm", "git rm -r --cached dir -q && git status --short && git reset -q --hard"),
    ("grep", "git grep -n one HEAD"),
    ("worktree add", "git worktree add -q wt topic && git -C wt status --short && "
                     "echo w > wt/w && git -C wt add w && git -C wt commit -qm w"),
    ("worktree list", "git worktree list --porcelain"),
    ("worktree remove", "git worktree remove wt && git worktree prune -v"),
    ("submodule status", "git submodule status && git submodule foreach --quiet 'git rev-parse HEAD'"),
    ("commit in a submodule", "cd sub && git switch -qc inner && echo s > s && git add s && "
                              "git commit -qm s && cd .. && git diff --submodule=log"),
    ("submodule update", "git submodule update && git submodule summary"),
    ("notes", "git notes add -m noted && git notes list && git log -1"),
    ("reflog", "git reflog | head -20"),
    ("gc", "git gc --quiet && git count-objects -v | grep -v size"),
    ("repack", "git repack -adq && git prune && git pack-refs --all"),
    ("fsck", "git fsck --full --no-dangling"),
    ("archive", "git archive --format=tar HEAD | sha256sum"),
    ("bundle", "git bundle create -q all.bundle --all && git bundle list-heads all.bundle && "
               "git bundle verify -q all.bundle && rm all.bundle"),
    ("format-patch", "git format-patch -1 -o patches topic -- && cat patches/*"),
    ("am", "git switch -qc applied first && git am patches/*.patch && rm -r patches"),
    ("apply", "git diff HEAD HEAD~1 > p && git apply --check p && "
              "git apply p && git status --short && git checkout -q . && git clean -fdq"),
    ("shortlog", "git shortlog -sn HEAD"),
    ("config --local", "git config --local redoubtful.harmless yes && git config --local --list"),
    ("config --unset", "git config --local --unset redoubtful.harmless; git config --local user.nick t"),
    ("remote add", "git remote add near ./remote.git && git remote -v"),
    ("push", "git switch -q main && git push -q near main topic && git ls-remote near"),
    ("fetch", "git fetch near && git branch -r"),
    ("pull", "git pull --ff-only near main"),
    ("branch --set-upstream-to", "git branch --set-upstream-to=near/main && git status -sb"),
    ("clone", "git clone -q remote.git copy && git -C copy log --oneline && rm -rf copy"),
    ("remote rename", "git remote rename near far && git remote show -n far && git remote remove far"),
    ("sparse-checkout", "git sparse-checkout set dir && ls && git sparse-checkout disable && ls"),
    ("rev-parse", "git rev-parse HEAD --show-toplevel --git-dir --is-inside-work-tree"),
    ("ls-files", "git ls-files --stage && git ls-tree -r HEAD"),
    ("cat-file", "git cat-file -p HEAD^{tree} && git cat-file --batch-check --batch-all-objects"),
    ("hash-object", "echo blob | git hash-object -w --stdin"),
    ("for-each-ref", "git for-each-ref && git show-ref --head"),
    ("update-ref", "git update-ref refs/heads/made HEAD && git symbolic-ref HEAD && git branch -D made"),
    ("rev-list", "git rev-list --count --all && git merge-base main topic && git name-rev HEAD"),
    ("range-diff", "git range-diff main~1..main topic~1..topic"),
    ("check-ignore", "echo '*.o' > .gitignore && touch a.o && git check-ignore -v a.o && "
                     "git check-attr -a one && git status --short --ignored"),
    ("commit with an editor", "GIT_EDITOR='sh -c \"echo edited > $1\" -' git commit --allow-empty -q && "
                              "git log -1 --format=%s"),
    ("branch -m and -d", "git branch -m other renamed && git branch -d renamed && git branch"),
]

# Dates are fixed, so that the same commands make the same hashes.
ENVIRONMENT = """
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
export GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@example.test GIT_COMMITTER_NAME=T
export GIT_COMMITTER_EMAIL=t@example.test GIT_PAGER=cat LC_ALL=C
"""

STATE = """
git for-each-ref --format='%(refname) %(objectname) %(symref)'; git rev-parse HEAD; git symbolic-ref HEAD
git log -g --all --format='%gd %gs %H' 2>/dev/null; git config --local --list; git ls-files --stage
git stash list; git worktree list --porcelain; git -C sub rev-parse HEAD; git status --porcelain=v2
git fsck --no-dangling 2>&1; find .git -type f -name '*.lock'; ls .git .git/hooks
"""


def prepare(world):
    world.git_init()
    git = ["git", "-c", "protocol.file.allow=always"]
    other = os.path.join(world.home, "src", "other")
    os.makedirs(other)
    world.write("src/other/in-sub", "in the submodule\n")
    env = dict(world.environment)
    for line in ENVIRONMENT.split("export")[1:]:
        for word in line.replace("'", "").split("GIT_")[1:]:
            name, _, value = word.partition("=")
            env["GIT_" + name] = value.split(" LC_ALL")[0].strip()
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "other"]):
        world.run([*git, *command], cwd=other, env=env)
    world.write("src/project/dir/kept", "kept\n")
    world.write("src/project/.gitattributes", "*.txt text\n")
    for command in (["submodule", "--quiet", "add", "../other", "sub"], ["add", "."],
                    ["commit", "-qm", "second"], ["tag", "first"],
                    ["init", "-q", "--bare", "remote.git"]):
        world.run([*git, *command], env=env)
    # Hooks and keys of the host's own: the guards have something to guard, and must not be in the way.
    world.write("src/project/.git/hooks/post-commit", "#!/bin/sh\nexit 0\n", 0o755)
    world.write("src/project/.git/info/exclude", "remote.git\n")


def separate(outputs):
    """Splits the output of `one_script` into name -> text with status."""
    found = {}
    for part in outputs.split("\x01")[1:]:
        name, _, text = part.partition("\n")
        found[name] = text
    return found


def one_script(commands):
    lines = [ENVIRONMENT]
    for name, command in commands:
        # A subshell: what a line sets or where it goes does not reach the next one.
        lines.append(f"printf '\\001%s\\n' '{name}'\n( {command} ) 2>&1\necho \"status $?\"")
    return "\n".join(lines) + "\n"


def state(world):
    return world.outside(ENVIRONMENT + STATE, world.project).out


def work_tree(world):
    return {path: entry for path, entry in world.tree().items()
            if "/.git/" not in f"/{path}/" and "/remote.git/" not in f"/{path}/"}


def compare(check, way, outside, inside):
    for name, _ in COMMANDS:
        check.check(f"{way}: git {name}", outside[0].get(name) == inside[0].get(name),
                    f"inside {inside[0].get(name)!r}, outside {outside[0].get(name)!r}")
    check.check(f"{way}: the same refs, reflogs, configuration and index", outside[1] == inside[1],
                f"inside {inside[1]!r}, outside {outside[1]!r}")
    check.equal(f"{way}: the same work tree", support.changes(outside[2], inside[2]), [])


def play_one(world, run):
    """All commands by one call of `run`; returns (outputs, state, work tree)."""
    world.thaw()
    done = run(one_script(COMMANDS), world.project)
    if done.status != 0:
        raise RuntimeError(repr(done))
    return separate(done.out), state(world), work_tree(world)


def play_each(world, run):
    world.thaw()
    outputs = {}
    for entry in COMMANDS:
        done = run(one_script([entry]), world.project)
        if done.status != 0:
            raise RuntimeError(f"{entry[0]}: {done!r}")
        outputs.update(separate(done.out))
    return outputs, state(world), work_tree(world)


def control(check, outside):
    """Two equal failures are no pass: outside nothing may fail but what is meant to."""
    failed = [name for name, text in outside[0].items() if not text.endswith("status 0\n")]
    check.equal("outside (the control) every command succeeds",
                [f"{name}: {outside[0][name]}" for name in failed], [])
    check.equal("outside (the control) all were run", len(outside[0]), len(COMMANDS))


def main():
    check = support.Suite("git")
    if not shutil.which("git", path=support.SYSTEM_PATH):
        check.fail("git is installed", "it is not")
        check.finish()
    with check.guarded("git"), twins.Twin() as world:
        prepare(world)
        world.freeze()
        outside = play_one(world, world.outside)
        control(check, outside)
        compare(check, "outside twice (the control)", outside, play_one(world, world.outside))
        with check.guarded("in one box"):
            compare(check, "in one box", outside, play_one(world, world.inside))
        with check.guarded("a box for each"):
            compare(check, "a box for each", outside, play_each(world, world.inside))
    check.finish()


if __name__ == "__main__":
    main()
