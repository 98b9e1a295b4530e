"""AWS as far as its clients need it here: every request's signature is checked by botocore, with the real keys.

What botocore has no code for (signed chunks) is checked as the S3 API Reference describes it. Nothing here knows what
the proxy does: a request that was not signed with a key of `keys` is answered as AWS answers it, 403.
"""

import base64
import hashlib
import json
import re
import urllib.parse
import zlib

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from . import site as pages

AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
                           r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})")
CHUNK = re.compile(rb"([0-9a-fA-F]+)(?:;chunk-signature=([0-9a-f]{64}))?\r\n")
EMPTY = hashlib.sha256(b"").hexdigest()


class Refused(Exception):
    pass


class Signed:
    """How one request is signed, and by whom."""

    def __init__(self, key_id, date, region, service, names, signature, time, presigned):
        self.key_id, self.date, self.region, self.service = key_id, date, region, service
        self.names, self.signature, self.time, self.presigned = names.split(";"), signature, time, presigned


def read(request):
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.target).query, keep_blank_values=True)
    if "X-Amz-Signature" in query:
        first = {name: values[0] for name, values in query.items()}
        key_id, date, region, service, _ = first["X-Amz-Credential"].split("/")
        return Signed(key_id, date, region, service, first["X-Amz-SignedHeaders"], first["X-Amz-Signature"],
                      first["X-Amz-Date"], True)
    fields = [value for name, value in request.headers if name == "authorization"]
    if not fields:
        return None
    found = AUTHORIZATION.fullmatch(fields[0])
    if len(fields) != 1 or not found:
        raise Refused("AuthorizationHeaderMalformed")
    return Signed(*found.groups(), request.header("x-amz-date"), False)


def auth_for(signed, secret):
    credentials = botocore.credentials.Credentials(signed.key_id, secret)
    kind = botocore.auth.S3SigV4Auth if signed.service.startswith("s3") else botocore.auth.SigV4Auth
    return kind(credentials, signed.service, signed.region)


def canonical(request, signed, auth):
    """botocore's canonical request of what arrived, with the signed fields alone."""
    target = re.sub(r"&X-Amz-Signature=[0-9a-f]{64}|(?<=\?)X-Amz-Signature=[0-9a-f]{64}&?", "", request.target)
    headers = {}
    for name, value in [("host", request.authority), *request.headers]:
        if name in signed.names:
            headers[name] = headers[name] + "," + value if name in headers else value
    missing = set(signed.names) - set(headers)
    if missing:
        raise Refused(f"a signed field is not there: {sorted(missing)}")
    url = f"https://{request.authority}{target}"
    theirs = botocore.awsrequest.AWSRequest(method=request.method, url=url, data=request.body)
    for name, value in headers.items():
        theirs.headers[name] = value
    declared = request.header("x-amz-content-sha256")
    if declared:
        theirs.headers["X-Amz-Content-SHA256"] = declared
    elif signed.presigned and signed.service == "s3":
        theirs.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
    theirs.context["timestamp"] = signed.time
    auth.headers_to_sign = lambda _: wanted(headers)
    return theirs, auth.canonical_request(theirs)


def wanted(headers):
    out = botocore.compat.HTTPHeaders()
    for name, value in headers.items():
        out[name] = value
    return out


