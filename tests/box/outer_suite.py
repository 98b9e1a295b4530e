#!/usr/bin/python3
"""What lies between the host and the origins: an outer proxy that HTTPS_PROXY names, and a gateway in an origin's place.

The outer proxy (support/origins/outer_proxy.py) counts what it is asked; the name server counts which names are looked up
here, where all but the proxy's own are its business. The gateway is a site that only has the name and prefix that `via`
gives it. curl knows of neither.

usage: outer_suite.py [PART...]
"""

import base64
import json
import os
import sys
import urllib.parse

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), HERE]

import suite as support  # noqa: E402
from origins import origin, site  # noqa: E402
from origins.matrix import Matrix  # noqa: E402
from origins.name_server import NameServer  # noqa: E402
from origins.outer_proxy import OuterProxy  # noqa: E402

WAYS = {"variables set": [], "variables unset": ["--noproxy", "*"]}
USER, PASSWORD, WRONG = "corp\\me", "Outer:Pa@ss0123456789", "NotTheOuterPassword0123456789"
PROXY = "proxy.corp.test"


class World(Matrix):
    """Origins that are found by the outer proxy alone: the profile gives them no address."""

    def __init__(self):
        super().__init__("attempts")
        self.names = NameServer({PROXY: ["127.0.0.1"]})
        self.ending.append(self.names)
        self.said = []  # what any command printed

    def outer_proxy(self, user=None, password=""):
        made = OuterProxy({f"{one.name}:{one.port}": one.listens_on for one in self.origins}, user, password)
        self.ending.append(made)
        return made

    def url(self, proxy, password=PASSWORD):
        return f"http://{urllib.parse.quote(USER)}:{urllib.parse.quote(password)}@{PROXY}:{proxy.port}"

    def rules(self, *more, network=""):
        allowed = [f'"{one.rule}"' for one in self.origins] + list(more)
        return self.write_profile(f"network:\n  allow: [{', '.join(allowed)}]\n  ca: [{self.authority.certificate}]\n{network}"
                                  "environment:\n  pass: [MARK]\n")

    def get(self, profile, urls, **variables):
        """(url, way) -> what curl got in the box, with these variables in the environment of `redoubtful run`."""
        plan = {f"{url}|{way}": [*words, url] for url in urls for way, words in WAYS.items()}
        found, done = self.ask(plan, profile, env={"REDOUBTFUL_RESOLVER": self.names.address, **variables})
        self.said.append(done.out + done.err)
        return {tuple(key.split("|")): one for key, one in found.items()}


def answered(check, what, found):
    for (url, way), one in found.items():
        check.check(f"{what}: {url}, {way}", one["exit"] == 0 and one["status"] == "200", one)


def through(check, world):
    """All that leaves goes by CONNECT, plain HTTP too; of the names only the proxy's own is looked up here."""
    world.web()
    proxy = world.outer_proxy(USER, PASSWORD)
    names = ("h1", "h2", "api", "plain")
    urls = [f"http{'' if name == 'plain' else 's'}://{name}.matrix.test/echo" for name in names]
    for what, variables in {
            "HTTPS_PROXY": {"HTTPS_PROXY": world.url(proxy)},
            "https_proxy before the others": {"https_proxy": world.url(proxy), "HTTPS_PROXY": "http://127.0.0.1:1",
                                              "ALL_PROXY": "http://127.0.0.1:1"},
            "ALL_PROXY": {"ALL_PROXY": world.url(proxy), "HTTPS_PROXY": ""}}.items():
        proxy.asked.clear()
        world.names.asked.clear()
        answered(check, what, world.get(world.rules(), urls, **variables))
        check.equal(f"{what}: the outer proxy was asked for each", set(proxy.asked),
                    {(f"{name}.matrix.test:{80 if name == 'plain' else 443}", 200) for name in names})
        check.equal(f"{what}: and its name alone was looked up here", world.names.names(), {PROXY})
        shown = support.finish([support.redoubtful(), "show", "-u", world.rules()], cwd=world.project,
                               env={**world.environment, **variables})
        world.said.append(shown.out + shown.err)
        line = next((line.split() for line in shown.out.splitlines() if line.startswith("  proxy: ")), None)
        check.equal(f"{what}: `redoubtful show` names it and the variable", line,
                    ["proxy:", f"http://{PROXY}:{proxy.port}", "#", what.split()[0], "of", "this", "environment"])
    proxy.asked.clear()
    found = world.get(world.rules(network='  proxy: ""\n'), urls[:1], HTTPS_PROXY=world.url(proxy))
    check.check("control: without it these origins cannot be found",
                not proxy.asked and all(one["status"] == "502" and "no such name" in one["body"] for one in found.values()), found)
    silent(check, world)


