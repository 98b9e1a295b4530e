"""Runs a command with a direct way to the origins, at the same URLs that the box's clients use.

The command is in a user, network and mount namespace of its own: each origin's name is in /etc/hosts there
and has an address of its own on lo, where the origin's public port is open; the listening sockets are made
there and handed to the origins here. What a client prints so is what it has to print in the box. So both the
origins and the client scripts are proven right without any proxy.
"""

import os
import socket
import subprocess
import sys

HERE = os.path.abspath(__file__)


def places(origins):
    """[(origin, address)]: one address a name."""
    addresses = {}
    for origin in origins:
        addresses.setdefault(origin.name, f"127.77.0.{len(addresses) + 1}")
    return [(origin, addresses[origin.name]) for origin in origins]


def command_line(command, channel, hosts, bundle, listening):
    where = [f"{address}:{origin.port}" for origin, address in listening]
    return ["unshare", "--user", "--map-root-user", "--net", "--mount", "--", "/usr/bin/python3", HERE,
            str(channel), hosts, bundle, str(os.getuid()), str(os.getgid()), ",".join(where), *command]


class Way:
    """start() gives a Popen; the origins serve the namespace as long as something runs in it."""

    def __init__(self, origins, bundle):
        self.listening = places(origins)
        self.bundle = bundle
        self.hosts = bundle + ".hosts"
        with open(self.hosts, "w", encoding="ascii") as file:
            file.write("127.0.0.1 localhost\n::1 localhost\n")
            for name, address in sorted({(o.name, a) for o, a in self.listening}):
                file.write(f"{address} {name}\n")

    def start(self, command, **options):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            line = command_line(command, theirs.fileno(), self.hosts, self.bundle, self.listening)
            process = subprocess.Popen(line, pass_fds=[theirs.fileno()], **options)
            theirs.close()
            _, descriptors, _, _ = socket.recv_fds(ours, 1, len(self.listening))
            for (origin, _), descriptor in zip(self.listening, descriptors):
                origin.serve(socket.socket(fileno=descriptor))
            ours.sendall(b"g")
        return process


def main():
    import ctypes
    import fcntl
    import struct
    channel, hosts, bundle, uid, gid, where = sys.argv[1:7]
    libc = ctypes.CDLL(None, use_errno=True)

    def bind_mount(source, target):
        if libc.mount(source.encode(), target.encode(), None, 4096, None) != 0:  # MS_BIND
            raise OSError(ctypes.get_errno(), f"bind {source} on {target}")

    bind_mount(hosts, "/etc/hosts")
    bind_mount(bundle, "/etc/ssl/certs/ca-certificates.crt")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(control, 0x8914, request)  # SIOCSIFFLAGS
    listeners = []
    for place in where.split(","):
        address, _, port = place.rpartition(":")
        listeners.append(socket.create_server((address, int(port)), backlog=256))
    with socket.socket(fileno=int(channel)) as link:
        socket.send_fds(link, [b"l"], [one.fileno() for one in listeners])
        link.recv(1)
    for one in listeners:
        one.close()
    os.execvp("unshare", ["unshare", "--user", f"--map-user={uid}", f"--map-group={gid}", "--", *sys.argv[7:]])


if __name__ == "__main__":
    main()
