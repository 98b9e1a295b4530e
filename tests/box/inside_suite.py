#!/usr/bin/python3
"""S1: credentials of every type and source in one run, and everything that can be read inside."""

import json
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]

import secrecy  # noqa: E402
import suite as support  # noqa: E402
from origins import logins  # noqa: E402
from origins.credentials import REAL, World  # noqa: E402


def of_every_kind(world):
    """The profile; what is real is in `world.real`."""
    cloud = {"AWS key id": "AKIAREALREALREALREA5", "AWS secret": "realSecretrealSecretreal/Secret+real0005",
             "AWS token": "IQoJrealTokenrealToken//" + "r3alT0ken" * 30 + "=="}
    login = {"access token": logins.access(5), "refresh token": logins.refresh(5)}
    world.write(".aws/credentials", "[work]\n" + "".join(f"{name} = {value}\n" for name, value in zip(
        ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), cloud.values())), 0o600)
    world.write(".claude/.credentials.json", json.dumps({"claudeAiOauth": {
        "accessToken": login["access token"], "refreshToken": login["refresh token"], "expiresAt": logins.FAR,
        "scopes": ["user:inference"]}}), 0o600)
    world.write(".secrets/npm", REAL["npm"], 0o600)
    world.write(".secrets/two", REAL["shell"], 0o600)
    world.write(".secrets/docker", json.dumps({"a": REAL["docker"]}), 0o600)
    world.real.update({**cloud, **login})
    world.vault()
    world.environment.update(REAL_ENV=REAL["env"], REAL_KEY=REAL["key"])
    return world.with_credentials(
        "  env: {source: env:REAL_ENV, hosts: [api.matrix.test], expose: {env: T_ENV}}\n"
        "  npm: {source: file:~/.secrets/npm, hosts: [npm.matrix.test], expose: {file: ~/.npmrc}}\n"
        "  json: {source: \"json:~/.secrets/docker#/a\", hosts: [api.matrix.test], expose: {env: T_JSON}}\n"
        "  shell: {source: \"command:cat ~/.secrets/two\", hosts: [api.matrix.test], expose: {env: T_TWO}}\n"
        "  key: {source: env:REAL_KEY, hosts: [api.matrix.test], attach: {header: X-Key, value: \"{}\"}}\n"
        "  vault: {source: \"vault:secret/ci/deploy#token\", hosts: [api.matrix.test], expose: {env: T_VAULT}}\n"
        "  ring: {source: \"keyring:service=api,user=me@work\", hosts: [api.matrix.test], expose: {env: T_RING}}\n"
        "  cloud: {type: aws, source: \"aws-profile:work\", services: [s3], hosts: [b.s3.eu-west-1.amazonaws.com],\n"
        "          expose: {file: ~/.aws/credentials}}\n"
        "  login: {type: oauth, source: \"json:~/.claude/.credentials.json#/claudeAiOauth\", hosts: [api.anthropic.com],\n"
        "          expose: {file: ~/.claude/.credentials.json, env: T_LOGIN}}\n")


def nothing_is_inside(check, world):
    profile = of_every_kind(world)
    inside = {name: world.real[name] for name in ("env", "npm", "docker", "shell", "key", "vault", "gh", "AWS key id", "AWS secret",
                                                  "AWS token", "access token", "refresh token", "Vault's own token")}

    def seen(*flags):
        line = [support.redoubtful(), "run", "-u", profile, "--home", "persistent", *flags, "--", "bash", "-c",
                secrecy.READ_ALL + "; for v in $T_ENV $T_JSON $T_TWO $T_VAULT $T_RING; do echo stands-${v:0:4}; done"]
        return world.beside_keyring(line, inside["gh"], timeout=60)

    done = seen()
    check.equal("S1 no real value is inside", (done.status, secrecy.found_in(inside, done.out.encode())), (0, []))
    stand_ins = ["_authToken=ghp_", "aws_access_key_id = AKIA", "aws_session_token = ", '"accessToken":"sk-ant-oat01-',
                 "T_LOGIN=sk-ant-oat01-", "end\n" + "stands-ghp_\n" * 5]
    check.equal("S1 control: what was read has a surrogate of each", [text for text in stand_ins if text not in done.out], [])
    live = [word for word in ("env", "npm", "json", "shell", "key", "vault", "ring", "cloud", "login")
            if f"credential {word} is live for" not in done.err]
    check.equal("S1 control: all of them are live", live, [])
    world.write("all.json", json.dumps(inside), 0o600)
    control = seen("-m", "~/all.json")
    check.equal("S1 control: reading in this way finds what is there", secrecy.found_in(inside, control.out.encode()), list(inside))


def main():
    check = support.Suite("inside")
    with World() as world:
        world.web()
        world.packages()
        with check.guarded("nothing_is_inside"):
            nothing_is_inside(check, world)
        with check.guarded("silence"):
            secrecy.stays_outside(check, world, world.real, world.said)
    check.finish()


if __name__ == "__main__":
    main()