def silent(check, world):
    """The password is in no word that was said and in no file of ours."""
    state = os.path.join(world.home, ".local")
    said = "".join(world.said).encode() + b"".join(
        open(os.path.join(folder, name), "rb").read() for folder, _, files in os.walk(state) for name in files)
    check.check("control: the audit log was read", b'"event":"request"' in said or b'"event": "request"' in said)
    found = [form for form in forms(PASSWORD) + forms(WRONG) if form.encode() in said]
    check.equal("the password is in no word that was said, and not in the audit log", found, [])


def forms(password):
    """As it is, as a URL has it, and as Proxy-Authorization does."""
    return [password, urllib.parse.quote(password), base64.b64encode(f"{USER}:{password}".encode()).decode()]


def secret(check, world):
    """S1 for the outer proxy's password: nothing that can be read inside has it."""
    world.web()
    proxy = world.outer_proxy(USER, PASSWORD)
    mark = "AMarkThatIsInside0123456789"
    world.write("src/project/mark", mark)
    finder = os.path.join(world.tools, "find_words.py")
    for what, words in (("control: a mark", [mark]), ("the password", forms(PASSWORD))):
        script = ("curl -sS https://h1.matrix.test/echo http://redoubtful.internal/ http://redoubtful.internal/why?url=https://x "
                  f">answers 2>&1; python3 {finder} {' '.join(word[::-1] for word in words)}")
        done = world.boxed(["bash", "-c", script], profile=world.rules(), env={
            "REDOUBTFUL_RESOLVER": world.names.address, "HTTPS_PROXY": world.url(proxy), "MARK": mark})
        world.said.append(done.out + done.err)
        places = done.out.split()
        if what == "the password":
            check.equal("the password is nowhere inside", places, ["end"])
        else:
            kinds = {place.rpartition("/")[2] for place in places}
            check.check(f"{what} is found in a file and in an environment", {"mark", "environ", "end"} <= kinds, repr(done))
    with open(os.path.join(world.project, "answers"), encoding="utf-8") as file:
        words = file.read()
    check.check("control: what was looked through has answers", '"target": "/echo"' in words and "h1.matrix.test" in words, words)
    check.check("control: which the outer proxy let through", ("h1.matrix.test:443", 200) in proxy.asked, proxy.asked)
    silent(check, world)


def refusals(check, world):
    """What the outer proxy refuses is told to who can do something about it."""
    world.web()
    strict, dead = world.outer_proxy(USER, PASSWORD), world.outer_proxy()
    dead.stop()
    url, other = "https://h1.matrix.test/echo", "https://refused.matrix.test/"
    where = f"the outer proxy {PROXY}:"
    cases = {
        "control: the right password": (url, world.url(strict), 200, "", '"target": "/echo"'),
        "a wrong password": (url, world.url(strict, WRONG), 502, "proxy_configuration_error",
                             f"{where}{strict.port} does not accept its user and password (407)"),
        "no password": (url, f"http://{PROXY}:{strict.port}", 502, "proxy_configuration_error",
                        f"{where}{strict.port} wants a user and password (407): HTTPS_PROXY or network.proxy can name them"),
        "a host that it refuses": (other, world.url(strict), 502, "http_request_denied",
                                   f"{where}{strict.port} opens no tunnel to refused.matrix.test:443: 403 Forbidden"),
        "nobody there": (url, world.url(dead), 502, "connection_refused",
                         f"{where}{dead.port}: connection refused by 127.0.0.1:{dead.port}"),
        "a name that is none": (url, "http://nowhere.corp.test:1", 502, "dns_error",
                                "the outer proxy nowhere.corp.test:1: looking up nowhere.corp.test: no such name"),
    }
    for what, (address, variable, status, error, words) in cases.items():
        found = world.get(world.rules('"refused.matrix.test"'), [address], HTTPS_PROXY=variable)
        for (_, way), one in found.items():
            check.check(f"{what}, {way}: a {status} that says so",
                        one["exit"] == 0 and one["status"] == str(status) and words in one["body"]
                        and (not error or f"error={error};" in one["head"]), one)
        if status != 200:
            said = [one.get("detail", "") for one in world.audit() if one["event"] == "error"]
            check.check(f"{what}: and in the log", said and all(words in one for one in said), said)
    for what, variable, url in (("a SOCKS proxy", "ALL_PROXY", f"socks5://me:{PASSWORD}@127.0.0.1:1080"),
                                ("a URL that is none", "HTTPS_PROXY", f"http://me:{PASSWORD}@:1")):
        done = world.boxed(["echo", "started"], profile=world.rules(), env={variable: url})
        world.said.append(done.out + done.err)
        check.check(f"{what}: no run, and what to write instead",
                    done.status not in (0, "hung") and "started" not in done.out
                    and f"{variable}: the outer proxy's URL: " in done.err
                    and "write http://[user:password@]host:port" in done.err, repr(done))
    silent(check, world)


