"""N3: one verdict, one text and one kind of audit line by every way out, and over HTTP/1.1 and HTTP/2."""

import json
import os
import re

from origins import site

from .world import FOUR_WAYS, alike, ask

VERDICTS = """
network:
  allow:
    - {{host: a.names.test, methods: [GET, POST], paths: ["/echo", "/status/**"]}}
    - {{host: "http://a.names.test", methods: [GET, POST], paths: ["/echo", "/status/**"]}}
    - "*.wild.names.test"
    - "http://*.wild.names.test"
    - denied.names.test
    - asked.names.test
  deny:
    - denied.names.test
    - {{host: a.names.test, paths: ["/status/418"]}}
  ask: [asked.names.test]
{addresses}
"""

# Case -> host, method, path; status; reason; the rule that decides, as its line of the profile has it.
CASES = {
    "an allowed path": ("a.names.test", "GET", "/echo?n3=1", 200, None, "a.names.test"),
    "an allowed status page": ("a.names.test", "POST", "/status/201", 201, None, "a.names.test"),
    "below a wildcard": ("x.wild.names.test", "GET", "/echo?n3=2", 200, None, "*.wild.names.test"),
    "dot segments that lead to an allowed path": ("a.names.test", "GET", "/x/../echo?n3=3", 200, None, "a.names.test"),
    "a host without a rule": ("other.names.test", "GET", "/n3/other", 403, "no_matching_rule", None),
    "the apex of a wildcard": ("wild.names.test", "GET", "/n3/apex", 403, "no_matching_rule", None),
    "a denied host": ("denied.names.test", "GET", "/n3/denied", 403, "explicit_deny", "denied.names.test"),
    "a host that would be asked for": ("asked.names.test", "GET", "/n3/asked", 403, "asked_nobody", "asked.names.test"),
    "a denied path of an allowed host": ("a.names.test", "GET", "/status/418", 403, "explicit_deny", "a.names.test"),
    "a path without a rule": ("a.names.test", "GET", "/n3/path", 403, "method_or_path", "a.names.test"),
    "a method without a rule": ("a.names.test", "DELETE", "/status/202", 403, "method_or_path", "a.names.test"),
    "dot segments that lead elsewhere": ("a.names.test", "GET", "/status/../n3/dots", 403, "method_or_path", "a.names.test"),
    "encoded dots": ("a.names.test", "GET", "/status/%2e%2e/n3/dots", 400, "bad_target", None),
    "an encoded slash": ("a.names.test", "GET", "/status/x%2Fn3", 400, "bad_target", None),
    "two slashes": ("a.names.test", "GET", "/status//n3", 400, "bad_target", None),
    "a backslash": ("a.names.test", "GET", "/status/\\n3", 400, "bad_target", None),
}


def verdicts(check, world):
    world.serve("a.names.test", "x.wild.names.test", "denied.names.test", "asked.names.test")
    text = VERDICTS.format(addresses=world.addresses())
    profile = world.write_profile(text)
    plan = {f"{case}|{way}": ask(way, host, path, method)
            for case, (host, method, path, *_) in CASES.items() for way in FOUR_WAYS}
    results = world.attempts(plan, profile)
    lines = world.audit()
    for case, (host, method, path, status, reason, rule) in CASES.items():
        answers = {way: results[f"{case}|{way}"][0] for way in FOUR_WAYS}
        got = {way: (one.get("status"), one.get("code")) for way, one in answers.items()}
        label = f"N3: {case}: {reason or 'allowed'} by every way"
        if not check.check(label, set(got.values()) == {(status, reason)}, answers):
            continue
        words = {alike(re.sub(r"yaml:\d+", "yaml", json.dumps(one.get("said")))) for one in answers.values()}
        if reason:
            check.check(f"N3: {case}: the same words by every way", len(words) == 1, words)
        else:
            seen = {(r.method, r.target, r.authority, end_to_end(r.headers), len(r.body))
                    for r in world.sites[host].log if r.target.endswith(path.rsplit("/", 1)[1])}
            check.check(f"N3: {case}: the same request arrives by every way", len(seen) == 1, seen)
        audited(check, case, lines, text, (host, method, path, status, reason, rule))
    for name in ("denied.names.test", "asked.names.test"):
        check.equal(f"N3: nothing of all this reached {name}", world.targets(name), [])
    allowed = {"/echo", "/status/201"}
    reached = {target.split("?")[0] for target in world.targets("a.names.test")}
    check.equal("N3: what reached a.names.test is what was allowed", reached, allowed)


def end_to_end(fields):
    return tuple((n, v) for n, v in fields if n not in site.HOP_BY_HOP)


def audited(check, case, lines, profile, wanted):
    """The lines of one case are as many as there are ways, and say the same."""
    host, method, path, status, reason, rule = wanted
    kept = os.path.normpath(path.split("?")[0]) if reason in (None, "method_or_path") else path
    events = ("request",) if reason is None else ("deny",)
    mine = [one for one in lines if one["event"] in events and one.get("method") == method
            and one.get("path") in (kept, path.split("?")[0]) and host in one["host"]]
    if reason is None:
        mine = [one for one in mine if one["status"] == status]
        # /echo is asked for by two cases.
        check.check(f"N3: {case}: a line for each request", len(mine) >= len(FOUR_WAYS), mine)
        check.equal(f"N3: {case}: both ports are there", {one["port"] for one in mine}, {80, 443})
    else:
        ways = {(one["way"], ":80" in one["host"] or "http://" in one["host"]) for one in mine}
        check.equal(f"N3: {case}: a line for each way", ways, {
            ("transparent", False), ("transparent", True), ("connect", False), ("absolute-form", True)})
        said = {(one["reason"], alike(one["host"]), alike(one.get("detail"))) for one in mine}
        check.check(f"N3: {case}: lines that say the same", len(said) == 1 and list(said)[0][0] == reason, said)
    rules = {alike(one.get("rule")) for one in mine}
    check.equal(f"N3: {case}: the rule", rules, {rule or ""})
    rows = profile.split("\n")
    for one in mine:
        if "rule" in one:
            number = int(one["place"].rsplit(":", 1)[1])
            check.check(f"N3: {case}: the place is the rule's", one["rule"] in rows[number - 1], one)
            break
