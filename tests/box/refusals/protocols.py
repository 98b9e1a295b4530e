"""N7: QUIC, DNS by other ways, hidden names and everything else that is not TLS or HTTP as it is judged here."""

from .names import bugs
from .world import request

ONE, OTHER, SPLICED = "a.names.test", "other.names.test", "c.names.test"
PROFILE = """
network:
  allow:
    - {one}
    - "http://{one}"
    - {{host: {spliced}, splice: true}}
{addresses}
"""
ECH, UNKNOWN = 0xFE0D, 0x1234
# An outer ECHClientHello: type, KDF and AEAD, config id, enc, payload. Source: RFC 9849, section 5.
OUTER = "00" + "00010001" + "2a" + "0020" + "11" * 32 + "0040" + "22" * 64
PUBLIC_RESOLVERS = ["8.8.8.8", "1.1.1.1", "9.9.9.9", "2001:4860:4860::8888"]


def plans():
    fine = request(ONE, "/n7/fine")

    def http1(way, host, *raw, **where):
        return {"do": "http1", "way": way, "host": host, "raw": list(raw), **where}

    websocket = ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
    extended = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", ONE),
                (":path", "/n7/wrong")]
    plan = {
        "control TLS": http1("tls", ONE, fine),
        "control plain": http1("plain", ONE, fine),
        "control UDP": {"do": "dns", "name": ONE, "kind": 1},
        "control unknown extension": {"do": "hello", "host": SPLICED, "extension": [UNKNOWN, OUTER]},
        "encrypted name": {"do": "hello", "host": SPLICED, "extension": [ECH, OUTER]},
        "no name, TLS": http1("tls", ONE, request(ONE, "/n7/wrong"), sni=None),
        "no name, CONNECT": http1("connect", ONE, request(ONE, "/n7/wrong"), sni=None),
        "no name, spliced": http1("tls", SPLICED, request(SPLICED, "/n7/wrong"), sni=None),
        "TLS on 80": http1("tls", ONE, request(f"{ONE}:80", "/n7/wrong"), port=80),
        "plain on 443": http1("plain", ONE, request(f"{ONE}:443", "/n7/wrong"), port=443),
        "WebSocket to a refused host": http1("tls", OTHER, request(OTHER, "/n7/wrong", more=websocket)),
        "CONNECT inside": http1("tls", ONE, f"CONNECT {OTHER}:443 HTTP/1.1\r\nHost: {OTHER}:443\r\n\r\n"),
        "TRACE": http1("tls", ONE, request(ONE, "/n7/wrong", method="TRACE")),
        "TRACE by h2": {"do": "http2", "way": "tls", "host": ONE, "requests": [
            [(":method", "TRACE"), (":scheme", "https"), (":authority", ONE), (":path", "/n7/wrong")]]},
        "extended CONNECT": {"do": "http2", "way": "tls", "host": ONE, "requests": [extended]},
        "h2c": http1("plain", ONE, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        "SSH on 443": {"do": "tcp", "host": ONE, "port": 443, "send": "SSH-2.0-x\r\n"},
        "binary on 443": {"do": "tcp", "host": ONE, "port": 443, "send": "\x00\x01\x02\x03"},
        "binary on 80": {"do": "tcp", "host": ONE, "port": 80, "send": "\x00\x01\x02\x03"},
        "SSLv2": {"do": "tcp", "host": ONE, "port": 443, "send": "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"},
        "SOCKS5": {"do": "tcp", "host": "127.0.0.1", "port": 3128, "send": "\x05\x01\x00"},
        "SOCKS4": {"do": "tcp", "host": "127.0.0.1", "port": 3128, "send": "\x04\x01\x00\x50\x7f\x00\x00\x01\x00"},
        "DoH to a host without a rule": http1(
            "tls", "dns.google", request("dns.google", "/dns-query?dns=AAABAAABAAAAAAAAAWEFbmFtZXMEdGVzdAAAAQAB")),
        "DoH by its address": http1("connect", "1.1.1.1", request("1.1.1.1", "/dns-query")),
        "the proxy's own port by TLS": http1("tls", ONE, port=3128),
    }
    for host in (ONE, OTHER):
        plan[f"QUIC to {host}"] = {"do": "udp", "host": host, "port": 443, "send": "\xc3" + "\0" * 1199}
        plan[f"DoT to {host}"] = {"do": "tcp", "host": host, "port": 853, "send": "\x16\x03\x01"}
        plan[f"DoT to {host} by CONNECT"] = http1("connect", host, port=853)
    for address in PUBLIC_RESOLVERS:
        plan[f"DNS to {address}"] = {"do": "udp", "host": address, "port": 53, "send": "\0" * 12}
        plan[f"DNS to {address} by TCP"] = {"do": "tcp", "host": address, "port": 53, "send": "\0" * 14}
        plan[f"DoT to {address}"] = {"do": "tcp", "host": address, "port": 853}
    return plan


def protocols(check, world):
    world.serve(ONE, SPLICED)
    origin = {one.name: one for one in world.origins}
    plan = plans()
    profile = world.write_profile(PROFILE.format(one=ONE, spliced=SPLICED, addresses=world.addresses()))
    results = world.attempts(plan, profile)
    lines = world.audit()
    check.check("N7: every attempt ended", len(results) == len(plan) and not bugs(results), bugs(results))
    for way in ("TLS", "plain"):
        check.equal(f"N7: control: {way} is let through", results[f"control {way}"][0].get("status"), 404)
    check.equal("N7: control: UDP to our own name server", results["control UDP"], {"code": 0, "records": 1})
    check.equal("N7: control: an unknown extension does no harm, an encrypted name is refused (one connection of two)",
                origin[SPLICED].hits, 1)
    statuses = {"no name, TLS": 403, "no name, CONNECT": 403, "no name, spliced": 403, "TLS on 80": 403,
                "plain on 443": 403, "WebSocket to a refused host": 403, "CONNECT inside": 405, "TRACE": 405,
                "DoH to a host without a rule": 403, "h2c": 505, "TRACE by h2": 405}
    for name, status in statuses.items():
        check.equal(f"N7: {name}", results[name][0].get("status"), status)
    for name in ("extended CONNECT", "the proxy's own port by TLS", "DoH by its address"):
        got = results[name][0] if results[name] else {"status": "nothing"}
        check.check(f"N7: {name} is refused", got.get("status") not in (200, 404), got)
    for name, found in results.items():
        if name.startswith(("QUIC", "DNS to", "DoT")):
            got = found if isinstance(found, dict) else found[0]
            check.check(f"N7: {name}: nothing comes back", "error" in got, got)
    for name in ("SSH on 443", "binary on 443", "binary on 80", "SSLv2", "SOCKS5", "SOCKS4"):
        got = results[name].get("got", "")
        said = ("SSH-2.0-redoubtful\r\n", "HTTP/1.1 400 ")
        check.check(f"N7: {name}: nothing but a refusal", got == "" or got.startswith(said), results[name])
    hidden = [one for one in lines if one["event"] == "deny" and one["reason"] == "name_not_indicated"]
    check.check("N7: hidden names are in the audit log", {one["host"] for one in hidden} >= {ONE, SPLICED}, lines)
    # Its client ended the handshake, and so never asked for anything.
    check.check("N7: the encrypted one says so", any("encrypted" in one.get("detail", "") for one in hidden), hidden)
    check.equal("N7: the origins got the controls alone", sorted(
        target for name in (ONE, SPLICED) for target in world.targets(name)), ["/n7/fine"] * 2)
    check.equal("N7: nothing was looked up outside", world.names.asked, [])
