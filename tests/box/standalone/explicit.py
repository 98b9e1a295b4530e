"""Its own port: who shows the token, and who does not."""

import json

from standalone.world import API, OTHER, PLAIN, REAL, Proxy, curl


def with_token(check, world):
    with Proxy(world) as proxy:
        through = ["-x", proxy.url(proxy.token()), "--cacert", proxy.ca]
        surrogate = proxy.lines["API_KEY"]
        check.check("a surrogate is printed, not the real value", surrogate.startswith("ghp_") and surrogate != REAL)
        key = ["-H", f"Authorization: Bearer {surrogate}"]

        def received():
            return world.site.log[-1].header("authorization")

        answer = curl(world, *through, *key, f"https://{API}/echo")
        check.check("https by CONNECT: it is answered, by a certificate that the written CA vouches for",
                    (answer.status, answer.connect, answer.verified, answer.version) == ("200", "200", "0", "2"),
                    answer)
        check.equal("https by CONNECT: the origin has the real value", received(), f"Bearer {REAL}")
        answer = curl(world, *through, *key, "--http1.1", f"https://{API}/echo")
        check.check("https by CONNECT, HTTP/1.1", (answer.status, received()) == ("200", f"Bearer {REAL}"), answer)
        answer = curl(world, *through, f"http://{PLAIN}/echo")
        check.equal("http by an absolute URI", answer.status, "200")
        check.equal("the token goes no further", world.site.log[-1].header("proxy-authorization"), None)
        answer = curl(world, *through, "-p", "--proxy-header", "X-To-The-Proxy: 1", f"http://{PLAIN}:443/")
        check.check("plain HTTP in a tunnel to another port is refused", answer.status == "403", answer)
        answer = curl(world, f"https://{API}/echo", "--cacert", proxy.ca, environment=proxy.lines)
        check.check("the printed variables are all that curl needs", answer.status == "200", answer)
        bearer = ["-x", proxy.url(), "--proxy-header", f"Proxy-Authorization: Bearer {proxy.token()}"]
        answer = curl(world, *bearer, "--cacert", proxy.ca, f"https://{API}/echo")
        check.check("the token as a bearer", answer.status == "200", answer)

        before = world.hits()
        answer = curl(world, *through, f"https://{OTHER}/")
        check.check("a host without a rule: 403 inside TLS that verifies",
                    (answer.status, answer.connect, answer.verified) == ("403", "200", "0")
                    and "no rule allows it" in answer.body, answer)
        answer = curl(world, *through, *key, f"http://{PLAIN}/echo")
        check.check("the surrogate over plain HTTP is refused", answer.status == "403", answer)
        answer = curl(world, *through, f"https://{OTHER}/", "-H", f"Host: {API}", *key)
        check.check("another host by its Host alone is refused", answer.status == "403", answer)
        check.equal("nothing of that reached an origin", world.hits(), before)
        answer = curl(world, *through, f"https://{API}/echo", "-H", "Host: limited.alone.test")
        check.equal("an allowed host by its Host alone: 421", answer.status, "421")
        answer = curl(world, *through, "https://limited.alone.test/echo", "-d", "x=1")
        check.check("a method that no rule allows: 403", answer.status == "403", answer)
        answer = curl(world, *through, "http://redoubtful.internal/policy")
        check.check("the policy can be asked", f"allow  {API}" in answer.body, answer)
        used = [line for line in proxy.log() if line["event"] == "inject"]
        check.equal("the log has each use of the credential", [line["credential"] for line in used], ["key"] * 2)


def without_token(check, world):
    with Proxy(world) as proxy:
        token = proxy.token()
        before = world.hits()
        wrong = {"no token": [], "a wrong one": ["-U", "redoubtful:" + "x" * 32],
                 "another case": ["-U", "redoubtful:" + token.swapcase()],
                 "the beginning": ["-U", f"redoubtful:{token[:-1]}"], "more": ["-U", f"redoubtful:{token}x"],
                 "as the user": ["-U", f"{token}:"], "none at all": ["-U", "redoubtful:"],
                 "for the origin": ["-u", f"redoubtful:{token}"],
                 "twice": ["--proxy-header", f"Proxy-Authorization: Bearer {token}", "--proxy-header",
                           "Proxy-Authorization: Bearer x"]}
        for name, words in wrong.items():
            words = ["-x", proxy.url(), "--cacert", proxy.ca, *words]
            answer = curl(world, *words, f"https://{API}/echo")
            check.check(f"{name}: https is 407", (answer.exit, answer.connect) == (56, "407"), answer)
            for url in (f"http://{PLAIN}/echo", "http://redoubtful.internal/policy"):
                answer = curl(world, *words, url)
                check.check(f"{name}: {url} is 407", answer.status == "407" and "TOKEN" in answer.body, answer)
        check.equal("nothing reached an origin", world.hits(), before)
        denied = [line for line in proxy.log() if line.get("reason") == "no_token"]
        check.equal("the log says so", {line["way"] for line in denied}, {"connect", "absolute-form"})
        check.check("without the token itself", token not in json.dumps(proxy.log()))
        answer = curl(world, "-x", proxy.url(token), "--cacert", proxy.ca, f"https://{API}/echo")
        check.check("control: with it, it is let through", (answer.status, world.hits()) == ("200", before + 1), answer)