class Store:
    """Callable: a site for all of AWS's hosts. `log` has (Signed, request) of what was let through."""

    def __init__(self, keys):
        self.keys = dict(keys)  # key id -> (secret, session token or None)
        self.objects = {}
        self.parts = {}
        self.log = []
        self.refused = []

    def __call__(self, request):
        try:
            signed = read(request)
            if signed is None:
                raise Refused("AccessDenied")
            self.verify(request, signed)
        except Refused as error:
            self.refused.append((str(error), request))
            return self.error(request, str(error))
        self.log.append((signed, request))
        return self.serve(request, signed)

    def error(self, request, why):
        """As S3 does: with everything that the client said, and the signature that would have been right."""
        body = (f"<Error><Code>SignatureDoesNotMatch</Code><Message>{why}</Message>"
                f"<AWSAccessKeyId>{request.header('authorization')}</AWSAccessKeyId>"
                f"<Token>{request.header('x-amz-security-token')}</Token><Target>{request.target.replace('&', '&amp;')}"
                f"</Target></Error>")
        return pages.Response(403, [("content-type", "application/xml")], body.encode())

    def verify(self, request, signed):
        if signed.key_id not in self.keys:
            raise Refused("InvalidAccessKeyId")
        secret, token = self.keys[signed.key_id]
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.target).query)
        shown = query.get("X-Amz-Security-Token", [None])[0] if signed.presigned else request.header("x-amz-security-token")
        if shown != token:
            raise Refused("InvalidToken")
        if token and not signed.presigned and "x-amz-security-token" not in signed.names:
            raise Refused("the session token is not signed")
        auth = auth_for(signed, secret)
        theirs, text = canonical(request, signed, auth)
        to_sign = auth.string_to_sign(theirs, text)
        if auth.signature(to_sign, theirs) != signed.signature:
            raise Refused("SignatureDoesNotMatch: " + text.replace("\n", "|"))
        self.check_body(request, signed, auth)

    def check_body(self, request, signed, auth):
        declared = request.header("x-amz-content-sha256") or ""
        request.plain = request.body
        if re.fullmatch("[0-9a-f]{64}", declared) and hashlib.sha256(request.body).hexdigest() != declared:
            raise Refused("XAmzContentSHA256Mismatch")
        if declared.startswith("STREAMING-"):
            request.plain, trailer = chunks(request.body, signed, auth, declared)
            size = request.header("x-amz-decoded-content-length")
            if size is not None and int(size) != len(request.plain):
                raise Refused("IncompleteBody")
            check_trailer(trailer, request)

    def serve(self, request, signed):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.target).query, keep_blank_values=True)
        if signed.service == "s3":
            return self.s3(request, query)
        if signed.service == "sts":
            form = urllib.parse.parse_qs(request.body.decode())
            if form["Action"] == ["GetCallerIdentity"]:
                return xml("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/real"
                           "</Arn><UserId>U</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
                           "</GetCallerIdentityResponse>")
        return pages.Response(200, [("content-type", "application/json")], json.dumps(
            {"service": signed.service, "target": request.target, "bytes": len(request.plain)}).encode())

    def s3(self, request, query):
        key = urllib.parse.unquote(request.path)
        if request.method == "POST" and "uploads" in query:
            return xml("<InitiateMultipartUploadResult><UploadId>upload</UploadId></InitiateMultipartUploadResult>")
        if request.method == "PUT" and "partNumber" in query:
            self.parts.setdefault(key, {})[int(query["partNumber"][0])] = request.plain
            return pages.Response(200, [("etag", '"part"')])
        if request.method == "POST" and "uploadId" in query:
            parts = self.parts.pop(key)
            self.objects[key] = b"".join(parts[number] for number in sorted(parts))
            return xml('<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>')
        if request.method == "PUT":
            self.objects[key] = request.plain
            return pages.Response(200, [("etag", f'"{hashlib.md5(request.plain).hexdigest()}"')])
        if request.method == "GET" and query.get("list-type") == ["2"]:
            return xml("<ListBucketResult><Name>b</Name>" + "".join(
                f"<Contents><Key>{name[1:]}</Key><Size>{len(data)}</Size><LastModified>2026-01-01T00:00:00Z"
                "</LastModified></Contents>" for name, data in self.objects.items()) + "</ListBucketResult>")
        if key not in self.objects:
            return pages.Response(404, [("content-type", "application/xml")], b"<Error><Code>NoSuchKey</Code></Error>")
        return self.read_object(request, self.objects[key])

    @staticmethod
    def read_object(request, data):
        headers = [("etag", '"whole"'), ("content-type", "application/octet-stream"), ("accept-ranges", "bytes"),
                   ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")]
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.header("range") or "")
        if request.method == "HEAD":
            return pages.Response(200, headers, length=len(data))
        if not found:
            return pages.Response(200, headers, data)
        first, last = int(found[1]), min(int(found[2] or len(data) - 1), len(data) - 1)
        headers.append(("content-range", f"bytes {first}-{last}/{len(data)}"))
        return pages.Response(206, headers, data[first:last + 1])


def xml(text):
    return pages.Response(200, [("content-type", "text/xml")], text.encode())


def chunks(body, signed, auth, declared):
    """Source: S3 API Reference, "Transferring payload in multiple chunks" and "Trailing headers"."""
    with_signatures = "UNSIGNED" not in declared
    scope = f"{signed.date}/{signed.region}/{signed.service}/aws4_request"
    previous, plain, at = signed.signature, [], 0

    def sign(kind, *rest):
        return auth_signature(auth, signed, "\n".join([f"AWS4-HMAC-SHA256-{kind}", signed.time, scope, previous, *rest]))

    while True:
        head = CHUNK.match(body, at)
        if not head or bool(head[2]) != with_signatures:
            raise Refused("a chunk without a head")
        size = int(head[1], 16)
        data = body[head.end():head.end() + size]
        at = head.end() + size
        if with_signatures:
            previous = sign("PAYLOAD", EMPTY, hashlib.sha256(data).hexdigest())
            if previous.encode() != head[2]:
                raise Refused("SignatureDoesNotMatch: a chunk")
        plain.append(data)
        if size == 0:
            break
        if body[at:at + 2] != b"\r\n":
            raise Refused("a chunk without an end")
        at += 2
    lines = [line for line in body[at:].decode().split("\r\n") if line]
    trailer = dict(line.split(":", 1) for line in lines)
    if with_signatures and declared.endswith("-TRAILER"):
        mine = trailer.pop("x-amz-trailer-signature", "")
        text = "".join(f"{name}:{value.strip()}\n" for name, value in sorted(trailer.items()))
        if sign("TRAILER", hashlib.sha256(text.encode()).hexdigest()) != mine:
            raise Refused("SignatureDoesNotMatch: the trailer")
    return b"".join(plain), trailer


def auth_signature(auth, signed, text):
    request = botocore.awsrequest.AWSRequest()
    request.context["timestamp"] = signed.time
    return auth.signature(text, request)


def check_trailer(trailer, request):
    made = {"x-amz-checksum-sha256": lambda data: hashlib.sha256(data).digest(),
            "x-amz-checksum-sha1": lambda data: hashlib.sha1(data).digest(),
            "x-amz-checksum-crc32": lambda data: zlib.crc32(data).to_bytes(4, "big")}
    for name, value in trailer.items():
        if name in made and base64.b64encode(made[name](request.plain)).decode() != value.strip():
            raise Refused("BadDigest")


def sso_portal(token, keys):
    """GetRoleCredentials for who has this login: `keys()` gives key id, secret, session token, end in ms."""

    def route(request):
        if request.header("x-amz-sso_bearer_token") != token or request.query != {"role_name": "Dev", "account_id": "123456789012"}:
            return pages.Response(401, [("content-type", "application/json")], b'{"message":"Session token not found or invalid"}')
        key_id, secret, session, end = keys()
        body = {"roleCredentials": {"accessKeyId": key_id, "secretAccessKey": secret, "sessionToken": session, "expiration": end}}
        return pages.Response(200, [("content-type", "application/json")], json.dumps(body).encode())

    return route
