#!/usr/bin/env python3
"""Ordinary tools in the box: the same output, status, files, owners and absolute paths as outside.

Each case is a script that runs twice at the same path (support/twin.py). Builds are compared by the bytes of
what they built, wherever the tool is reproducible, for those hold the absolute paths.
"""

import base64
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import suite as support  # noqa: E402
import twin as twins  # noqa: E402

END = "\necho the-end\n"

# Paths whose existence or bytes depend on time or inode numbers, whatever runs them.
VOLATILE = ("/.git/index", "/index", "/logs/", "/target/debug/incremental",
            "/target/debug/.fingerprint", "/target/debug/build", ".rustc_info.json")
# What every JVM prints to standard error when it is told of our trust store.
ANNOUNCED = re.compile(r"^Picked up JAVA_TOOL_OPTIONS: -Djavax\.net\.ssl\.trustStore=\S+"
                       r" -Djavax\.net\.ssl\.trustStorePassword=changeit\n", re.MULTILINE)


class Case:
    """`files` go into the project; `prepare` may do more; `needs` are programs that must be installed.

    `shows` is what the output must hold outside: two equal failures are no pass.
    """

    def __init__(self, name, needs, shows, script, files=None, prepare=None, flags=()):
        self.name = name
        self.needs = needs
        self.shows = shows
        self.script = "exec 2>&1\n" + script + END
        self.files = files or {}
        self.prepare = prepare
        self.flags = flags


def bash_case():
    return Case("bash", ["bash"], ["SUBSTITUTED", "trapped", "devices", "shm", "143"], r"""
pwd; realpath .; id -u; id -g; id -un; umask; echo "$HOME"
stat -c '%u:%g %a %F' . README
echo made > made; stat -c '%u:%g %a' made; mkdir -p d/e; ln -s ../made d/link; cat d/link
cat <(echo substituted) | tr a-z A-Z; cat <<< here; [[ abc =~ b ]] && echo "${BASH_REMATCH[0]}"
(sleep 0.1; echo background) & wait; trap 'echo trapped' USR1; kill -USR1 $$
head -c 4 /dev/zero | od -An -tx1; test -c /dev/urandom && test -w /dev/null && echo devices
t=$(mktemp) && echo "$t" | sed 's/tmp\..*/tmp/' && rm "$t"
echo x > /dev/shm/$$ && rm /dev/shm/$$ && echo shm
bash -c 'exit 7'; echo $?; nosuchprogram 2>/dev/null; echo $?; (kill -TERM $BASHPID); echo $?
printf '%s\n' *; chmod 0640 made; printf 'name with\nnewline' > $'a\nb'; printf x > $'\xff'
""", {"README": "read me\n"})


def worktree_prepare(world):
    main = os.path.join(world.home, "src", "main")
    world.git_init()
    os.rename(world.project, main)
    world.run(["git", "worktree", "add", "-q", "-b", "topic", world.project], cwd=main)


def worktree_case():
    return Case("git commit in a linked worktree", ["git"], ["from the worktree", "amended"], r"""
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
export GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@example.test GIT_COMMITTER_NAME=T
export GIT_COMMITTER_EMAIL=t@example.test
git rev-parse --show-toplevel --git-dir --git-common-dir --abbrev-ref HEAD
echo more >> README; echo new > new; git add -A; git status --porcelain=v2 --branch | grep -v branch.oid
git commit -q -m 'from the worktree'; git log --stat --format='%an %s'; git branch --list
git commit -q --amend -m amended; git tag here; git fsck --no-dangling; git show --stat --format=%s topic
git stash list; git worktree list | sed 's/ .*//'
""", prepare=worktree_prepare)