def no_proxy(check, world):
    """Who NO_PROXY names is looked up and dialled here, and nobody else is."""
    world.tls("h1.matrix.test", ["http/1.1"])
    direct = world.tls("direct.corp.test", ["http/1.1"], leaf=world.authority.leaf("direct.corp.test"))
    direct.port = direct.listens_on  # an ordinary user has no port 443 to listen on
    direct.rule = f"direct.corp.test:{direct.port}"
    proxy = world.outer_proxy(USER, PASSWORD)
    world.names.answers["direct.corp.test"] = ["127.0.0.1"]
    here, there = f"https://{direct.rule}/echo", "https://h1.matrix.test/echo"
    private = f'{{host: "{direct.rule}", private: [127.0.0.0/8]}}'
    world.origins.remove(direct)
    profile = world.rules(private)
    world.origins.append(direct)
    for names, past in (("", False), ("direct.corp.test", True), (".corp.test", True), ("CORP.test, x.test", True),
                        (f"direct.corp.test:{direct.port}", True), ("direct.corp.test:443", False), ("rect.corp.test", False),
                        ("127.0.0.1", False)):
        proxy.asked.clear()
        world.names.asked.clear()
        what = f"NO_PROXY={names!r}"
        answered(check, what, world.get(profile, [here, there], HTTPS_PROXY=world.url(proxy), NO_PROXY=names))
        wanted = {("h1.matrix.test:443", 200)} | (set() if past else {(direct.rule, 200)})
        check.equal(f"{what}: who went by the outer proxy", set(proxy.asked), wanted)
        check.equal(f"{what}: whose names were looked up here", world.names.names(),
                    {PROXY, "direct.corp.test"} if past else {PROXY})
    found = world.get(profile, [here], HTTPS_PROXY=world.url(proxy), NO_PROXY="direct.corp.test", no_proxy="x.test")
    answered(check, "no_proxy before NO_PROXY", found)
    check.check("no_proxy before NO_PROXY: it went by the outer proxy", (direct.rule, 200) in proxy.asked[-2:], proxy.asked)
    silent(check, world)


class Gateway(site.Site):
    """Serves below a prefix alone. `start` redirects and sets cookies, the last stop tells what came."""

    def __init__(self, authority, prefix):
        super().__init__()
        self.authority = authority
        self.prefix = prefix
        self.server_names = set()

    def __call__(self, request):
        self.log.append(request)
        if not request.path.startswith(self.prefix + "/"):
            return site.text(404, "nothing is there\n")
        path, host = request.path[len(self.prefix):], self.authority.partition(":")[0]
        if path == "/start":
            return site.Response(302, [
                ("location", f"{self.prefix}/next?a=1"),
                ("set-cookie", f"whole=1; Domain={host}; Path={self.prefix}; Secure"),
                ("set-cookie", f"part=2; Path={self.prefix}/end"),
                ("set-cookie", f"wide=3; Domain={host.partition('.')[2]}; Path=/")])
        if path == "/next":
            return site.Response(307, [("location", f"https://{self.authority}{self.prefix}/end?b=2")])
        if path == "/beside":
            return site.Response(302, [("location", "/login")])
        return site.echo(request)


