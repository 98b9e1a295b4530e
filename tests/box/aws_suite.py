#!/usr/bin/python3
"""AWS end to end: the real `aws` and boto3 in the box, an origin outside that checks every signature with botocore.

S6 by effect: what reaches the origin is signed with the real keys, in every form that clients use; what is not signed
with the surrogate's reaches it not at all, and the same done right does (the control). The real values are looked for
in everything that is said inside and outside.
"""

import hashlib
import json
import os
import re
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]

import secrecy  # noqa: E402
import suite as support  # noqa: E402
from origins import aws  # noqa: E402
from origins.credentials import World  # noqa: E402

REGION = "eu-west-1"
LONG = ("AKIAREALREALREALREA2", "realSecretrealSecretreal/Secret+real0000", None)
SHORT = ("ASIAREALREALREALREA3", "otherSecretother/Secretother+Secret00001", "IQoJrealTokenrealToken//" + "r3alT0ken" * 30 + "==")
HOSTS = ["bucket.s3.eu-west-1.amazonaws.com", "bucket.s3.amazonaws.com", "bedrock-runtime.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com",
         "abc123.execute-api.eu-west-1.amazonaws.com", "dynamodb.eu-west-1.amazonaws.com"]
SSO_TOKEN = "sso-token-of-the-users-own"
MODEL = "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.x/invoke"
BIG = 100 * 1024 * 1024


class AwsWorld(World):
    def __init__(self):
        super().__init__("aws")
        self.keys = {LONG[0]: LONG[1:], SHORT[0]: SHORT[1:]}
        self.real = {"SSO's login": SSO_TOKEN}
        self.holds(LONG, SHORT)
        self.store = aws.Store(self.keys)
        for name in HOSTS:
            self.tls(name, ["h2", "http/1.1"], self.store, self.authority.leaf(name))
        self.web()
        self.write(".aws/config", "[default]\nregion = eu-west-1\n[profile work]\nregion = eu-west-1\noutput = json\n"
                                  "sso_account_id =\n[profile daemon]\ncredential_process = " + self.home + "/bin/keys\n"
                                  "[profile sso]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\n"
                                  "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n")
        self.keep("work", LONG)

    def holds(self, *all_keys):
        for keys in all_keys:
            self.real.update({f"{keys[0]}, {what}": value for what, value in zip(("id", "secret", "token"), keys) if value})

    def keep(self, profile, keys):
        text = f"[{profile}]\naws_access_key_id = {keys[0]}\naws_secret_access_key = {keys[1]}\n"
        self.write(".aws/credentials", text + (f"aws_session_token = {keys[2]}\n" if keys[2] else ""), 0o600)

    def signing(self, source="aws-profile:work", services="[s3, bedrock, execute-api, dynamodb]", more="", network=""):
        """Only what the credential itself allows, and the origins' addresses."""
        return self.write_profile(
            f"network:\n  allow: [h1.matrix.test, \"http://plain.matrix.test\"{network}]\n{self.addresses()}\nenvironment:\n"
            f"  set: {{AWS_DEFAULT_REGION: {REGION}, AWS_STS_REGIONAL_ENDPOINTS: regional, AWS_EC2_METADATA_DISABLED: 'true'}}\n"
            f"credentials:\n  cloud:\n    type: aws\n    source: {json.dumps(source)}\n    services: {services}\n"
            f"    hosts: [{', '.join(HOSTS)}]\n{more}")

    def forget(self):
        super().forget()
        self.store.log.clear()
        self.store.refused.clear()

    def tried(self, name, profile, **options):
        """What came of an attempt: its own words, the requests that the origin saw, alarms."""
        self.forget()
        done = self.inside(f'exec python3 {self.tools}/attempts.py "{name}"', profile, **options)
        arrived = self.store.log + self.store.refused + self.site.log
        return done.out, len(arrived), [line for line in self.audit() if line["event"] == "alarm"], done


