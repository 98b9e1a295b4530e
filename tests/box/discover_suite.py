#!/usr/bin/python3
"""--network discover: what a run used is printed as YAML, and that YAML is what the same run needs when it is filtered.

curl asks with the box's proxy variables and with none; on a port of its own, which nothing takes on every address, it is
seen through the variables alone, and a note says so. git asks over ssh. No rule is there at first: without the YAML the same
is refused.
"""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), HERE]

import suite as support  # noqa: E402
from origins import origin  # noqa: E402
from origins.matrix import Matrix  # noqa: E402

WAYS = {"variables set": [], "variables unset": ["--noproxy", "*"]}
EVERYWHERE = ["https://h1.matrix.test/echo", "https://h2.matrix.test/echo", "http://plain.matrix.test/echo"]
OWN_PORT = ["https://odd.matrix.test:8443/echo", "http://alt.matrix.test:8080/echo"]
GIT = 'GIT_SSH_COMMAND="$MATRIX_SSH" git ls-remote "ssh://$MATRIX_USER@ssh.matrix.test/repo.git" main | cut -f 2'
RULES = ["h1.matrix.test", "h2.matrix.test", "odd.matrix.test:8443", "http://plain.matrix.test", "http://alt.matrix.test:8080",
         "ssh://ssh.matrix.test"]
NOTE = ("redoubtful: discover sees TLS and HTTP on ports 80 and 443 of every host, and ssh on 22; on other ports, what uses the "
        "proxy variables or a rule names. What speaks neither needs a tcp:// rule")


class World(Matrix):
    def __init__(self):
        super().__init__("attempts")
        self.web()
        context = origin.tls_context(self.leaf, ["http/1.1"])
        self.add("odd.matrix.test", 8443, origin.tls_handler(context, self.site))
        self.add("alt.matrix.test", 8080, origin.plain_handler(self.site))
        self.repositories()
        # Where the origins are, and no rule.
        self.places = self.write_profile(f"network:\n{self.addresses()}\nenvironment:\n  pass: [MATRIX_SSH, MATRIX_USER]\n")

    def answered(self, *flags):
        """What is answered, as (URL or "git", way); what curl got; and how the two runs ended."""
        plan = {f"{url}|{way}": [*words, url] for url in EVERYWHERE + OWN_PORT for way, words in WAYS.items()}
        found, done = self.ask(plan, self.places, flags=flags)
        listed = self.boxed(["bash", "-c", GIT], profile=self.places, flags=flags)
        good = {tuple(key.split("|")) for key, one in found.items()
                if one["exit"] == 0 and one["status"] == "200" and '"target": "/echo"' in one["body"]}
        if listed.out == "refs/heads/main\n":
            good.add(("git", "no proxy"))
        return good, {tuple(key.split("|")): one for key, one in found.items()}, (done, listed)


def printed(done):
    """The YAML at the end of what a run said."""
    return done.err[done.err.index("network:\n"):] if "network:\n" in done.err else ""


def discovered(check, world):
    everywhere = {(url, way) for url in EVERYWHERE for way in WAYS} | {(url, "variables set") for url in OWN_PORT}
    everywhere.add(("git", "no proxy"))
    all_ways = everywhere | {(url, "variables unset") for url in OWN_PORT}

    good, found, runs = world.answered()
    check.equal("control: filtered, without a rule, nothing is answered", good, set())
    check.check("control: and it is told why", all(found[url, way]["status"] == "403" and "no rule allows it" in
                                                   found[url, way]["body"] for url in EVERYWHERE for way in WAYS), found)

    good, found, runs = world.answered("--network", "discover")
    check.equal("discover: all is answered but what no socket is there for", good, everywhere)
    check.check("discover: which is refused at once", all(found[url, "variables unset"]["exit"] == 7 for url in OWN_PORT), found)
    check.check("discover: one note says which ports are covered", all(one.err.count(NOTE + "\n") == 1 for one in runs),
                [one.err for one in runs])
    yaml = [printed(one) for one in runs]
    check.equal("discover: what was used is printed, each once", sorted("".join(yaml).splitlines()),
                sorted(["network:", "  allow:"] * 2 + [f'    - "{rule}"' for rule in RULES]))

    flags = []
    for number, text in enumerate(yaml):
        flags += ["-u", world.write(f"discovered{number}.yaml", text)]
    good, _, runs = world.answered(*flags)
    check.equal("filtered, with the printed YAML: all is answered", good, all_ways)
    check.check("filtered: no note of discover's", not any("discover sees" in one.err for one in runs), runs)
    good, _, runs = world.answered("--network", "discover", *flags)
    check.equal("discover, with the printed YAML: all is answered", good, all_ways)
    check.check("discover, with the printed YAML: no more is needed",
                all("this run needed no host but those that a rule allows" in one.err and not printed(one) for one in runs), runs)


def main():
    check = support.Suite("discover")
    with World() as world:
        with check.guarded("discovered"):
            discovered(check, world)
    check.finish()


if __name__ == "__main__":
    main()
