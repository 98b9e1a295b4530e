#!/usr/bin/python3
"""Logins that end (OAuth): renewed outside while a box uses them, and no token is lost, whatever happens (S7).

The world is support/origins/logins.py: an endpoint that rotates and revokes, and an API that takes the newest token alone.
"""

import functools
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.parse

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support")]

import family  # noqa: E402
import secrecy  # noqa: E402
import suite as support  # noqa: E402
from origins import logins  # noqa: E402
from origins import site as pages  # noqa: E402
from origins.logins import FAR, FILE, UNKNOWN, LoginWorld, access, in_ms, refresh  # noqa: E402

CURL = 'curl -sS -m 60 -H "Authorization: Bearer $TOKEN" '
ASK = CURL + "https://api.anthropic.com/v1/messages"


def ahead(check, world):
    world.log_in(expires=in_ms(5))
    world.taken = [0, 1]
    done = world.inside(f"for i in $(seq 300); do a=$({ASK}); [ \"${{a%% b*}}\" = 'token 1' ] && break; sleep 0.1; done; echo $a; "
                        f"cat ~/{FILE}; env; echo end")
    check.check("ahead of its end it is renewed, and the surrogate stands for the new token",
                done.out.startswith("token 1 ") and done.out.endswith("end\n"), repr(done))
    check.equal("by one request", len(world.endpoint.log), 1)
    headers, asked = world.endpoint.log[0]
    check.equal("whose body is Claude's", asked, {
        "grant_type": "refresh_token", "refresh_token": refresh(0), "client_id": "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
        "scope": "user:inference user:profile"})
    check.check("without a credential in its head", "authorization" not in headers and headers["content-type"] == "application/json", headers)
    check.equal("and no request was refused on the way", {r.header("authorization") for r in world.asked()},
                {"Bearer " + access(0), "Bearer " + access(1)})
    check.equal("the host's file has the new login", world.held(), (1, 1))
    login = world.login()
    kept = {k: v for k, v in login["claudeAiOauth"].items() if k not in ("accessToken", "refreshToken", "expiresAt")}
    check.equal("and all else that was in it", ({k: login[k] for k in UNKNOWN}, kept), (UNKNOWN, {
        "scopes": ["user:inference", "user:profile"], "subscriptionType": "max", "later": [1, {"x": 2}]}))
    check.check("with the new end", abs(login["claudeAiOauth"]["expiresAt"] - in_ms(3600)) < 60000, login)
    place = os.path.join(world.home, FILE)
    check.equal("mode, and nothing beside it", (os.stat(place).st_mode & 0o777, os.listdir(os.path.dirname(place)),
                os.path.exists(os.path.join(world.home, ".claude.lock"))), (0o600, [".credentials.json"], False))
    inside = json.loads(next(line for line in done.out.splitlines() if line.startswith("{")))
    check.check("inside there is that subtree alone, with surrogates, without a refresh token, and ends in a far future",
                list(inside) == ["claudeAiOauth"] and "refreshToken" not in inside["claudeAiOauth"]
                and inside["claudeAiOauth"]["expiresAt"] == FAR and inside["claudeAiOauth"]["accessToken"].startswith("sk-ant-oat01-")
                and inside["claudeAiOauth"]["accessToken"] != access(0), inside)
    lines = world.refreshes()
    check.check("the audit log says so", len(lines) == 1 and lines[0]["credential"] == "login" and "renewed, good until" in lines[0]["detail"]
                and "reason" not in lines[0], lines)


