#!/usr/bin/python3
"""Real clients that find their login in a file of the home, or in the environment: what they carry is a surrogate.

Each origin answers nobody but who shows the real value.
"""

import base64
import json
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]

import suite as support  # noqa: E402
from origins import services  # noqa: E402
from origins import site as pages  # noqa: E402
from origins.credentials import ATTACKERS, REAL, World, wants  # noqa: E402


def files(check, world):
    """Real clients that find their login in a file of the home."""
    npm, other = REAL["npm"], "npm_SomebodyElses0123456789abcdefghij"
    world.write(".npmrc", f"registry=https://npm.matrix.test/npm/\n//npm.matrix.test/npm/:_authToken={npm}\n"
                          f"//other.example/:_authToken={other}\nfund=false\naudit=false\nupdate-notifier=false\n", 0o600)
    world.write(".netrc", f"machine pypi.matrix.test login me password {REAL['netrc']}\n"
                          f"machine other.example login me password {other}\n", 0o600)
    world.write(".docker/config.json", json.dumps({"auths": {
        "registry.matrix.test": {"auth": base64.b64encode(f"me:{REAL['docker']}".encode()).decode()},
        "other.example": {"auth": base64.b64encode(f"me:{other}".encode()).decode()}}}), 0o600)
    world.write(".secrets/npm", npm, 0o600)
    world.write(".secrets/netrc", REAL["netrc"], 0o600)
    world.write(".secrets/git", REAL["git"], 0o600)
    world.write(".secrets/gh", REAL["gh"], 0o600)
    for path, real in (("/npm/", npm), ("/simple/", REAL["netrc"])):
        world.site.routes[path] = wants(real, world.site.routes[path])
    world.site.routes["/v2/"] = wants(REAL["docker"], lambda request: pages.text(200, "a registry\n"))
    world.tls("registry.matrix.test", ["http/1.1"])
    world.site.routes["/git/"] = wants(REAL["git"], world.site.routes["/git/"])
    profile = world.with_credentials(
        "  npm: {source: file:~/.secrets/npm, hosts: [npm.matrix.test], expose: {file: ~/.npmrc}, exclusive: true}\n"
        "  pip: {source: file:~/.secrets/netrc, hosts: [pypi.matrix.test], expose: {file: ~/.netrc}}\n"
        '  docker: {source: "json:~/.docker/config.json#/auths/registry.matrix.test/auth", '
        "hosts: [registry.matrix.test], expose: {file: ~/.docker/config.json}}\n"
        "  git: {source: file:~/.secrets/git, hosts: [git.matrix.test], expose: {env: GIT_TOKEN}, exclusive: true}\n")
    scripts = {
        "npm with .npmrc": ("cd $(mktemp -d); echo '{}' > package.json; npm install --loglevel=error dep >/dev/null 2>&1; "
                            "node -p 'require(\"dep\")(21)'", "42\n"),
        "curl with .netrc": ("curl -sS --netrc -o /dev/null -w '%{http_code}\\n' https://pypi.matrix.test/simple/redoubtful-demo/", "200\n"),
        "pip with .netrc": ("cd $(mktemp -d); python3 -m venv v && v/bin/pip install -q --disable-pip-version-check "
                            "--no-cache-dir --index-url https://pypi.matrix.test/simple/ redoubtful-demo 2>&1; "
                            "v/bin/python -c 'import redoubtful_demo; print(redoubtful_demo.ANSWER)'", "42\n"),
        "a registry login, docker's": (
            "a=$(python3 -c 'import json, os; print(json.load(open(os.path.expanduser(\"~/.docker/config.json\")))"
            "[\"auths\"][\"registry.matrix.test\"][\"auth\"])'); curl -sS -H \"Authorization: Basic $a\" "
            "https://registry.matrix.test/v2/", "a registry\n"),
        "git over https": ("cd $(mktemp -d); git clone -q https://git.matrix.test/git/repo.git c && git -C c log --format=%s | head -1",
                           "commit 1\n"),
    }
    for home in ("tmpfs", "persistent"):
        for what, (script, expected) in scripts.items():
            done = world.inside(script, profile, flags=["--home", home])
            check.check(f"{what}, home {home}", done.out == expected, repr(done))
        done = world.inside("cat ~/.npmrc ~/.netrc ~/.docker/config.json; stat -c %a ~/.netrc; echo x > ~/.npmrc || echo kept",
                            profile, flags=["--home", home])
        check.check(f"other logins of these files are not inside, home {home}",
                    other not in done.out and base64.b64encode(f"me:{other}".encode()).decode() not in done.out
                    and "kept" in done.out and "400\n" in done.out and "fund=false" in done.out, repr(done))
    with open(os.path.join(world.home, ".npmrc"), encoding="ascii") as file:
        check.check("the host's own file is what it was", npm in file.read())
    world.forget()
    bad = world.inside(f"git -c credential.helper= clone -q https://me:{ATTACKERS}@git.matrix.test/git/repo.git x; "
                       "echo $?", profile)
    check.check("git with a stranger's password clones nothing", bad.out == "128\n" and not world.site.log, repr(bad))