def tarball(name, files):
    """A deterministic npm tarball and its integrity string."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(f"package/{path}")
            info.size = len(text.encode())
            info.mode = 0o755 if path.startswith("bin/") else 0o644
            archive.addfile(info, io.BytesIO(text.encode()))
    data = buffer.getvalue()
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    return name, data, f"sha512-{digest}"


def npm_case():
    name, data, integrity = tarball("dep-1.0.0.tgz", {
        "package.json": '{"name": "dep", "version": "1.0.0", "main": "index.js",'
                        ' "bin": {"dep": "bin/dep.js"}}',
        "index.js": "module.exports = (n) => n * 2;\n",
        "bin/dep.js": "#!/usr/bin/env node\nconsole.log('dep runs in', process.cwd());\n",
    })
    manifest = ('{"name": "app", "version": "1.0.0", "scripts": {"build": "dep && node build.js"},'
                ' "dependencies": {"dep": "file:dep-1.0.0.tgz"}}')
    lock = ('{"name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {'
            '"": {"name": "app", "version": "1.0.0", "dependencies": {"dep": "file:dep-1.0.0.tgz"}},'
            '"node_modules/dep": {"version": "1.0.0", "resolved": "file:dep-1.0.0.tgz",'
            f' "integrity": "{integrity}", "bin": {{"dep": "bin/dep.js"}}}}}}}}')
    build = ("const dep = require('dep'); const fs = require('fs'); const http = require('http');\n"
             "fs.writeFileSync('out.txt', __filename + ' ' + dep(21) + ' ' + process.getuid() + '\\n');\n"
             "const { Worker } = require('worker_threads');\n"
             "new Worker('require(\"worker_threads\").parentPort.postMessage(1)', { eval: true })\n"
             "  .on('message', () => console.log('worker'));\n"
             "const s = http.createServer((q, r) => r.end('served')).listen(0, '127.0.0.1', () =>\n"
             "  http.get({ port: s.address().port, host: '127.0.0.1' }, (r) => {\n"
             "    r.on('data', (d) => console.log(String(d))); r.on('end', () => s.close()); }));\n")
    return Case("npm ci from a local tarball", ["node", "npm"],
                ["added 1 package", "dep runs in", "worker", "served", "build.js 42"], r"""
export npm_config_update_notifier=false npm_config_offline=true
npm ci --no-audit --no-fund --loglevel=error | sed 's/ in [0-9.]*m*s$//'
npm run build --silent | sort; cat out.txt; npm ls --parseable; node -p 'require.resolve("dep")'
""", {"package.json": manifest, "package-lock.json": lock, "build.js": build, name: data})


def gcc_case():
    return Case("gcc build with make", ["gcc", "make"], ["main.c 42", "T f"], r"""
make -s && ./prog && sha256sum prog lib.o; stat -c '%u:%g %a' prog
printf 'int f(void){return 3;}' | gcc -shared -fPIC -x c - -o libf.so && nm -D libf.so | grep ' f$'
""", {
        "Makefile": "prog: main.o lib.o\n\t$(CC) -g -o $@ $^\n"
                    "%.o: %.c\n\t$(CC) -g -O2 -c $(CURDIR)/$<\n",
        "main.c": "#include <stdio.h>\nint twice(int);\n"
                  "int main(void) { printf(\"%s %d\\n\", __FILE__, twice(21)); return 0; }\n",
        "lib.c": "int twice(int n) { return 2 * n; }\n",
    })


def cargo_case():
    """cargo and rustc of the distribution, or of rustup: then the toolchain itself is made visible."""
    flags, directory = (), "/usr/bin"
    if not shutil.which("cargo", path=support.SYSTEM_PATH) and shutil.which("rustc"):
        sysroot = subprocess.run(["rustc", "--print", "sysroot"], stdout=subprocess.PIPE,
                                 check=True).stdout.decode().strip()
        directory = os.path.join(sysroot, "bin")
        flags = ("-m", sysroot, "-p", directory)
    return Case("cargo build", [os.path.join(directory, "cargo"), "gcc"],
                ["project 42", "test result: ok"], rf"""
export PATH={directory}:$PATH
cargo build --offline --quiet && target/debug/app && cargo test --offline --quiet |
  grep 'test result' | sed 's/;.finished.*//'
