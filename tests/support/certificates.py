"""A throw-away certificate authority for the origins of tests, made with the openssl command.

Good leaves, and each kind of bad one that a client must refuse: expired, signed by nobody, for another name.
All keys are P-256, so that making a dozen takes a second.
"""

import os
import subprocess

CA_CONFIG = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = test
[test]
database = {place}/index.txt
serial = {place}/serial
new_certs_dir = {place}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = optional
"""

SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class Authority:
    """`certificate` is the CA's own; `bundle` has the system's roots and it."""

    def __init__(self, place, name="redoubtful test origins"):
        os.makedirs(place, exist_ok=True)
        self.place = place
        self.config = self.file("ca.cnf", CA_CONFIG.format(place=place))
        self.file("index.txt", "")
        self.file("serial", "1000\n")
        self.key = os.path.join(place, "ca.key")
        self.certificate = os.path.join(place, "ca.pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-config", self.config, "-extensions", "root", "-subj", f"/CN={name}", "-days", "30",
                "-keyout", self.key, "-out", self.certificate)
        with open(self.certificate, encoding="ascii") as file:
            own = file.read()
        with open(SYSTEM_BUNDLE, encoding="ascii", errors="replace") as file:
            self.bundle = self.file("bundle.pem", file.read() + own)

    def file(self, name, text):
        path = os.path.join(self.place, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def leaf(self, *names, start="20200101000000Z", end="20400101000000Z", label=None):
        """(certificate file, key file) for the names, valid between the two times."""
        label = label or names[0].replace("*", "any")
        key, request, out = (os.path.join(self.place, label + e) for e in (".key", ".csr", ".pem"))
        subject = ", ".join(("IP:" if name[0].isdigit() else "DNS:") + name for name in names)
        extensions = self.file(label + ".cnf", "basicConstraints = critical, CA:FALSE\n"
                               "keyUsage = critical, digitalSignature\nextendedKeyUsage = serverAuth\n"
                               "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
                               f"subjectAltName = {subject}\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-config", self.config, "-subj", f"/CN={names[0]}", "-keyout", key, "-out", request)
        openssl("ca", "-batch", "-config", self.config, "-in", request, "-out", out, "-notext",
                "-startdate", start, "-enddate", end, "-extfile", extensions,
                "-cert", self.certificate, "-keyfile", self.key)
        return out, key

    def self_signed(self, name):
        key, out = (os.path.join(self.place, "self-signed" + e) for e in (".key", ".pem"))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-config", self.config, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                "-days", "30", "-keyout", key, "-out", out)
        return out, key


def openssl(*words):
    done = subprocess.run(["openssl", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(words)}: {done.stdout.decode('utf-8', 'replace')}")