def ssh_remotes(check, world):
    """Remotes that say ssh, where there is no key and no rule for it: over https, where a credential for the host is there."""
    root = os.path.join(world.root, "git")
    hosts = {"forge": "git", "code": "netrc", "open": None}  # name -> whose real value it wants
    sites = {name: pages.Site() for name in hosts}
    for name, real in hosts.items():
        route = services.git_route(root)
        sites[name].routes["/git/"] = wants(REAL[real], route) if real else route
        world.tls(f"{name}.matrix.test", ["h2", "http/1.1"], sites[name])
        if real:
            world.write(f".secrets/{real}", REAL[real], 0o600)
    world.write(".netrc", f"machine code.matrix.test login me password {REAL['netrc']}\n", 0o600)
    credentials = ("  git: {source: file:~/.secrets/git, hosts: [forge.matrix.test], expose: {env: GIT_TOKEN}, exclusive: true}\n"
                   "  code: {source: file:~/.secrets/netrc, hosts: [code.matrix.test], expose: {file: ~/.netrc}}\n")
    with_them = world.with_credentials(credentials)
    work = ("export GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@example.test GIT_COMMITTER_NAME=T GIT_COMMITTER_EMAIL=t@example.test "
            "GIT_TERMINAL_PROMPT=0; cd $(mktemp -d) && git clone -q REMOTE c && cd c && git log --format=%s | head -1 && "
            "git switch -qc BRANCH && git commit -q --allow-empty -m pushed && git push -q origin HEAD && "
            "git ls-remote origin BRANCH | cut -f 2; git remote get-url origin; git config remote.origin.url")
    for name, real in hosts.items():
        host = f"{name}.matrix.test"
        for kind, remote in (("scp", f"git@{host}:git/repo.git"), ("ssh", f"ssh://git@{host}/git/repo.git")):
            what, branch = f"git with {remote}", f"{name}-{kind}"
            script = work.replace("REMOTE", remote).replace("BRANCH", branch)
            sites[name].log.clear()
            done = world.inside(script, with_them)
            pushed = support.finish(["git", "--git-dir", os.path.join(root, "repo.git"), "log", "-1", "--format=%s", branch])
            if real:
                check.equal(f"{what}: clone and push", done.out,
                            f"commit 1\nrefs/heads/{branch}\nhttps://{host}/git/repo.git\n{remote}\n")
                check.equal(f"{what}: what was pushed is there", pushed.out, "pushed\n")
                used = [r for r in sites[name].log if r.header("authorization")]
                check.check(f"{what}: the origin saw the real value, and no other, over https",
                            {r.target.rpartition("/")[2] for r in used} >= {"git-upload-pack", "git-receive-pack"}
                            and {password(r) for r in used} == {REAL[real]}, [(r.target, password(r)) for r in used])
            else:
                check.check(f"control: {what}, which has no credential, fails and says what to do",
                            "commit 1" not in done.out and pushed.out == ""
                            and f"redoubtful allow ssh://{host}" in done.err
                            and f"https://{host}/ is allowed: use that address." in done.err, repr(done))
                check.equal(f"control: {what} does not become https", sites[name].log, [])
    without = world.profile()
    for name in ("forge", "code"):
        sites[name].log.clear()
        done = world.inside(work.replace("REMOTE", f"git@{name}.matrix.test:git/repo.git").replace("BRANCH", "none"), without)
        check.check(f"control: git@{name} without its credential fails and says what to do",
                    "commit 1" not in done.out and f"redoubtful allow ssh://{name}.matrix.test" in done.err
                    and not sites[name].log, repr(done))
        done = world.inside(work.replace("REMOTE", f"https://{name}.matrix.test/git/repo.git").replace("BRANCH", "none"), without)
        check.check(f"control: https://{name} without its credential is nobody's",
                    "commit 1" not in done.out and sites[name].log and not any(r.header("authorization") for r in sites[name].log),
                    repr(done))


