"""N2: no name that is not allowed is looked up or connected to. N6: no name leads to an address it must not."""

import random
import socket
import string
import subprocess

from origins import origin, site
from origins.name_server import A, AAAA

from .world import FOUR_WAYS, ask, request

ONLY_LOOKED_UP = {"A": 1, "AAAA": 28, "TXT": 16, "MX": 15, "HTTPS": 65, "SVCB": 64, "ANY": 255, "NULL": 10}

LOOKUPS = """
network:
  ca: ["{ca}"]
  allow:
    - {{host: "ok.names.test:{port}", private: ["127.0.0.0/8"]}}
    - {{host: "*.far.names.test:{port}", private: ["127.0.0.0/8"]}}
    - denied.names.test
  deny: [denied.names.test]
  ask: [asked.names.test]
"""


def lookups(check, world):
    leaf = world.authority.leaf("*.names.test", "*.far.names.test", label="lookups")
    page = site.Site()
    one = world.add("ok.names.test", 443, origin.either_handler(origin.tls_context(leaf, ["http/1.1"]), page))
    port = one.listens_on
    far = [f"{n}.far.names.test" for n in range(3)]
    known = ["ok.names.test", *far]
    world.names.answers = {name: ["127.0.0.1"] for name in known}
    refused = ["other.names.test", "denied.names.test", "asked.names.test", "far.names.test", "c2VjcmV0.exfil.test"]
    plan = {}
    for name in refused:
        world.names.answers[name] = ["127.0.0.1"]  # it could be reached
        for way in FOUR_WAYS:
            plan[f"{name} by {way}"] = ask(way, name, "/n2")
        for other in (22, 25, 53, 853, 8443, port):
            plan[f"CONNECT {name}:{other}"] = {"do": "http1", "way": "connect", "host": name, "port": other, "raw": []}
        plan[f"{name}:{port}"] = {"do": "tcp", "host": name, "port": port}
        plan[f"{name} in Host"] = {"do": "http1", "way": "tls", "host": "ok.names.test", "port": port,
                                   "raw": [request(name, "/n2")]}
        plan[f"{name} in SNI"] = {"do": "http1", "way": "tls", "host": "ok.names.test", "port": port, "sni": name,
                                  "raw": [request(name, "/n2")]}
        plan[f"why {name}"] = {"do": "http1", "way": "plain", "host": "redoubtful.internal",
                               "raw": [request("redoubtful.internal", f"/why?url=https://{name}/")]}
    for name in (*refused, *known):
        for kind, number in ONLY_LOOKED_UP.items():
            plan[f"{name} {kind}"] = {"do": "dns", "name": name, "kind": number}
    word = random.Random(7)
    for n in range(50):
        text = "".join(word.choices(string.ascii_lowercase, k=40))
        plan[f"exfiltration {n}"] = {"do": "look_up", "name": f"{text}.far.names.test"}
    plan["control"] = {"do": "http1", "way": "tls", "host": "ok.names.test", "port": port,
                       "raw": [request("ok.names.test", "/echo")]}
    plan["control below a wildcard"] = {"do": "http1", "way": "connect", "host": far[0], "port": port,
                                        "raw": [request(far[0], "/echo")]}
    profile = world.write_profile(LOOKUPS.format(ca=world.authority.certificate, port=port))
    results = world.attempts(plan, profile)
    for name in ("control", "control below a wildcard"):
        check.equal(f"N2: {name} is answered", results[name][0].get("status"), 200)
    check.equal("N2: the controls alone were looked up", set(world.names.asked),
                {(n, k) for n in ("ok.names.test", far[0]) for k in (A, AAAA)})
    check.equal("N2: what reached the origin are the controls", [r.target for r in page.log], ["/echo", "/echo"])
    # A connection whose SNI or Host is another's is not one to the origin; nothing but the Host shows it later.
    check.check("N2: few connections reached the origin", one.hits <= 2 + len(refused), one.hits)
    answered = {label for label, found in results.items() if isinstance(found, list) and label[:3] != "why"
                and found and isinstance(found[0], dict) and found[0].get("status") == 200}
    check.equal("N2: nothing else was answered 200", answered, {"control", "control below a wildcard"})
    for name in refused:
        why = results[f"why {name}"][0]
        check.check(f"N2: why {name}: refused", why.get("status") == 200 and "refused" in why["body"], why)
        check.check(f"N2: {name} has addresses inside, so that its refusal can be said",
                    results[f"{name} A"]["records"] == 1 and results[f"{name} AAAA"]["records"] == 1)
    for kind in ("TXT", "MX", "HTTPS", "SVCB", "ANY", "NULL"):
        got = {(results[f"{name} {kind}"]["code"], results[f"{name} {kind}"]["records"]) for name in known}
        check.check(f"N2: {kind} of an allowed name says nothing", {records for _, records in got} == {0}, got)
    check.check("N2: every attempt ended", len(results) == len(plan) and not bugs(results), bugs(results))