def command_line(check, world):
    profile = world.signing()
    world.forget()
    big = world.write("src/project/big", b"".join(b"%015d\n" % n for n in range(BIG // 16)))
    with open(big, "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    done = world.inside("aws s3 cp --no-progress big s3://bucket/dir/big && aws s3 cp --no-progress s3://bucket/dir/big back "
                        "&& sha256sum <back && aws s3 ls s3://bucket/dir/ && rm back", profile, timeout=400)
    check.check("`aws s3 cp` of 100 MB there and back, and `aws s3 ls`",
                done.status == 0 and wanted in done.out and "big" in done.out and not world.store.refused, f"{done!r} {world.store.refused[:1]}")
    stored = world.store.objects.get("/dir/big", b"")
    check.equal("the origin has all 100 MB of it", hashlib.sha256(stored).hexdigest(), wanted)
    check.equal("and each request was signed with the real key", {signed.key_id for signed, _ in world.store.log}, {LONG[0]})
    check.check("in several parts", sum(request.method == "PUT" for _, request in world.store.log) > 5)
    injected = [line for line in world.audit() if line["event"] == "inject"]
    check.check("the audit log says what was signed for, and with which credential",
                injected and all(line["credential"] == "cloud" and line["detail"] == f"signed anew for s3 in {REGION}"
                                 for line in injected), injected[:2])
    os.remove(big)
    world.store.objects.clear()
    world.store.objects["/note"] = b"a note\n"
    world.forget()
    done = world.inside('url=$(aws s3 presign s3://bucket/note --expires-in 60) && echo "$url" && curl -sS "$url"', profile)
    check.check("a presigned URL made inside is good inside", done.out.endswith("a note\n") and len(world.store.log) == 1
                and world.store.log[0][0].presigned, repr(done))
    check.check("and holds no real value", LONG[0] not in done.out and "AKIA" in done.out, done.out)
    url = done.out.splitlines()[0]
    world.forget()
    there = world.directly(["curl", "-sS", "-w", " %{http_code}", url])
    check.check("outside it is worthless: AWS does not know the key that it is signed with",
                there.out.endswith(" 403") and "a note" not in there.out and len(world.store.refused) == 1 and not world.store.log,
                f"{there!r} {world.store.refused}")
    real = {"AWS_ACCESS_KEY_ID": LONG[0], "AWS_SECRET_ACCESS_KEY": LONG[1], "AWS_DEFAULT_REGION": REGION}
    signed = support.finish(["aws", "s3", "presign", "s3://bucket/note", "--expires-in", "60"], cwd=world.project,
                            env={**world.environment, **real})
    there = world.directly(["curl", "-sS", "-w", " %{http_code}", signed.out.strip()])
    check.check("control: one that is signed with the real key is good there", there.out == "a note\n 200" and len(world.store.log) == 1,
                f"{there!r} {world.store.refused}")


def minting(check, world):
    world.forget()
    done = world.inside("aws sts get-caller-identity", world.signing())
    check.check("sts is refused where it is not listed, in words that AWS's program shows",
                done.status != 0 and "AccessDenied" in done.err and "redoubtful" in done.err and 'service \\"sts\\"' in done.err.replace('"sts"', '\\"sts\\"')
                and "credential" in done.err and not world.store.log and not world.store.refused, repr(done))
    denied = [line for line in world.audit() if line["event"] == "deny"]
    check.check("and that is in the audit log with the credential and its place",
                denied and denied[0]["reason"] == "aws_signature" and denied[0]["rule"] == "cloud"
                and "matrix.yaml" in denied[0]["place"], denied)
    done = world.inside("aws sts get-caller-identity", world.signing(services="[sts]"))
    check.check("control: where it is listed it is signed", done.status == 0 and "user/real" in done.out, repr(done))
    done = world.inside("aws s3 ls s3://bucket/", world.signing(services="[sts]"))
    check.check("and then s3 is not", done.status != 0 and "AccessDenied" in done.err and "s3" in done.err, repr(done))
    out, arrived, _, _ = world.tried("session", world.signing())
    check.check("a call of s3 that makes keys is refused by name", out.startswith("403") and "s3:CreateSession" in out and not arrived, out)


def boto(check, world):
    known = os.path.isdir(os.path.join(os.path.dirname(aws.botocore.__file__), "data", "bedrock-runtime"))
    bedrock = "bedrock good" if known else "bedrock: this botocore does not know it"
    for name, keys in (("long-term keys", LONG), ("a session token", SHORT)):
        world.keep("work", keys)
        world.forget()
        done = world.inside(f"exec python3 {world.tools}/boto.py {BIG}", world.signing(), timeout=400)
        check.check(f"boto3 with {name}: all of it", done.out.splitlines() == [
            "trailer SHA256 good", "trailer CRC32 good", "100 MB good", "streamed back good", "presigned put good", bedrock, "end"],
            f"{done!r} {world.store.refused[:1]}")
        check.equal(f"boto3 with {name}: {bedrock}", [request.path for signed, request in world.store.log if signed.service == "bedrock"],
                    [MODEL] if "good" in bedrock else [])
        kinds = {request.header("x-amz-content-sha256") for _, request in world.store.log}
        check.check(f"boto3 with {name}: aws-chunked with trailers was among it", "STREAMING-UNSIGNED-PAYLOAD-TRAILER" in kinds, kinds)
        check.equal(f"boto3 with {name}: the origin saw that key alone", {signed.key_id for signed, _ in world.store.log}, {keys[0]})
    world.store.objects.clear()
    world.keep("work", LONG)


def generated(check, world):
    """The differential test: botocore signs inside, botocore checks outside, with other keys, over both protocols."""
    counts, verified, refused_s3 = {}, [], []
    for name, keys in (("long-term", LONG), ("session", SHORT)):
        world.keep("work", keys)
        profile = world.signing()
        for version, first, last in (("1.1", 0, 160), ("2", 160, 260)):
            world.forget()
            done = world.inside(f"exec python3 {world.tools}/generated.py {version} {first} {last}", profile, timeout=500)
            lines = [json.loads(line) for line in done.out.splitlines() if line.startswith("{")]
            bad = [line for line in lines if not line["good"]]
            check.check(f"{last - first} generated requests over HTTP/{version}, {name} keys",
                        done.out.endswith("end\n") and len(lines) == last - first and not bad, bad[:2] or repr(done))
            sent = [line for line in lines if line["must"] == "200"]
            check.equal(f"and the origin verified {len(sent)} of them (HTTP/{version}, {name})", len(world.store.log), len(sent))
            counts[name] = counts.get(name, 0) + len(world.store.log)
            check.check(f"in its own protocol (HTTP/{version}, {name})", {r.version for _, r in world.store.log} == {version})
            verified += world.store.log
            refused_s3 += [line for line in lines if line["must"] == "dot segments" and line["what"][0] == "s3" and line["good"]]
            world.store.objects.clear()
    world.keep("work", LONG)
    shapes = {
        "to Bedrock, with %2F in the path": lambda signed, target: signed.service == "bedrock" and "%2F" in target.partition("?")[0],
        "with an empty key in the query": lambda signed, target: not signed.presigned and "?=" in target,
        "with an empty part of the query": lambda signed, target: not signed.presigned and ("&&" in target or target.endswith("&")),
        "that are presigned, with an empty key": lambda signed, target: signed.presigned and "?=" in target,
        "that are presigned, with a key that comes twice": lambda signed, target: signed.presigned and re.search(r"[?&](\w+)=[12]&\1=", target)}
    for what, holds in shapes.items():
        seen = {request.version for signed, request in verified if holds(signed, request.target)}
        check.equal(f"S6 among what was verified are requests {what}, over both protocols", seen, {"1.1", "2"})
    check.check("S6 S3's with '..' were refused, for to S3 it is part of a key and to a path rule it is not", len(refused_s3) >= 4, refused_s3)
    check.check("they were more than 200 for each kind of keys", min(counts.values()) > 200, counts)


def refused(check, world):
    profile = world.signing()
    world.store.objects["/key"] = b"the object\n"
    must = {"foreign": "not of this session", "foreign presigned": "not of this session", "key id alone": "not that of its key",
            "another path": "not that of its key", "another body": "not that of its key", "another expiry": "not that of its key",
            "foreign token": "session token", "another service's host": "is not one of its hosts", "version 2": "version 2"}
    for name, words in must.items():
        out, arrived, _, done = world.tried(name, profile)
        if name == "another body":  # its hash was declared: AWS looks, and so does the origin
            check.check("S6 a body that is not the declared one: the origin refuses it", out.startswith("403") and not world.store.log, out)
            continue
        check.check(f"S6 {name}: refused in words, and the origin sees nothing", out.startswith("403") and words in out and not arrived, repr(done))
    out, _, _, done = world.tried("spoilt chunk", profile)
    check.check("S6 a chunk that was changed on the way is not passed on, nor is the object made",
                not out.startswith("200") and not world.store.log and world.store.objects["/key"] == b"the object\n", repr(done))
    for name in ("control", "control presigned"):
        out, arrived, alarms, done = world.tried(name, profile)
        check.check(f"S6 {name}: signed anew and answered", out.startswith("200 the object") and arrived == 1 and not alarms, repr(done))
    for name in ("secret in a field", "key id in metadata", "another host", "key id in a query elsewhere", "secret elsewhere"):
        out, arrived, alarms, done = world.tried(name, profile)
        check.check(f"S2 {name}: refused, and alarmed", out.startswith("403") and not arrived and len(alarms) == 1, f"{done!r} {alarms}")
    out, arrived, _, done = world.tried("not signed", profile)
    check.check("a request that is not signed passes as it is (the origin says no)", out.startswith("403") and arrived == 1
                and world.store.refused[0][0] == "AccessDenied", repr(done))
    out, arrived, _, done = world.tried("bearer", profile)
    check.check("S8 a stranger's bearer token is taken out", arrived == 1 and world.store.refused[0][1].header("authorization") is None, repr(done))
    exclusive = world.signing(more="    exclusive: true\n")
    for name in ("not signed", "bearer", "foreign"):
        out, arrived, _, done = world.tried(name, exclusive)
        check.check(f"S8 exclusive: {name}: reaches no origin", out.startswith("403") and not arrived, repr(done))
    out, arrived, _, done = world.tried("control", exclusive)
    check.check("S8 exclusive, control: its own keys do", out.startswith("200 the object") and arrived == 1, repr(done))


def echoed(check, world):
    """S3: AWS's errors repeat keys, tokens and signatures; the box sees its own."""
    world.store.objects["/key"] = b"the object\n"
    world.keep("work", SHORT)
    world.store.keys = {}
    out, arrived, _, done = world.tried("control", world.signing())
    theirs = world.store.refused[0][1] if world.store.refused else None
    mark = (theirs.header("authorization") or "").rpartition("=")[2] if theirs else "none"
    check.check("S3 an error that repeats everything shows no real key, token or signature",
                out.startswith("403") and arrived == 1 and "InvalidAccessKeyId" in out and "Credential=ASIA" in out
                and SHORT[0] not in out and SHORT[2][:20] not in out and mark not in out and len(mark) == 64, repr(done))
    world.store.keys = dict(world.keys)
    world.keep("work", LONG)
    out, arrived, _, done = world.tried("control", world.signing())
    check.check("S3 control: with keys that the origin knows it answers", out.startswith("200") and arrived == 1, repr(done))


def sources(check, world):
    world.store.objects["/note"] = b"a note\n"
    read = "aws s3 cp s3://bucket/note - ; env | grep ^AWS_ | sort; echo end"
    cases = {
        "env:": (SHORT, {"AWS_ACCESS_KEY_ID": SHORT[0], "AWS_SECRET_ACCESS_KEY": SHORT[1], "AWS_SESSION_TOKEN": SHORT[2]}),
        "json:~/keys.json#/Credentials": (LONG, {}),
        "command:cat ~/one.json": (SHORT, {}),
    }
    text = {keys[0]: json.dumps({"Version": 1, "AccessKeyId": keys[0], "SecretAccessKey": keys[1],
                                 **({"SessionToken": keys[2]} if keys[2] else {})}) for keys in (LONG, SHORT)}
    world.write("keys.json", '{"Credentials": ' + text[LONG[0]] + "}", 0o600)
    world.write("one.json", text[SHORT[0]], 0o600)
    for source, (keys, environment) in cases.items():
        world.forget()
        done = world.inside(read, world.signing(source), env=environment)
        check.check(f"{source}: signed with its keys", done.out.startswith("a note\n") and
                    {signed.key_id for signed, _ in world.store.log} == {keys[0]}, repr(done))
        check.check(f"{source}: inside are surrogates, a token where there is one",
                    f"AWS_ACCESS_KEY_ID={keys[0][:4]}" in done.out and ("AWS_SESSION_TOKEN=" in done.out) == bool(keys[2]), done.out)
    files = world.signing(more="    expose: {file: [~/.aws/credentials, ~/.aws/config]}\n")
    done = world.inside("env -u AWS_DEFAULT_REGION aws --profile work s3 cp s3://bucket/note - ; cat ~/.aws/credentials ~/.aws/config; env", files)
    check.check("by file: ~/.aws/credentials has the profile with surrogates, and `aws --profile` uses it",
                done.out.startswith("a note\n") and "[work]\naws_access_key_id = AKIA" in done.out, repr(done))
    check.check("by file: ~/.aws/config keeps the region and says nothing of where keys come from",
                "[profile work]\nregion = eu-west-1\noutput = json\n" in done.out and "credential_process" not in done.out
                and "sso_" not in done.out and "AWS_SECRET_ACCESS_KEY=" not in done.out, done.out)
    for source, words in (("aws-profile:absent", "neither in"), ("env:", "AWS_ACCESS_KEY_ID is not set"),
                          ("file:~/one.txt", "is not JSON")):
        world.write("one.txt", "nonsense, and long enough of it", 0o600)
        done = world.inside("echo started", world.signing(source))
        check.check(f"{source} is refused before anything starts", done.status == 78 and "started" not in done.out and words in done.err, repr(done))
    os.chmod(os.path.join(world.home, ".aws", "credentials"), 0o644)
    done = world.inside("echo started", world.signing())
    check.check("~/.aws/credentials that others may read is refused", done.status == 78 and "read or written by others" in done.err, repr(done))
    world.keep("work", LONG)


def renewed(check, world):
    """Keys that end are renewed while the box runs: by credential_process, and by SSO's portal."""
    def fresh(number):
        return f"ASIAFRESHFRESHFRES{number:02d}".replace("0", "A").replace("1", "B").replace("8", "C").replace("9", "D"), \
            f"freshSecret{number:02d}freshSecretfreshSecret0123456", f"IQoJfreshToken{number:02d}" + "freshToken" * 20

    world.write("bin/keys", f"#!/bin/sh\nexec /usr/bin/python3 {world.home}/bin/keys.py\n", 0o700)
    made = {fresh(number)[0]: fresh(number)[1:] for number in range(2, 8)}
    world.holds(*((key_id, *rest) for key_id, rest in made.items()))
    for key_id, rest in made.items():
        world.store.keys[key_id] = rest
    listed = json.dumps([[key, *rest] for key, rest in made.items()])
    world.write("bin/keys.py", "import json, os, time\n"
                f"home, keys = {world.home!r}, {listed}\n"
                "count = os.path.join(home, 'count')\n"
                "number = int(open(count).read()) if os.path.exists(count) else 0\n"
                "open(count, 'w').write(str(number + 1))\n"
                "key = keys[min(number, len(keys) - 1)]\n"
                "end = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 8))\n"
                "print(json.dumps({'Version': 1, 'AccessKeyId': key[0], 'SecretAccessKey': key[1], 'SessionToken': key[2], 'Expiration': end}))\n", 0o600)
    world.store.objects["/key"] = b"the object\n"
    loop = f"for n in $(seq 20); do python3 {world.tools}/attempts.py control; sleep 0.7; done; env | grep -c AWS_SESSION; echo end"
    world.forget()
    done = world.inside(loop, world.signing("aws-profile:daemon"))
    used = [signed.key_id for signed, _ in world.store.log]
    check.check("credential_process: every request of the run is answered, across the end of the first keys",
                done.out.count("200 the object") == 20 and done.out.endswith("1\nend\n"), repr(done))
    check.check("credential_process: with the next keys, then the next", len(dict.fromkeys(used)) >= 3 and
                used == sorted(used, key=list(made).index), used)
    refreshed = [line for line in world.audit() if line["event"] == "refresh"]
    check.check("credential_process: each renewal is in the audit log", len(refreshed) >= 2 and
                all(line["credential"] == "cloud" and "good until" in line["detail"] for line in refreshed), refreshed)
    world.write("bin/keys.py", world_once(listed, world.home), 0o600)
    world.forget()
    done = world.inside(f"sleep 6; python3 {world.tools}/attempts.py control; echo end", world.signing("aws-profile:daemon"))
    check.check("keys that ended and could not be renewed: refused with the reason of the source",
                done.out.startswith("503") and "could not be renewed" in done.out and "no more keys today" in done.out
                and not world.store.log, repr(done))
    portal(check, world, made, loop)


def world_once(listed, home):
    return ("import json, os, sys, time\n"
            f"home, keys = {home!r}, {listed}\n"
            "count = os.path.join(home, 'once')\n"
            "if os.path.exists(count): sys.exit('no more keys today')\n"
            "open(count, 'w').write('1')\n"
            "end = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 4))\n"
            "print(json.dumps({'Version': 1, 'AccessKeyId': keys[0][0], 'SecretAccessKey': keys[0][1], 'SessionToken': keys[0][2], 'Expiration': end}))\n")


def portal(check, world, made, loop):
    given = []

    def keys():
        key_id = list(made)[min(len(given), len(made) - 1)]
        given.append(key_id)
        return (key_id, *made[key_id], int((time.time() + 8) * 1000))

    world.site.routes["/federation/credentials"] = aws.sso_portal(SSO_TOKEN, keys)
    server = world.tls("portal.matrix.test", ["http/1.1"], leaf=world.authority.leaf("127.0.0.1"))
    name = hashlib.sha1(b"corp").hexdigest()
    environment = {"AWS_ENDPOINT_URL_SSO": f"https://127.0.0.1:{server.listens_on}", "AWS_CA_BUNDLE": world.authority.certificate}
    login = {"accessToken": SSO_TOKEN, "startUrl": "https://corp.example/start"}
    path = f".aws/sso/cache/{name}.json"
    profile = world.signing("aws-profile:sso")
    done = world.inside("echo started", profile, env=environment)
    check.check("SSO: without a login it is refused, and says what to do",
                done.status == 78 and "no SSO login" in done.err and "aws sso login" in done.err, repr(done))
    world.write(path, json.dumps({**login, "expiresAt": "2020-01-01T00:00:00Z"}), 0o600)
    done = world.inside("echo started", profile, env=environment)
    check.check("SSO: a login that has expired is refused", done.status == 78 and "has expired" in done.err, repr(done))
    world.write(path, json.dumps({**login, "expiresAt": "2099-01-01T00:00:00Z"}), 0o600)
    world.forget()
    done = world.inside(loop, profile, env=environment)
    check.check("SSO: every request is answered, across the end of the first keys",
                done.out.count("200 the object") == 20, repr(done))
    used = [signed.key_id for signed, _ in world.store.log]
    check.check("SSO: with keys that the portal gave, one after the other", len(dict.fromkeys(used)) >= 2 and set(used) <= set(given), used)
    shown = world.signing("aws-profile:sso", more="    expose: {file: [~/.aws/credentials, ~/.aws/config]}\n")
    kept = {name: value for name, value in world.real.items() if name == "SSO's login" or name.split(",")[0] in given}
    for flags, wanted in ((), []), (("-m", f"~/{path}"), ["SSO's login"]):
        done = world.boxed(["bash", "-c", "grep -c \"= ASIA\" ~/.aws/credentials; " + secrecy.READ_ALL], profile=shown,
                           env=environment, flags=flags)
        check.check(f"SSO: {'control: what is mounted is found inside' if flags else 'neither its login nor the keys are inside'}",
                    done.status == 0 and done.out.startswith("1\n") and done.out.endswith("\nend\n")
                    and secrecy.found_in(kept, done.out.encode()) == wanted, f"{secrecy.found_in(kept, done.out.encode())} {done!r}")


def shown(check, world):
    profile = world.signing()
    done = world.outside("show", "-u", profile)
    check.check("show says type, source, services and hosts, and no value",
                "aws-profile:work" in done.out and "signing for [s3, bedrock, execute-api, dynamodb]" in done.out
                and HOSTS[0] in done.out and "AWS_SESSION_TOKEN" in done.out, done.out)
    for keys, words in (("type: aws, source: 'aws-profile:a', hosts: [a.example]", "services"),
                        ("type: aws, source: 'env:', services: ['s 3'], hosts: [a.example]", "is no AWS service"),
                        ("source: 'env:', hosts: [a.example], expose: {env: A}", "type: aws"),
                        ("type: aws, source: 'env:', services: [s3], hosts: [a.example], attach: {header: A, value: '{}'}", "no meaning")):
        path = world.write_profile(f"credentials:\n  cloud: {{{keys}}}\n")
        done = world.outside("profile", "check", path)
        check.check(f"a profile that is wrong is refused with its place: {words}", done.status == 1 and words in done.err + done.out
                    and "matrix.yaml:2:" in done.err + done.out, repr(done))
    both = world.write_profile("credentials:\n  cloud: {type: aws, source: 'env:', services: [s3], hosts: [a.example]}\n"
                               "  token: {source: env:T, hosts: [a.example], expose: {env: T}}\n")
    done = world.outside("show", "-u", both)
    check.check("a host of both kinds of credentials is refused", done.status == 78 and "as well" in done.err, repr(done))


def main():
    check = support.Suite("aws")
    with AwsWorld() as world:
        for part in (shown, command_line, minting, boto, refused, echoed, sources, renewed, generated):
            with check.guarded(part.__name__):
                part(check, world)
        secrecy.stays_outside(check, world, world.real, world.said)
        check.check("control: surrogates were said", "AWS_ACCESS_KEY_ID=A" in "\n".join(world.said))
    check.finish()


if __name__ == "__main__":
    main()