def password(request):
    return base64.b64decode(request.header("authorization").partition(" ")[2]).decode().partition(":")[2]


def gh_and_keyring(check, world):
    """gh with a hosts.yml that is made up, and a real Secret Service."""
    world.write(".secrets/gh", REAL["gh"], 0o600)
    user = pages.Response(200, [("content-type", "application/json")], b'{"login": "octo"}')
    world.site.routes["/api/v3/"] = wants(REAL["gh"], lambda request: user)
    profile = world.with_credentials("  gh: {source: file:~/.secrets/gh, hosts: [h1.matrix.test], "
                                     "expose: {file: ~/.config/gh/hosts.yml}, exclusive: true}\n")
    done = world.inside("gh api --hostname h1.matrix.test user --jq .login", profile)
    check.check("gh with hosts.yml", done.out == "octo\n", repr(done))

    profile = world.with_credentials(
        '  ring: {source: "keyring:service=api,user=me@work", hosts: [api.matrix.test], expose: {env: KEY}}\n'
        '  none: {source: "keyring:service=other", hosts: [api.matrix.test], expose: {env: NONE}, optional: true}\n')
    world.forget()
    done = world.beside_keyring(
        [support.redoubtful(), "run", "-u", profile, "--", "bash", "-c",
         'curl -sS -o /dev/null -w "%{http_code}\\n" -H "Authorization: Bearer $KEY" https://api.matrix.test/echo'],
        REAL["key"], timeout=60)
    world.said.append(done.out)
    check.check("a real Secret Service", "200" in done.out.split()
                and [r.header("authorization") for r in world.site.log] == ["Bearer " + REAL["key"]], repr(done))
    check.check("an entry that is not in it is off", "credential none is off: the keyring" in done.err, done.err)


def planted(check, world):
    """What an earlier run left in a persistent home leads no login file anywhere."""
    plain = world.write("plain.yaml", "network: {mode: none}\n")
    profile = world.with_credentials("  gh: {source: file:~/.secrets/gh, hosts: [h1.matrix.test], "
                                     "expose: {file: ~/.config/gh/hosts.yml}}\n")
    here = ["--home", "persistent"]
    target = world.place("elsewhere")
    for what, script in (("a link", f"ln -sfn {target} ~/.config/gh"), ("a link above", f"ln -sfn {target} ~/.config")):
        reset = world.inside("rm -rf ~/.config; mkdir -p ~/.config; "
                             + ("rmdir ~/.config; " if "above" in what else "") + script, plain, flags=here)
        done = world.inside("echo started", profile, flags=here)
        check.check(f"{what} in the place of a login file is refused",
                    reset.status == 0 and done.status == 78 and "started" not in done.out and not os.listdir(target),
                    f"{reset!r} {done!r}")
    world.inside("rm -rf ~/.config; mkdir -p ~/.config/gh; echo mine > ~/.config/gh/hosts.yml", plain, flags=here)
    done = world.inside("cat ~/.config/gh/hosts.yml", profile, flags=here)
    check.check("control: a file there is covered for the run", "oauth_token: ghp_" in done.out and "mine" not in done.out,
                repr(done))
    done = world.inside("cat ~/.config/gh/hosts.yml", plain, flags=here)
    check.equal("control: and is what it was afterwards", done.out, "mine\n")


def main():
    check = support.Suite("logins")
    with World() as world:
        world.web()
        world.repositories()
        world.packages()
        world.environment["REAL_KEY"] = REAL["key"]
        for part in (gh_and_keyring, planted, ssh_remotes, files):
            with check.guarded(part.__name__):
                part(check, world)
        with check.guarded("silence"):
            world.is_silent(check)
    check.finish()


if __name__ == "__main__":
    main()
