#!/usr/bin/python3
"""A registry login as docker's tools have it: skopeo in the box, its login a surrogate in ~/.docker/config.json.

The registry says which realm gives tokens, the realm wants the password, and the registry the token.
"""

import base64
import json
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]

import secrecy  # noqa: E402
import suite as support  # noqa: E402
from origins.credentials import ATTACKERS, REAL, World  # noqa: E402
from origins.registry import Registry  # noqa: E402

NAME, REALM, HUB = "registry.matrix.test", "realm.matrix.test", "hub.matrix.test"
SKOPEO = "skopeo --insecure-policy "
COPY = SKOPEO + f"copy -q docker://{NAME}/app:1 "
# Of ~/.docker/config.json, as `user:password`.
LOGIN = ("login=$(python3 -c 'import base64, json, os; print(base64.b64decode(json.load(open(os.path.expanduser("
         f"\"~/.docker/config.json\")))[\"auths\"][\"{NAME}\"][\"auth\"]).decode())'); ")


def profile(world, hosts, more="", name=NAME):
    return world.with_credentials(
        f'  login: {{source: "json:~/.docker/config.json#/auths/{name}/auth", hosts: [{hosts}], '
        f"expose: {{file: ~/.docker/config.json}}{more}}}\n")


def image_is_had(check, world, registry, digest):
    own = profile(world, REALM)
    done = world.inside(f"cat ~/.docker/config.json; {SKOPEO} inspect --no-tags --format '{{{{.Digest}}}}' docker://{NAME}/app:1", own)
    check.check("`skopeo inspect` with the login of ~/.docker/config.json", done.status == 0 and done.out.endswith(digest + "\n"), repr(done))
    shown = json.loads(done.out.partition("\n")[0])
    login = base64.b64decode(shown["auths"][NAME]["auth"]).decode()
    check.check("inside that login is a surrogate, and no other's is there", login.startswith("me:ghp_") and REAL["docker"] not in login
                and list(shown["auths"]) == [NAME], login)
    check.equal("the realm got the real password, and nothing else", set(registry.asked), {registry.wanted})
    check.check("the registry got the realm's token, and nobody's password",
                set(registry.shown) == {None, *("Bearer " + token for token in registry.tokens)}, registry.shown)
    registry.forget()
    done = world.inside(f"d=$(mktemp -d); {COPY} dir:$d && for f in $d/*; do tar xzOf $f answer 2>/dev/null; done; "
                        f"{SKOPEO} copy -q dir:$d docker://{NAME}/mine:2 && echo pushed", own)
    check.check("`skopeo copy` has the image, and gives it back under another name", done.out == "forty-two\npushed\n"
                and registry.manifests.get(("mine", "2")) == registry.manifests["app", "1"], repr(done))
    check.equal("by the real password alone", set(registry.asked), {registry.wanted})
    done = world.inside(LOGIN + f"{SKOPEO} login --authfile $(mktemp -u) -u me --password-stdin {NAME} <<<\"${{login#me:}}\"", own)
    check.check("`skopeo login` with the surrogate", done.out == "Login Succeeded!\n", repr(done))


def token_is_inside(check, world, registry):
    """What the realm makes is not known before it is there, so that nobody can hide it. It is good for the registry alone."""
    registry.forget()
    done = world.inside(LOGIN + f"curl -sS -u \"$login\" 'https://{REALM}/token?service={NAME}'", profile(world, REALM))
    check.check("the token that the realm mints comes into the box, the password does not",
                json.loads(done.out or "{}").get("token") in registry.tokens and REAL["docker"] not in done.out, repr(done))


def nobody_else(check, world, registry):
    registry.forget()
    done = world.inside(f"{COPY} dir:$(mktemp -d); echo $?", world.profile())
    check.check("without the credential there is no image", done.out == "1\n" and set(registry.asked) <= {None}, f"{done!r} {registry.asked}")
    exclusive = profile(world, REALM, ", exclusive: true")
    registry.forget()
    done = world.inside(f"{COPY} --src-creds me:{ATTACKERS} dir:$(mktemp -d); echo $?", exclusive)
    check.check("S8 exclusive: a stranger's login reaches no realm", done.out == "1\n" and not registry.asked, f"{done!r} {registry.asked}")
    done = world.inside(f"{COPY} dir:$(mktemp -d); echo $?", exclusive)
    check.check("S8 control: its own does", done.out == "0\n" and set(registry.asked) == {registry.wanted}, f"{done!r} {registry.asked}")
    registry.forget()
    done = world.inside(f"{COPY} dir:$(mktemp -d); echo $?", profile(world, "h1.matrix.test"))
    alarms = [line["host"] for line in world.audit() if line["event"] == "alarm"]
    check.check("S2 a realm that is not one of its hosts gets nothing, and an alarm is written",
                done.out == "1\n" and not registry.asked and set(alarms) == {REALM}, f"{done!r} {alarms}")


def its_own_realm(check, world):
    """Where one host is both, the token is a stranger's credential to it, but on the paths where ours is not put in."""
    both = Registry(HUB, f"https://{HUB}/token", "me", REAL["docker"])
    digest = both.keep_image("app", "1", {"answer": "forty-two\n"})
    world.tls(HUB, ["http/1.1"], lambda request: both.realm(request) if request.path == "/token" else both(request))
    world.write(".docker/config.json", json.dumps({"auths": {HUB: {"auth": both.wanted.removeprefix("Basic ")}}}), 0o600)
    for more, got in ((", replace_in: [{header: Authorization, path: /token}]", digest + "\n"), ("", "")):
        both.forget()
        done = world.inside(f"{SKOPEO} inspect --no-tags --format '{{{{.Digest}}}}' docker://{HUB}/app:1", profile(world, HUB, more, HUB))
        check.check(f"a registry that is its own realm: {'on its path alone' if more else 'control: on all paths it is none'}",
                    done.out == got and both.asked == [both.wanted]
                    and both.shown[-1] == ("Bearer " + both.tokens[0] if more else None), f"{done!r} {both.asked} {both.shown}")


def main():
    check = support.Suite("registry")
    with World() as world:
        world.web()
        registry = Registry(NAME, f"https://{REALM}/token", "me", REAL["docker"])
        digest = registry.keep_image("app", "1", {"answer": "forty-two\n"})
        world.tls(NAME, ["h2", "http/1.1"], registry)
        world.tls(REALM, ["http/1.1"], registry.realm)
        world.write(".docker/config.json", json.dumps({"auths": {
            NAME: {"auth": base64.b64encode(f"me:{REAL['docker']}".encode()).decode()},
            "other.example": {"auth": base64.b64encode(f"me:{REAL['git']}".encode()).decode()}}}), 0o600)
        with check.guarded("image_is_had"):
            image_is_had(check, world, registry, digest)
        for part in (token_is_inside, nobody_else):
            with check.guarded(part.__name__):
                part(check, world, registry)
        with check.guarded("its_own_realm"):
            its_own_realm(check, world)
        with check.guarded("silence"):
            secrecy.stays_outside(check, world, world.real, world.said)
    check.finish()


if __name__ == "__main__":
    main()
