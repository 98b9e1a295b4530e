"""A registry of images that takes tokens of its realm alone, which gives them for the real password alone.

Source: "Token Authentication Specification" and "HTTP API V2" of distribution; the image format of OCI.
"""

import base64
import gzip
import hashlib
import io
import json
import re
import secrets
import tarfile
import urllib.parse

from . import site as pages

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def answer(status, value=b"", **more):
    headers = [("docker-distribution-api-version", "registry/2.0")] + [(n.replace("_", "-"), v) for n, v in more.items()]
    if not isinstance(value, bytes):
        headers, value = [*headers, ("content-type", "application/json")], json.dumps(value).encode()
    return pages.Response(status, headers, value)


class Registry:
    """Callable: the registry's site. `realm` is another, for its own host or for a path of this one."""

    def __init__(self, name, realm, user, password):
        self.challenge = f'Bearer realm="{realm}",service="{name}"'
        self.wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.tokens = []
        self.asked = []  # what each request to the realm showed
        self.shown = []  # and to the registry
        self.blobs = {}
        self.manifests = {}

    def forget(self):
        for seen in (self.tokens, self.asked, self.shown):
            seen.clear()

    def realm(self, request):
        self.asked.append(request.header("authorization"))
        if request.header("authorization") != self.wanted:
            return answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}]})
        self.tokens.append("minted-" + secrets.token_hex(32))
        return answer(200, {"token": self.tokens[-1], "expires_in": 300})

    def __call__(self, request):
        self.shown.append(request.header("authorization"))
        if (request.header("authorization") or "").removeprefix("Bearer ") not in self.tokens:
            return answer(401, {"errors": [{"code": "UNAUTHORIZED"}]}, www_authenticate=self.challenge)
        if request.path == "/v2/":
            return answer(200, {})
        found = re.fullmatch("/v2/([^/]+)/(manifests|blobs)/(.*)", request.path)
        return getattr(self, "_" + found[2])(request, found[1], found[3]) if found else answer(404, {})

    def _manifests(self, request, name, reference):
        if request.method == "PUT":
            for one in (reference, digest_of(request.body)):
                self.manifests[name, one] = request.body
            return answer(201, docker_content_digest=digest_of(request.body))
        return self.read(request, self.manifests.get((name, reference)), MANIFEST)

    def _blobs(self, request, name, which):
        if request.method in ("GET", "HEAD"):
            return self.read(request, self.blobs.get(which), "application/octet-stream")
        place = f"/v2/{name}/blobs/uploads/one"
        if request.method == "POST":
            self.blobs[place] = b""
            return answer(202, location=place, range="0-0")
        self.blobs[place] += request.body
        if request.method == "PATCH":
            return answer(202, location=place, range=f"0-{len(self.blobs[place]) - 1}")
        data = self.blobs.pop(place)
        self.blobs[digest_of(data)] = data
        good = urllib.parse.unquote(request.query["digest"]) == digest_of(data)
        return answer(201 if good else 400, docker_content_digest=digest_of(data))

    @staticmethod
    def read(request, data, kind):
        if data is None:
            return answer(404, {})
        headers = [("content-type", kind), ("docker-content-digest", digest_of(data))]
        return pages.Response(200, headers, length=len(data)) if request.method == "HEAD" else pages.Response(200, headers, data)

    def keep_image(self, name, tag, files):
        """{path: text}. Returns the digest of its manifest."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for path, text in files.items():
                info = tarfile.TarInfo(path)
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
        layer = gzip.compress(out.getvalue(), mtime=0)
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": [digest_of(out.getvalue())]}}).encode()
        entries = [{"mediaType": kind, "digest": digest_of(data), "size": len(data)} for kind, data in ((CONFIG, config), (LAYER, layer))]
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": entries[0], "layers": entries[1:]}).encode()
        self.blobs.update({digest_of(data): data for data in (config, layer)})
        self.manifests.update({(name, one): manifest for one in (tag, digest_of(manifest))})
        return digest_of(manifest)
