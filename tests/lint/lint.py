#!/usr/bin/python3
"""Rules about the source itself, each a function named rule_*: what it finds, it yields as (place, what).

  lint.py --list                                   the rules
  lint.py RULE [--top DIR] [--binary FILE]         one rule over a checkout; findings on stdout, exit status 1
  lint.py --self-test                              each rule finds what it is for, in a made-up tree

Words that must not appear in the tree are put together here from pieces, for this file is part of it.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

SOURCE = (".cpp", ".hpp", ".c", ".h")

# File -> why it may be longer than 400 lines.
MAX_LINES = 400
LONG_FILES = {
    "LICENSE": "not ours to shorten",
    "tests/agents/packages/pi/package-lock.json": "npm writes it: a line for each hash",
}


class Tree:
    def __init__(self, top, binary=None):
        self.top, self.binary = top, binary
        listing = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
                                  "--exclude-standard"], cwd=top, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, check=False)
        if listing.returncode == 0:
            names = listing.stdout.decode("utf-8", "surrogateescape").split("\0")
        else:  # an unpacked archive
            names = [os.path.relpath(os.path.join(folder, name), top)
                     for folder, _, found in os.walk(top) for name in found]
        self.names = sorted(name for name in names if name and not name.startswith("build/")
                            and os.path.isfile(os.path.join(top, name)))

    def text(self, name):
        with open(os.path.join(self.top, name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def sources(self, *folders):
        return [name for name in self.names if name.endswith(SOURCE)
                and (not folders or name.split("/")[0] in folders)]

    def lines(self, names):
        for name in names:
            for number, line in enumerate(self.text(name).splitlines(), 1):
                yield f"{name}:{number}", line


def rule_common_includes_neither_cli_nor_proxy(tree):
    """common/ is below both; cli/ and proxy/ meet only in the control channel's messages."""
    forbidden = {"common": ("cli", "proxy"), "cli": ("proxy",), "proxy": ("cli",)}
    for folder, others in forbidden.items():
        include = re.compile(r'\s*#\s*include\s*[<"](?:\.\./)*(%s)/' % "|".join(others))
        for place, line in tree.lines(tree.sources(folder)):
            if include.match(line):
                yield place, f"{folder}/ must not include {include.match(line)[1]}/"


def rule_includes_are_written_from_the_top(tree):
    """One spelling per header, or the rule above can be walked around."""
    for place, line in tree.lines(tree.sources("common", "cli", "proxy")):
        included = re.match(r'\s*#\s*include\s*"([^"]*)"', line)
        if included and included[1].endswith((".hpp", ".h")) and (included[1].startswith(".") or "/" not in included[1]
                         or not os.path.exists(os.path.join(tree.top, included[1]))):
            yield place, f"{included[1]}: write it from the top of the checkout"


def rule_the_command_line_links_no_tls(tree):
    """The process that parses the command line and YAML must not hold keys, so it has no use for TLS."""
    if not tree.binary:
        yield "--binary", "which program?"
        return
    dynamic = subprocess.run(["readelf", "--dynamic", "--wide", tree.binary], stdout=subprocess.PIPE,
                             check=True, encoding="utf-8").stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    if not any(name.startswith("libc.so") for name in needed):
        yield tree.binary, f"does not look like the program: it needs {needed}"
    for name in needed:
        if re.match(r"lib(ssl|crypto|nghttp2|gnutls)\b", name):
            yield tree.binary, f"links {name}"


def rule_no_file_is_over_400_lines(tree):
    """Two things live in one room."""
    for name in tree.names:
        length = tree.text(name).count("\n")
        if length > MAX_LINES and name not in LONG_FILES:
            yield name, f"{length} lines, more than {MAX_LINES}, and LONG_FILES gives no reason"
    for name in LONG_FILES:
        if name in tree.names and tree.text(name).count("\n") <= MAX_LINES and name != "LICENSE":
            yield name, "in LONG_FILES, but not long any more"