def refused(check, world):
    """A 401 in the middle: the request goes once more, with its body, and the client sees one answer."""
    body = b"b" * 3_000_000
    world.write("src/project/body", body)
    digest = hashlib.sha256(body).hexdigest()
    for name, more in (("", ""), ("chunked, ", "-H 'Transfer-Encoding: chunked' "), ("waiting for leave, ", "-H 'Expect: 100-continue' ")):
        world.log_in()
        world.taken = [1]
        done = world.inside(f"{CURL} {more} --data-binary @body https://api.anthropic.com/v1/messages; echo end")
        check.equal(f"on 401 ({name}3 MB of body) the answer is that to the new token", done.out, f"token 1 body {digest} {len(body)}\nend\n")
        check.equal(f"({name}3 MB) after one grant, and one refused request", (len(world.endpoint.log), len(world.asked()), world.held()), (1, 2, (1, 1)))
    world.log_in()
    world.taken = [1]
    done = world.inside(f"for i in 1 2; do {CURL} -o /dev/null -w '%{{http_code}}\\n' https://two.matrix.test/v1/x; "
                        f"[ $i = 1 ] && for j in $(seq 100); do a=$({ASK}); [ \"${{a%% b*}}\" = 'token 1' ] && break; done; done")
    check.equal("over HTTP/2 the answer goes through, and the next request has the new token", (done.out, len(world.endpoint.log)), ("401\n200\n", 1))
    world.log_in()
    world.taken = [1]
    done = world.inside(f"{ASK}?echo=1; echo end")
    check.check("S3 what repeats the old token and the new one shows neither",
                "RealAccess" not in done.out and done.out.count("sk-ant-oat01-") == 2 and done.out.endswith("end\n"), repr(done))
    world.log_in()
    world.taken = []
    done = world.inside(f"{ASK} -w '%{{http_code}}\\n'; {ASK} -w '%{{http_code}}\\n'; echo end")
    check.check("where the new token is refused as well, the client is told so, and nobody is asked again at once",
                done.out.count("401\n") == 2 and len(world.endpoint.log) == 1 and "RealAccess" not in done.out, repr(done))


