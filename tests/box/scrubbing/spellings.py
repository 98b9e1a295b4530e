"""A value in every spelling that is promised to be scrubbed, as the standard library's encoders write it."""

import base64
import json
import urllib.parse


def spellings(value):
    """{name: ASCII text}. The same names in the same order for every value."""
    data = value.encode()
    out = {
        "raw": value,
        "in a sentence": f"your key {value} is wrong",
        "JSON": json.dumps({"key": value}),
        "JSON of PHP": json.dumps({"key": value}).replace("/", "\\/"),
        "JSON of .NET": json.dumps(value).replace("+", "\\u002B"),
        "JSON of Gson": json.dumps(value).replace("=", "\\u003d"),
        "URL": urllib.parse.quote(value, safe=""),
        "URL, slashes kept": urllib.parse.quote(value),
        "URL, lower case": "".join(c if c.isalnum() or c in "-_." else "%%%02x" % ord(c) for c in value),
        "URL, every byte": "".join("%%%02X" % byte for byte in data),
        "form": urllib.parse.urlencode({"key": value, "more": "x"}),
        "hexadecimal": data.hex(),
        "HEXADECIMAL": data.hex().upper(),
        "Basic": "Basic " + base64.b64encode(b"x-token:" + data).decode(),
    }
    for before in (b"", b"u", b"u:"):
        for behind in (b"", b"\xff", b"and more"):
            whole = before + data + behind
            name = f"base64 behind {len(before)}, before {len(behind)}"
            out[name] = base64.b64encode(whole).decode()
            out[name + ", URL-safe"] = base64.urlsafe_b64encode(whole).decode().rstrip("=")
    return out


def lines(value):
    """All of them as one body."""
    return "".join(f"{name}: {text}\n" for name, text in spellings(value).items()).encode()