def bugs(results):
    return {label: found for label, found in results.items() if isinstance(found, dict) and "bug" in found}


PRIVATE = {"loopback": "127.0.0.1", "loopback's end": "127.255.255.254", "this host": "0.0.0.0", "RFC 1918, 10": "10.0.0.1",
           "RFC 1918, 172": "172.16.0.1", "RFC 1918, 192": "192.168.0.1", "metadata": "169.254.169.254",
           "Azure's host": "168.63.129.16", "Alibaba's metadata": "100.100.100.200", "CGNAT": "100.64.0.1",
           "multicast": "224.0.0.1", "broadcast": "255.255.255.255", "the box's own names": "198.18.0.1",
           "loopback, IPv6": "::1", "unspecified, IPv6": "::", "link-local, IPv6": "fe80::1", "AWS's metadata": "fd00:ec2::254",
           "the box's own names, IPv6": "fd72:6564:6f75:6274::1", "mapped loopback": "::ffff:127.0.0.1",
           "NAT64 of loopback": "64:ff9b::7f00:1", "NAT64 of metadata": "64:ff9b::a9fe:a9fe", "6to4 of loopback": "2002:7f00:1::1",
           "compatible loopback": "::127.0.0.1", "multicast, IPv6": "ff02::1", "Teredo": "2001::1"}
LITERALS = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
            "[0:0:0:0:0:0:0:1]", "169.254.169.254", "0.0.0.0", "[::]", "localhost", "localhost.", "ip6-localhost",
            "127.0.0.1.", "127.0.0.1%2500", "[fe80::1%25lo]"]

ADDRESSES = """
network:
  ca: ["{ca}"]
  allow:
    - {{host: "*.home.names.test:{port}"{private}}}
    - {{host: "http://*.home.names.test:{port}"{private}}}
    - {{host: "flip.names.test:{port}", private: ["127.0.0.2/32"]}}
    - {{host: "mixed.names.test:{port}", private: ["127.0.0.2/32"]}}
    - {{host: "http://127.0.0.2:{port}", private: ["127.0.0.2/32"]}}
"""