def storm(check, world):
    """S7: two sessions at once, fifty requests each, all of them refused."""
    world.log_in()
    world.taken = [1]
    came, all_there = [], threading.Event()

    def gate(request):
        came.append(request)
        if len(came) >= 100:
            all_there.set()
        all_there.wait(30)

    world.gate = gate
    script = (f"{CURL} -Z --parallel-immediate --parallel-max 50 -o /dev/null -w '%{{http_code}}\\n' "
              "'https://api.anthropic.com/v1/messages?n=[1-50]' | sort | uniq -c")
    line = world.line(script)
    runs = [subprocess.Popen(line, cwd=world.project, env=world.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(2)]
    outs = [run.communicate(timeout=240) for run in runs]
    check.check("a hundred requests were refused at the same time", all_there.is_set(), len(came))
    check.equal("all of both sessions' requests are answered", [out.decode().split() for out, _ in outs], [["50", "200"]] * 2)
    check.equal("S7 the endpoint was asked once, and no token is lost", (len(world.endpoint.log), world.endpoint.revoked, world.held()),
                (1, False, (1, 1)))
    second = world.endpoint(pages.Request("1.1", "POST", "/v1/oauth/token", [], json.dumps({"refresh_token": refresh(0)}).encode()))
    check.check("control: a second use of the old token would have revoked the login", second.status == 400 and world.endpoint.revoked)


def failures(check, world):
    words = {"invalid": "no longer good (status 400, invalid_grant)", "down": "it gave no token (status 503, unavailable)",
             "garbage": "its answer is no JSON object"}
    for mode, says in words.items():
        world.log_in(expires=in_ms(4))
        world.endpoint.mode = mode
        before = world.login()
        done = world.inside(f"for i in $(seq 300); do {ASK} >/dev/null; [ -e ~/stop ] && break; sleep 0.1; done & "
                            f"for i in $(seq 100); do sleep 0.1; done; touch ~/stop; wait; {ASK}; echo end")
        lines = world.refreshes()
        check.check(f"{mode}: the old token is used as long as it is taken", done.out.startswith("token 0 "), repr(done))
        check.check(f"{mode}: the audit log says what failed", lines and lines[0]["reason"] == "failed" and says in lines[0]["detail"]
                    and "platform.claude.com" in lines[0]["detail"], lines)
        check.equal(f"{mode}: the file is what it was", world.login(), before)
        if mode == "invalid":
            check.equal("invalid: it is asked for once", len(world.endpoint.log), 1)
        world.log_in(expires=in_ms(4))
        world.endpoint.mode = mode
        world.taken = [1]
        done = world.inside(f"{ASK} -w '%{{http_code}}\\n'; echo end")
        check.check(f"{mode}: a 401 goes through to the client", "401\nend\n" in done.out and "authentication_error" in done.out
                    and "RealAccess" not in done.out, repr(done))
    world.log_in()
    world.taken = [1]
    world.endpoint.mode = "invalid"

    def again(request):
        if request.query.get("n") == "2":  # the user has logged in again, on the host
            world.endpoint.mode = "good"
            world.endpoint.number = 9
            world.taken = [9]
            world.write(FILE, json.dumps({**UNKNOWN, "claudeAiOauth": {
                "accessToken": access(9), "refreshToken": refresh(9), "expiresAt": FAR, "scopes": []}}), 0o600)

    world.gate = again
    done = world.inside(f"{ASK}?n=1 -o /dev/null -w '%{{http_code}}\\n'; sleep 3; {ASK}?n=2 -w '%{{http_code}}\\n'; echo end")
    check.check("a login that was revoked, and made anew on the host: the box goes on with it, and nobody is asked",
                done.out.startswith("401\ntoken 9 ") and len(world.endpoint.log) == 1 and world.held() == (9, 9), repr(done))
    gone = world.token.name
    world.log_in()
    world.taken = [1]
    unreachable = world.logins().replace("matrix.yaml", "matrix.yaml")
    with open(unreachable, encoding="utf-8") as file:
        text = file.read().replace(f"{gone}: {{address: \"127.0.0.1:{world.token.listens_on}\"", f'{gone}: {{address: "127.0.0.1:1"')
    with open(unreachable, "w", encoding="utf-8") as file:
        file.write(text)
    done = support.finish([support.redoubtful(), "run", "-u", unreachable, "--", "bash", "-c", f"{ASK} -w '%{{http_code}}\\n'; echo end"],
                          cwd=world.project, env=world.environment)
    lines = world.refreshes()
    check.check("an endpoint that cannot be reached: said, and nothing is lost", "401\nend\n" in done.out and world.held() == (0, 0)
                and "cannot reach platform.claude.com" in lines[0]["detail"], f"{done!r} {lines}")
    world.log_in()
    world.taken = [1]
    other = world.authority.leaf("other.example")
    wrong = world.tls("wrong.matrix.test", ["http/1.1"], leaf=other)
    with open(world.logins(), encoding="utf-8") as file:
        text = file.read().replace(f"127.0.0.1:{world.token.listens_on}", f"127.0.0.1:{wrong.listens_on}")
    done = support.finish([support.redoubtful(), "run", "-u", world.write_profile(text), "--", "bash", "-c", f"{ASK} -w '%{{http_code}}\\n'"],
                          cwd=world.project, env=world.environment)
    check.check("an endpoint with another's certificate gets no token", done.out.endswith("401\n") and not world.endpoint.log
                and "certificate" in world.refreshes()[0]["detail"], f"{done!r} {world.refreshes()}")
    world.origins.remove(wrong)
    wrong.stop()


def files(check, world):
    """The host's file: replaced meanwhile, in a directory that takes no file, not to be written at all."""
    world.log_in()
    world.taken = [7]
    world.endpoint.hook = lambda: world.write(FILE, json.dumps({**UNKNOWN, "claudeAiOauth": {
        "accessToken": access(7), "refreshToken": refresh(7), "expiresAt": FAR, "scopes": []}}), 0o600)
    done = world.inside(f"{ASK}; echo end")
    check.check("a login that somebody makes while ours is renewed stays, and is used", done.out.startswith("token 7 ")
                and world.held() == (7, 7), repr(done))
    folder = os.path.join(world.home, ".claude")
    path = world.log_in()
    world.taken = [1]
    os.chmod(folder, 0o500)
    done = world.inside(f"{ASK}; echo end")
    check.check("in a directory that takes no file it is written in place", done.out.startswith("token 1 ") and world.held() == (1, 1),
                f"{done!r} {world.held()}")
    os.chmod(folder, 0o700)
    path = world.log_in()
    world.taken = [1]
    os.chmod(path, 0o400)
    os.chmod(folder, 0o500)
    done = world.inside(f"{ASK} -w '%{{http_code}}\\n'; echo end")
    lines = world.refreshes()
    check.check("one that cannot be written at all is not renewed: the endpoint is not asked",
                "401\nend\n" in done.out and not world.endpoint.log and world.held() == (0, 0)
                and "it is not renewed, for the new login could not be kept" in lines[0]["detail"], f"{done!r} {lines}")
    os.chmod(folder, 0o700)
    os.chmod(path, 0o600)
    done = world.inside(f"{ASK}; echo end")
    check.check("control: writable again, it is", done.out.startswith("token 1 ") and len(world.endpoint.log) == 1, repr(done))
    world.log_in()
    target = world.write("dotfiles/claude.json", open(path, encoding="utf-8").read(), 0o600)
    os.remove(path)
    os.symlink(target, path)
    world.taken = [1]
    done = world.inside(f"{ASK}; echo end")
    check.check("a link is followed, and stays one", done.out.startswith("token 1 ") and os.path.islink(path) and world.held() == (1, 1), repr(done))
    os.remove(path)
    world.log_in()
    world.taken = [8]
    locks = [os.path.join(folder, ".oauth_refresh.lock"), folder + ".lock"]
    os.mkdir(locks[1])

    def host():  # Claude on the host renews, and holds its second lock meanwhile
        while not os.path.exists(locks[0]):
            time.sleep(0.01)
        world.write(FILE, json.dumps({**UNKNOWN, "claudeAiOauth": {
            "accessToken": access(8), "refreshToken": refresh(8), "expiresAt": FAR, "scopes": []}}), 0o600)
        os.rmdir(locks[1])

    thread = threading.Thread(target=host)
    thread.start()
    done = world.inside(f"{ASK}; echo end")
    thread.join()
    check.check("a Claude on the host that renews is waited for, and what it has written is used",
                done.out.startswith("token 8 ") and not world.endpoint.log and not any(os.path.exists(lock) for lock in locks), repr(done))


def ends(check, world):
    """The session ends while the endpoint has not answered yet: the new login must reach the file."""
    world.log_in()
    world.taken = [1]
    asked, go_on = threading.Event(), threading.Event()
    world.endpoint.hook = lambda: (asked.set(), go_on.wait(30))
    run = subprocess.Popen(world.line(f"{ASK} >/dev/null & sleep 60"), cwd=world.project, env=world.environment,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    check.check("the endpoint was asked", asked.wait(30))
    seen = proxies()
    check.equal("control: its proxy and the helper are seen", len(seen), 2)
    for one in seen:
        with open(f"/proc/{one.pid}/status", encoding="ascii") as file:
            facts = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        check.equal("O1 each is confined: no new privileges, a filter, no capability",
                    [facts[key] for key in ("NoNewPrivs", "Seccomp", "CapEff", "CapPrm")], ["1", "2", "0" * 16, "0" * 16])
    run.kill()
    run.wait()
    go_on.set()
    deadline = time.monotonic() + 20
    while world.held() != (1, 1) and time.monotonic() < deadline:
        time.sleep(0.05)
    check.equal("a session that is killed in the middle of it loses no login", (world.held(), len(world.endpoint.log)), ((1, 1), 1))
    check.equal("and then no process is left", family.left_after(5), [])


def proxies():
    return [one for one in family.descendants(os.getpid()) if one.name == "redoubtful-prox" and one.state != "Z"]


def from_inside(check, world):
    """What a program inside tries with what it has revokes nothing."""
    world.log_in()
    post = ("curl -sS -o /dev/null -w '%{http_code}\\n' -H 'Content-Type: application/json' "
            "-d '{\"grant_type\": \"refresh_token\", \"refresh_token\": \"'$TOKEN'\"}' ")
    done = world.inside(f"{post} https://platform.claude.com/v1/oauth/token; {post} https://platform.claude.com/v1/other; "
                        "curl -sS -o /dev/null -w '%{http_code}\\n' -H \"Authorization: Bearer $TOKEN\" https://token.matrix.test/v1/x; echo end")
    check.equal("the endpoint's path is refused inside, and its host does not get the token", done.out, "403\n401\n403\nend\n")
    check.equal("and the endpoint saw nothing", world.endpoint.log, [])
    lines = world.audit()
    check.check("the alarm was raised for the token on its way elsewhere",
                [line["host"] for line in lines if line["event"] == "alarm"] == ["token.matrix.test"], lines)
    done = world.inside(f"{ASK}; echo end")
    check.check("control: the login is as good as before", done.out.startswith("token 0 "), repr(done))


def others(check, world):
    """Codex's and Gemini's files, and a service that nobody knows."""
    old = logins.web_token("RealOld", exp=int(time.time()) - 5)
    fresh = logins.web_token("RealNew", exp=int(time.time()) + 3600)
    identity = logins.web_token("RealIdentity", sub="auth0|1", email="RealMail")
    cases = {
        "codex": (".codex/auth.json", "", "auth.openai.com", "/oauth/token", {
            "auth_mode": "chatgpt", "OPENAI_API_KEY": None, "last_refresh": "2026-01-01T00:00:00Z", "later": 1,
            "tokens": {"access_token": old, "refresh_token": "rt_RealRefresh0123456789abcdef", "id_token": identity, "account_id": "acc"}},
            {"grant_type": "refresh_token", "refresh_token": "rt_RealRefresh0123456789abcdef", "client_id": "app_EMoamEEZ73f0CkXaXp7hrann"},
            {"access_token": fresh, "refresh_token": "rt_RealRefresh9876543210fedcba", "id_token": identity}),
        "gemini": (".gemini/oauth_creds.json", "", "oauth2.googleapis.com", "/token", {
            "access_token": "ya29.RealOld0123456789abcdefghij", "refresh_token": "1//RealRefresh0123456789", "expiry_date": in_ms(-5),
            "scope": "a b", "token_type": "Bearer", "later": 1},
            {"grant_type": "refresh_token", "refresh_token": "1//RealRefresh0123456789"},
            {"access_token": "ya29.RealNew0123456789abcdefghij", "expires_in": 3599}),
        "other": (".other/login.json", "    refresh: {endpoint: https://token.matrix.test/other/token, client_id_at: /id, access_token: /a/t, "
                  "refresh_token: /a/r, expires: /a/e, expires_as: rfc3339}\n", "token.matrix.test", "/other/token", {
                      "id": "cli-1", "later": 1, "a": {"t": "other_RealOld0123456789abcdefgh", "r": "RealRefresh0123456789abcdef",
                                                       "e": "2026-01-01T00:00:00Z"}},
                  {"grant_type": "refresh_token", "refresh_token": "RealRefresh0123456789abcdef", "client_id": "cli-1"},
                  {"access_token": "other_RealNew0123456789abcdefgh", "refresh_token": "RealRefresh9876543210fedcba", "expires_in": 60}),
    }
    for host in ("auth.openai.com", "oauth2.googleapis.com"):
        world.tls(host, ["http/1.1"], leaf=world.authority.leaf(host))
    for name, (path, more, host, target, login, wanted, answer) in cases.items():
        asked = []

        def grant(request, asked=asked, answer=answer):
            body = request.body.decode()
            asked.append(json.loads(body) if body.startswith("{") else dict(urllib.parse.parse_qsl(body)))
            return pages.Response(200, [("content-type", "application/json")], json.dumps(answer).encode())

        def api(request, answer=answer):
            good = request.header("authorization") == "Bearer " + answer["access_token"]
            return pages.text(200 if good else 401, "good\n" if good else "bad\n")

        world.site.routes = {target: grant, "/api": api}
        world.write(path, json.dumps(login), 0o600)
        profile = world.write_profile(
            "network:\n" + world.addresses() + f'\ncredentials:\n  login:\n    type: oauth\n    source: "json:~/{path}#"\n'
            f"    hosts: [api.anthropic.com]\n    expose: {{file: ~/{path}, env: TOKEN}}\n" + more)
        done = support.finish([support.redoubtful(), "run", "-u", profile, "--", "bash", "-c",
                               f"{CURL} https://api.anthropic.com/api; cat ~/{path}; env; echo end"], cwd=world.project, env=world.environment)
        check.check(f"{name}: a login that has ended is renewed at once, and the first request is good", done.out.startswith("good\n")
                    and done.out.endswith("end\n"), repr(done))
        check.check(f"{name}: as its program asks for it", len(asked) == 1 and all(asked[0].get(k) == v for k, v in wanted.items()), asked)
        with open(os.path.join(world.home, path), encoding="utf-8") as file:
            now = file.read()
        check.check(f"{name}: the file has the new tokens and what else was in it",
                    answer["access_token"] in now and answer.get("refresh_token", wanted["refresh_token"]) in now
                    and json.loads(now)["later"] == 1 and login != json.loads(now), now)
        shown = json.loads(done.out[done.out.index("{"):done.out.index("}\n") + 1])
        for pointer, value in logins.web_tokens(login):
            stand_in = functools.reduce(dict.__getitem__, pointer, shown)
            head, claims, signature = stand_in.split(".")
            check.check(f"{name}: inside, {pointer[-1]} is a web token that ends in a far future, without the claims that say more",
                        logins.decoded(head)["alg"] == "RS256" and logins.decoded(claims).get("exp", FAR) * 1000 >= FAR
                        and "Real" not in json.dumps(logins.decoded(claims)) and len(stand_in) == len(value)
                        and signature not in value, stand_in)
        real = {f"{name} {n}": text for n, text in enumerate(logins.real_parts(login, answer))}
        check.equal(f"{name}: nothing real is inside", secrecy.found_in(real, done.out.encode()), [])
        check.equal(f"{name}: control: outside all of it is found", secrecy.found_in(real, (json.dumps(login) + now).encode()), list(real))
        world.real.update(real)
        world.said.append(done.out + done.err)
    with open(os.path.join(world.home, ".codex/auth.json"), encoding="utf-8") as file:
        check.check("codex: last_refresh is now", json.load(file)["last_refresh"] > "2026-06", "")


def shown(check, world):
    done = support.finish([support.redoubtful(), "show", "-u", world.logins()], cwd=world.project, env=world.environment)
    check.check("`show` says where it is renewed", "renewed at https://platform.claude.com/v1/oauth/token" in done.out, repr(done))
    bad = world.logins("    refresh: {endpoint: http://x.example/t, client_id: a}\n")
    done = support.finish([support.redoubtful(), "profile", "check", bad], cwd=world.project, env=world.environment)
    check.check("a mistake is named with its place", done.status == 1 and "matrix.yaml:" in done.out + done.err
                and "is no token endpoint" in done.out + done.err, repr(done))


def main():
    check = support.Suite("oauth")
    family.adopt_orphans()
    with LoginWorld() as world:
        for part in (ahead, refused, storm, failures, files, ends, from_inside, shown, others):
            with check.guarded(part.__name__):
                part(check, world)
        for number in range(10):
            world.real.update({f"access {number}": access(number), f"refresh {number}": refresh(number)})
        secrecy.stays_outside(check, world, world.real, world.said)
        check.check("control: surrogates were said", "sk-ant-oat01-" in "\n".join(world.said))
    check.finish()


if __name__ == "__main__":
    main()