def through_gateway(check, world, name, authority, prefix, protocol):
    host, _, port = authority.partition(":")
    page = Gateway(authority, prefix)
    context = origin.tls_context(world.authority.leaf(host), [protocol])
    context.sni_callback = lambda _, shown, __: page.server_names.add(shown)
    made = world.add(host, int(port or 443), origin.tls_handler(context, page))
    profile = world.write_profile(
        f"network:\n  allow: [{name}]\n  origins:\n"
        f'    {name}: {{via: "https://{authority}{prefix}", ca: "{world.authority.certificate}"}}\n'
        f'    {host}: {{address: "127.0.0.1:{made.listens_on}"}}\n')
    for way, words in WAYS.items():
        what = f"via a gateway, {protocol}, {way}"
        page.log.clear()
        jar = os.path.join(world.project, f"jar-{name}-{way[10:]}")
        found, _ = world.ask({
            "start": ["-L", "-c", jar, "-b", jar, *words, f"https://{name}/start"],
            "beside": [*words, f"https://{name}/beside"]}, profile)
        start = found["start"]
        last = start["body"].rpartition("\r\n\r\n")[2]
        check.check(f"{what}: a redirect is followed to its end", start["exit"] == 0 and last.startswith("{"), start)
        got = json.loads(last) if last.startswith("{") else {}
        check.equal(f"{what}: Host and path are the gateway's", (got.get("authority"), got.get("target")),
                    (authority, f"{prefix}/end?b=2"))
        cookies = sorted(value for field, value in got.get("headers", []) if field == "cookie")
        check.equal(f"{what}: cookies come back", sorted("; ".join(cookies).split("; ")), ["part=2", "whole=1", "wide=3"])
        locations = [line[10:].strip() for line in (start["head"] + "\r\n" + start["body"]).splitlines()
                     if line.lower().startswith("location: ")]
        check.equal(f"{what}: each redirect stays with the name that was asked", locations,
                    ["/next?a=1", f"https://{name}/end?b=2"])
        with open(jar, encoding="ascii") as file:
            kept = sorted((part[0].replace("#HttpOnly_", ""), part[2], part[5]) for part in
                          (line.rstrip("\n").split("\t") for line in file if "\t" in line))
        check.equal(f"{what}: and so does each cookie", kept, sorted([
            (f".{name}", "/", "whole"), (name, "/end", "part"), (name, "/", "wide")]))
        check.check(f"{what}: what lies beside the prefix is the gateway's own",
                    f"location: https://{authority}/login" in found["beside"]["head"].lower(), found["beside"])
        check.equal(f"{what}: all of it went below the prefix, to its TLS name",
                    (all(r.path.startswith(prefix) for r in page.log), len(page.log), page.server_names), (True, 4, {host}))
        lines = [one for one in world.audit() if one["event"] == "request"]
        check.check(f"{what}: the log has the name that was asked", lines and {one["host"] for one in lines} == {name}, lines)


def gateway(check, world):
    through_gateway(check, world, "api.vendor.test", "gw.corp.test", "/v1/vendor", "http/1.1")
    through_gateway(check, world, "api.other.test", "gw2.corp.test:8443", "/other", "h2")
    page = site.Site()
    made = world.tls("gw3.corp.test", ["http/1.1"], page, world.authority.leaf("api.third.test"))
    profile = world.write_profile(
        "network:\n  allow: [api.third.test]\n  origins:\n"
        f'    api.third.test: {{via: "https://gw3.corp.test", ca: "{world.authority.certificate}"}}\n'
        f'    gw3.corp.test: {{address: "127.0.0.1:{made.listens_on}"}}\n')
    found = world.get(profile, ["https://api.third.test/echo"])
    for (_, way), one in found.items():
        check.check(f"via what has the origin's certificate and not the gateway's, {way}: refused",
                    one["status"] == "502" and "the certificate that gw3.corp.test showed is for api.third.test" in one["body"],
                    one)
    check.equal("via what has the origin's certificate: it got no request", page.log, [])


def both(check, world):
    """A gateway that is found by the outer proxy alone."""
    page = Gateway("gw.corp.test", "/v1")
    world.tls("gw.corp.test", ["http/1.1"], page, world.authority.leaf("gw.corp.test"))
    proxy = world.outer_proxy(USER, PASSWORD)
    profile = world.write_profile(f"network:\n  allow: [api.vendor.test]\n  ca: [{world.authority.certificate}]\n"
                                  '  origins:\n    api.vendor.test: {via: "https://gw.corp.test/v1"}\n')
    answered(check, "via a gateway behind an outer proxy",
             world.get(profile, ["https://api.vendor.test/echo"], HTTPS_PROXY=world.url(proxy)))
    check.equal("via a gateway behind an outer proxy: it was asked for the gateway", set(proxy.asked), {("gw.corp.test:443", 200)})


PARTS = {"through": through, "secret": secret, "refusals": refusals, "no_proxy": no_proxy, "gateway": gateway, "both": both}


def main():
    check = support.Suite("outer")
    for name, part in PARTS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        with check.guarded(name), World() as world:
            part(check, world)
    check.finish()


if __name__ == "__main__":
    main()