def addresses(check, world):
    leaf = world.authority.leaf("*.names.test", "*.home.names.test", label="addresses")
    handler = origin.tls_context(leaf, ["http/1.1"])
    wanted, victim = site.Site(), site.Site()
    bad = world.add("victim.names.test", 443, origin.either_handler(handler, victim))
    port = bad.listens_on
    good = origin.Origin("good.names.test", 443, origin.either_handler(handler, wanted), at=("127.0.0.2", port))
    world.origins.append(good)
    try:
        bad.serve(socket.create_server(("::1", port), family=socket.AF_INET6))
    except OSError:
        pass  # a kernel without IPv6: the victim's other address is enough
    table = {**PRIVATE, **{f"the host's own {one}": one for one in own_addresses()}}
    hosts = {f"n{n}.home.names.test": label for n, label in enumerate(table)}
    world.names.answers = {host: [table[label]] for host, label in hosts.items()}
    world.names.answers.update({
        "flip.names.test": lambda before: ["127.0.0.2"] if before == 0 else ["127.0.0.1"],
        "mixed.names.test": ["127.0.0.1", "127.0.0.2", "::1"]})
    control = {host for host, label in hosts.items() if label in ("loopback", "loopback, IPv6")}

    def asked_for(host, way):
        plan = ask(way, host, "/echo")
        plan["port"] = port
        plan["raw"] = [one.replace(host, f"{host}:{port}") for one in plan["raw"]]
        return plan

    ways = ("transparent TLS", "transparent HTTP", "CONNECT", "absolute-form")
    plan = {f"{host} {way}": asked_for(host, way) for host in hosts for way in ways}
    for literal in LITERALS:
        for way, target in (("connect", None), ("forward", f"http://{literal}:{port}/n6")):
            plan[f"{literal} {way}"] = {"do": "http1", "way": way, "host": literal, "port": port,
                                        "raw": [request(f"{literal}:{port}", "/n6", target=target)]}
    plan["a literal with a rule"] = {"do": "http1", "way": "forward", "host": "127.0.0.2", "port": port, "raw": [
        request(f"127.0.0.2:{port}", "", target=f"http://127.0.0.2:{port}/echo")]}
    plan["rebound"] = {"do": "http1", "way": "tls", "host": "flip.names.test", "port": port,
                       "raw": [request(f"flip.names.test:{port}", "/echo")] * 2}
    plan["several addresses"] = {"do": "http1", "way": "connect", "host": "mixed.names.test", "port": port,
                                 "raw": [request(f"mixed.names.test:{port}", "/echo")]}
    settings = {"ca": world.authority.certificate, "port": port}
    results = world.attempts(plan, world.write_profile(ADDRESSES.format(private="", **settings)))
    for host, label in hosts.items():
        got = {(results[f"{host} {way}"][0].get("status"), results[f"{host} {way}"][0].get("code")) for way in ways}
        check.equal(f"N6: {label} ({table[label]}) is refused", got, {(403, "non_public_address")})
    for literal in LITERALS:
        forward, connect = results[f"{literal} forward"][0], results[f"{literal} connect"][0]
        check.check(f"N6: {literal} is no host that can be asked for",
                    forward.get("status") in (400, 403) and connect.get("error") in ("Refused: 403", "Refused: 400"),
                    (forward, connect))
    check.equal("N6: on one connection the first answer holds",
                [one.get("status") for one in results["rebound"]], [200, 200])
    check.equal("N6: a name is looked up once for it", world.names.asked.count(("flip.names.test", A)), 1)
    check.equal("N6: of several addresses the vetted one is dialled", results["several addresses"][0].get("status"), 200)
    check.equal("N6: control: an address that a rule names is reached", results["a literal with a rule"][0].get("status"), 200)
    check.equal("N6: what the vetted address got", [r.target for r in wanted.log], ["/echo"] * 4)
    check.equal("N6: nothing reached the victim", (bad.hits, victim.log), (0, []))
    check.check("N6: every attempt ended", len(results) == len(plan) and not bugs(results), bugs(results))

    again = world.attempts({"rebound": plan["rebound"]}, world.write_profile(ADDRESSES.format(private="", **settings)))
    check.equal("N6: the next connection meets the changed address and is refused",
                again["rebound"][0].get("code"), "non_public_address")
    check.equal("N6: so that nothing reached the victim", bad.hits, 0)

    ranges = ', private: ["127.0.0.0/8", "::1/128"]'
    opened = world.attempts({key: one for key, one in plan.items() if key.split(" ")[0] in control},
                            world.write_profile(ADDRESSES.format(private=ranges, **settings)))
    statuses = {key: found[0].get("status") for key, found in opened.items()}
    check.equal("N6: control: where the rule says `private` they are reached", set(statuses.values()), {200})
    # What one client left idle may serve the next.
    check.check("N6: control: under every name", len(control) <= bad.hits <= len(statuses), (bad.hits, len(statuses)))


def own_addresses():
    text = subprocess.run(["ip", "-o", "addr"], stdout=subprocess.PIPE, check=True).stdout.decode()
    found = {line.split()[3].split("/")[0] for line in text.splitlines()}
    return sorted(found - {"127.0.0.1", "::1"})
