"""Where words are that can be read in here: files, environments, command lines.

usage: find_words.py DROW...     The words are told backwards, so that this program is no place of theirs. One line for
each place that has one.
"""

import glob
import os
import sys

WORDS = [word[::-1].encode() for word in sys.argv[1:]]
SKIPPED = {"/proc", "/sys", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/dev"}
MOST = 4 << 20


def places():
    yield from glob.glob("/proc/[0-9]*/environ")
    yield from glob.glob("/proc/[0-9]*/cmdline")
    for folder, below, files in os.walk("/"):
        below[:] = [name for name in below if os.path.join(folder, name) not in SKIPPED]
        for name in files:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and os.path.getsize(path) < MOST:
                yield path


def main():
    for path in places():
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            continue
        if any(word in data for word in WORDS):
            print(path)
    print("end")


main()