sha256sum target/debug/app; stat -c '%u:%g %a' target/debug/app
""", {
        "Cargo.toml": "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        "build.rs": "fn main() { println!(\"cargo:rustc-env=BUILT_IN={}\", "
                    "std::env::current_dir().unwrap().display()); }\n",
        "src/main.rs": "fn main() { let h = std::thread::spawn(|| 21 * 2);\n"
                       "  println!(\"{} {} {}\", env!(\"CARGO_MANIFEST_DIR\"), env!(\"BUILT_IN\"),"
                       " h.join().unwrap()); }\n#[test]\nfn holds() { assert_eq!(1, 1); }\n",
    }, flags=flags)


def python_case():
    return Case("python3 -m venv", ["python3"], ["[1, 2]", "/.venv/bin/python", "__main__.py"], r"""
python3 -m venv .venv && .venv/bin/python -c '
import os, sys, ssl, sqlite3, ctypes, multiprocessing, tempfile
print(sys.prefix, sys.executable, os.getcwd(), os.getuid())
sqlite3.connect("db").execute("create table t (a)")
with multiprocessing.Pool(2) as pool: print(pool.map(abs, [-1, -2]))
with tempfile.NamedTemporaryFile() as file: print(os.path.dirname(file.name))
'
.venv/bin/pip --version; . .venv/bin/activate; command -v python; rm db
mkdir pkg; echo 'print(__file__)' > pkg/__main__.py; python -m pkg
""")


def java_case():
    return Case("javac and java", ["javac", "java", "jar"], ["499500", "thread", "true", "child"], r"""
javac -d out Main.java && java -cp out Main && sha256sum out/Main.class
jar --create --file app.jar --main-class Main --date=2020-01-01T00:00:00Z -C out . && java -jar app.jar
java -version 2>&1 | grep version; stat -c '%u:%g %a' out/Main.class
""", {"Main.java": """
import java.nio.file.*; import java.net.*; import java.util.stream.*;
public class Main {
  public static void main(String[] arguments) throws Exception {
    System.out.println(System.getProperty("user.dir") + " " + System.getProperty("user.name"));
    System.out.println(IntStream.range(0, 1000).parallel().sum());
    Thread other = new Thread(() -> System.out.println("thread")); other.start(); other.join();
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"));
         Socket client = new Socket("127.0.0.1", server.getLocalPort())) {
      System.out.println(client.isConnected());
    }
    Files.writeString(Path.of("written"), "by java\\n");
    System.out.println(Path.of("written").toRealPath());
    System.out.println(new String(new ProcessBuilder("echo", "child").start()
        .getInputStream().readAllBytes()).trim());
  }
}
"""})


def settle(tree):
    return {path: entry for path, entry in tree.items()
            if not any(mark in f"/{path}" for mark in VOLATILE)}


def compare(check, case):
    missing = [p for p in case.needs if not shutil.which(p, path=support.SYSTEM_PATH)]
    if missing:
        check.fail(case.name, f"not installed: {' '.join(missing)}")
        return
    with twins.Twin() as world:
        for path, content in case.files.items():
            world.write(os.path.join("src/project", path), content)
        if case.prepare:
            case.prepare(world)
        world.freeze()
        outside = world.outside(case.script, world.project)
        tree_outside = world.tree()
        if outside.status != 0 or not outside.out.endswith("the-end\n"):
            check.fail(f"{case.name}: outside (the control)", repr(outside))
            return
        for text in case.shows:
            if not check.check(f"{case.name}: outside (the control) shows {text!r}",
                               text in outside.out, repr(outside)):
                return
        world.thaw()
        inside = world.inside(case.script, world.project, case.flags)
        tree_inside = world.tree()
        check.equal(f"{case.name}: same exit status", inside.status, outside.status)
        check.check(f"{case.name}: same output", ANNOUNCED.sub("", inside.out) == outside.out,
                    f"inside {inside!r}, outside {outside!r}")
        differs = support.changes(settle(tree_outside), settle(tree_inside))
        check.equal(f"{case.name}: same files, modes, owners and bytes", differs, [])


def main():
    check = support.Suite("toolchains")
    for make in (bash_case, worktree_case, npm_case, gcc_case, cargo_case, python_case, java_case):
        with check.guarded(make.__name__):
            compare(check, make())
    check.finish()


if __name__ == "__main__":
    main()