def rule_nothing_is_left_for_later(tree):
    """What is to be done belongs into an issue."""
    later = re.compile(r"\b(%s)\b" % "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]))
    skipped = re.compile("GTEST_" + r"SKIP|\bDISABLED" + "_")
    for place, line in tree.lines(tree.names):
        if later.search(line):
            yield place, line.strip()
        if skipped.search(line) and place.split(":")[0].endswith(SOURCE):
            yield place, "a test that is skipped: a missing feature is a failure"


def rule_no_place_of_one_machine(tree):
    """Paths of whoever wrote it, and hosts of package registries: mirrors are the machine's business."""
    folders = "|".join(["wo" + "rk", "fa" + "rm"])
    path = re.compile(r"(?:^|[^A-Za-z0-9._/*<>-])/(?:%s)/" % folders)
    hosts = ["registry." + "npm", "deb." + "debian", "security." + "debian", "ftp." + "debian", "archive." + "ubuntu",
             "files." + "pythonhosted", "static." + "crates.io", "index." + "crates.io", "proxy." + "golang",
             "repo." + "maven", "repo1." + "maven"]
    host = re.compile("|".join(re.escape(name) for name in hosts))
    for place, line in tree.lines(tree.names):
        if path.search(line) or host.search(line):
            yield place, line.strip()


def rule_every_header_says_what_it_is_for(tree):
    """A comment of a sentence before the first include or declaration."""
    comment = re.compile(r"(#pragma once\s+)?(//(?! (clang-format|NOLINT|Copyright)).{20,}|/\*[^/]{20,})")
    for name in tree.names:
        if name.endswith((".hpp", ".h")) and not comment.match(tree.text(name)):
            yield name, "no leading comment that says what it is and why"


def rule_no_port_can_be_joined(tree):
    """With that socket option the agent could open a second listener on ours and take connections."""
    option = re.compile("SO_REUSE" + "PORT")
    for place, line in tree.lines(tree.sources("common", "cli", "proxy")):
        if option.search(line.split("//")[0]):
            yield place, line.strip()


def rule_few_files_see_a_secrets_value(tree):
    """Who may call expose() is a list, so that "who can see the key?" is one look."""
    allowed = tree.text("tests/lint/expose_callers.txt").split() if "tests/lint/expose_callers.txt" in tree.names else []
    if len(allowed) > 5:
        yield "tests/lint/expose_callers.txt", "more than five files may see a secret"
    for place, line in tree.lines(tree.sources("common", "cli", "proxy")):
        name = place.split(":")[0]
        if re.search(r"\bexpose\(\)", line.split("//")[0]) and name not in allowed and name != "common/secret.hpp":
            yield place, "calls expose() and is not in tests/lint/expose_callers.txt"


def rule_no_lambda_captures_inside_co_await(tree):
    """g++ 12.2 destroys what such a lambda captured before it is used: name it on a line of its own."""
    for name in tree.sources("proxy", "tests"):
        text = tree.text(name)
        for found in re.finditer(r"co_await[^;{}]*?\[(?!\])[^\]\[;]*\]\s*(\([^()]*\)\s*)?(mutable\s*)?(->[^{;]*)?\{", text):
            yield f"{name}:{text.count(chr(10), 0, found.start()) + 1}", "a capturing lambda inside co_await"


def rule_no_coroutine_is_forgotten(tree):
    """A detached coroutine's exception ends the program, or nobody."""
    for place, line in tree.lines(tree.sources("proxy")):
        if re.search(r"\bdetached\b", line.split("//")[0]):
            yield place, "give co_spawn a handler"


def rule_format_is_that_of_clang_format(tree):
    """Only where clang-format is at hand; the one of Debian 12 decides, for releases differ."""
    version = None
    try:
        version = re.search(r"version (\d+)", subprocess.run(["clang-format", "--version"], check=True,
                            stdout=subprocess.PIPE, encoding="utf-8").stdout)
    except (OSError, subprocess.CalledProcessError):
        pass
    if not version or version[1] != "14":
        print("clang-format 14 is not here: not checked")
        return
    done = subprocess.run(["clang-format", "--dry-run", *tree.sources()], stderr=subprocess.PIPE, check=True,
                          cwd=tree.top, encoding="utf-8", errors="replace")
    for name in sorted(set(re.findall(r"^(.*?):\d+:\d+: warning: code should be", done.stderr, re.M))):
        yield name, "clang-format -i would change it"


def rule_shell_scripts_parse(tree):
    """A script that CI alone runs is found broken here."""
    for name in tree.names:
        if tree.text(name)[:64].split("\n")[0] in ("#!/bin/bash", "#!/bin/sh", "#!/usr/bin/env bash"):
            shell = "sh" if tree.text(name).startswith("#!/bin/sh") else "bash"
            done = subprocess.run([shell, "-n", name], cwd=tree.top, stderr=subprocess.PIPE, encoding="utf-8")
            if done.returncode:
                yield name, done.stderr.strip()
            if not os.access(os.path.join(tree.top, name), os.X_OK):
                yield name, "is not executable"


def rule_every_folder_has_a_readme(tree):
    """One screen: what may live here, and in what order to read it."""
    for folder in ("common", "cli", "proxy", "profiles", "tests", "bench", "packaging", "apparmor"):
        if f"{folder}/README.md" not in tree.names:
            yield f"{folder}/README.md", "is missing"
        elif tree.text(f"{folder}/README.md").count("\n") > 50:
            yield f"{folder}/README.md", "is longer than a screen"


RULES = {name[5:]: rule for name, rule in list(globals().items()) if name.startswith("rule_")}

# Rule -> files of a small tree in which it must find exactly the one called bad, and nothing in the others.
CASES = {
    "common_includes_neither_cli_nor_proxy": {
        "common/bad.hpp": '#include "cli/run.hpp"\n', "proxy/tls.hpp": '#include "common/bad.hpp"\n',
        "cli/run.hpp": "#include <common/bad.hpp>\n"},
    "includes_are_written_from_the_top": {
        "cli/bad.hpp": '#include "run.hpp"\n', "cli/run.hpp": '#include "cli/bad.hpp"\n#include <vector>\n'},
    "no_file_is_over_400_lines": {"cli/bad.cpp": "\n" * 401, "cli/run.cpp": "\n" * 400},
    "nothing_is_left_for_later": {"cli/bad.cpp": "// TO" + "DO: finish\n", "cli/run.cpp": "// to do: nothing\n"},
    "no_place_of_one_machine": {
        "cli/bad.cpp": 'open("/wo' + 'rk/x");\n', "cli/run.cpp": "// /usr/share/wo" + "rk/x, /home/alice/x\n"},
    "every_header_says_what_it_is_for": {
        "cli/bad.hpp": "#pragma once\n\nint f();\n",
        "cli/run.hpp": "#pragma once\n\n// Runs a command in the box and takes everything down again.\n"},
    "no_port_can_be_joined": {
        "proxy/bad.cpp": "int option = SO_REUSE" + "PORT;\n", "proxy/run.cpp": "// Never SO_REUSE" + "PORT.\n"},
    "few_files_see_a_secrets_value": {
        "proxy/bad.cpp": "send(secret.expose());\n", "common/secret.hpp": "expose() const;\n",
        "tests/lint/expose_callers.txt": "proxy/good.cpp\n", "proxy/good.cpp": "a = s.expose();\n"},
    "no_lambda_captures_inside_co_await": {
        "proxy/bad.cpp": "co_await run([&x](int) { return x; });\n",
        "proxy/good.cpp": "auto f = [&x] { return x; };\nco_await run(f);\nco_await run([] { return 1; });\n"},
    "no_coroutine_is_forgotten": {
        "proxy/bad.cpp": "co_spawn(c, f(), detached);\n", "proxy/good.cpp": "// never detached\n"},
    "shell_scripts_parse": {"tests/bad": "#!/bin/bash\nif\n", "tests/good": "#!/bin/bash\ntrue\n"},
}


def self_test():
    wrong = 0
    for rule, files in CASES.items():
        with tempfile.TemporaryDirectory() as top:
            for name, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
                with open(os.path.join(top, name), "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(os.path.join(top, name), 0o755)
            found = {place.split(":")[0] for place, _ in RULES[rule](Tree(top))}
            if found != {name for name in files if "/bad" in name}:
                print(f"{rule} found {sorted(found)}")
                wrong += 1
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--top", default=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    parser.add_argument("--binary")
    parser.add_argument("rule", nargs="?", choices=sorted(RULES))
    options = parser.parse_args()
    if options.list:
        print("\n".join(RULES))
        return 0
    if options.self_test:
        return self_test()
    if not options.rule:
        parser.error("which rule?")
    found = list(RULES[options.rule](Tree(options.top, options.binary)))
    for place, what in found:
        print(f"{place}: {what}")
    if found:
        print((RULES[options.rule].__doc__ or "").strip())
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
