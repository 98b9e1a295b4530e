"""Agents from npm, installed once into a cache outside the repository.

packages/NAME holds package.json and package-lock.json: the version and the hash of everything that is
run are pinned here, not at the registry. The cache is `$REDOUBTFUL_TEST_CACHE`, by default
/var/cache/redoubtful-tests where that can be written or is filled already, else the user's own cache
directory. It is readable by everybody, for the suites run as root and as an ordinary user.

Errors: an agent that cannot be had is an exception, never a skip.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED_CACHE = "/var/cache/redoubtful-tests"


class PackageError(RuntimeError):
    pass


def installed(name):
    """The directory that has node_modules of packages/`name`, installed now if it is not there."""
    return installed_from(os.path.join(HERE, "packages", name), name)


def installed_from(source, name):
    """The same for a folder with package.json and package-lock.json anywhere."""
    key = package_key(source, name)
    candidates = caches()
    for cache in candidates:
        place = os.path.join(cache, "npm", key)
        if os.path.isdir(os.path.join(place, "node_modules")):
            return place
    cache = next((c for c in candidates if can_make(c)), None)
    if cache is None:
        raise PackageError(f"{name} is not in any of {candidates} and none can be written: run this "
                           "once as root or set REDOUBTFUL_TEST_CACHE")
    return install(source, os.path.join(cache, "npm", key))


def caches():
    chosen = os.environ.get("REDOUBTFUL_TEST_CACHE")
    if chosen:
        return [os.path.abspath(chosen)]
    own = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return [SHARED_CACHE, os.path.join(own, "redoubtful-tests")]


def can_make(directory):
    try:
        os.makedirs(os.path.join(directory, "npm"), mode=0o755, exist_ok=True)
    except OSError:
        return False
    return os.access(os.path.join(directory, "npm"), os.W_OK)


def package_key(source, name):
    """Versions for people, of what is asked for by name, and a hash of the lock: another lock is another directory."""
    with open(os.path.join(source, "package-lock.json"), "rb") as file:
        raw = file.read()
    lock = json.loads(raw)
    top = lock["packages"][""]
    asked = {**top.get("dependencies", {}), **top.get("optionalDependencies", {})}
    version = "+".join(sorted({lock["packages"][f"node_modules/{one}"]["version"] for one in asked}))
    return f"{name}-{version}-{hashlib.sha256(raw).hexdigest()[:8]}"


def install(source, place):
    """Installs beside `place` and renames: another suite never sees half of it."""
    if not shutil.which("npm"):
        raise PackageError("npm is not installed: install nodejs and npm")
    parent = os.path.dirname(place)
    work = tempfile.mkdtemp(prefix=".install-", dir=parent)
    try:
        os.chmod(work, 0o755)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(source, file), work)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=work, umask=0o022, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise PackageError(f"{' '.join(command)} gave {done.returncode}: "
                               + done.stdout.decode("utf-8", "replace")[-800:])
        try:
            os.rename(work, place)
        except OSError:
            if not os.path.isdir(place):  # else somebody else was quicker, with the same content
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return place


def opencode():
    """The real opencode: a native program of its platform package, which needs no install script."""
    variant = f"opencode-linux-{machine('opencode')}"
    if not has_avx2():
        variant += "-baseline"
    return native("opencode", os.path.join(variant, "bin", "opencode"))


def claude():
    """The real Claude Code, the same way."""
    variant = f"@anthropic-ai/claude-code-linux-{machine('claude')}"
    return native("claude", os.path.join(variant, "claude"))


def codex():
    """The real Codex, the same way; the command of the package itself only looks for this one."""
    triple = {"x64": "x86_64-unknown-linux-musl"}[machine("codex")]
    return native("codex", os.path.join("@openai", f"codex-linux-{machine('codex')}", "vendor", triple,
                                        "bin", "codex"))


def gemini():
    """The real Gemini CLI: a program for Node 20 or newer, which lies beside it (node_for)."""
    return native("gemini", os.path.join(".bin", "gemini"))


def pi():
    """The real pi, the same way."""
    return native("pi", os.path.join(".bin", "pi"))


def node_for(name):
    """A directory with the Node that the agent `name` brings; the distribution's is often older."""
    return os.path.dirname(native(name, os.path.join(f"node-linux-{machine(name)}", "bin", "node")))


def machine(name):
    found = {"x86_64": "x64"}.get(platform.machine())
    if found is None:
        raise PackageError(f"packages/{name} pins no build for {platform.machine()}")
    return found


def native(name, path):
    """The program at `path` below node_modules of packages/`name`."""
    place = installed(name)
    program = os.path.join(place, "node_modules", path)
    if not os.access(program, os.X_OK):
        raise PackageError(f"{program} is missing or not executable: remove {place} and try again")
    return program


def has_avx2():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        return "avx2" in file.read()
