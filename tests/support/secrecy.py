"""Where a real value has no business: what was printed, what a run can have written, what can be read inside.

A value is looked for by 24 characters of it, behind the four that its surrogate may share with it, so that a part of
one is found too: as it is, URL-encoded, and in base64 wherever it begins in a longer text.
"""

import base64
import mmap
import os
import secrets
import stat
import urllib.parse

# Everything that can be read inside, on stdout. /usr is the host's own.
READ_ALL = ("{ printenv; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/[0-9]*/maps /etc/redoubtful/*; "
            "find / \\( -path /proc -o -path /sys -o -path /usr -o -path /dev \\) -prune -o -user \"$(id -u)\" -type f "
            "-size -200k -exec cat {} +; } 2>/dev/null; echo; echo end")


def spelled(value):
    part = value[4:28].encode()
    if len(part) < 12:
        raise ValueError("a value so short is found by chance")
    forms = {part, urllib.parse.quote(part, safe="").encode()}
    for before in range(3):
        known = range(-(-8 * before // 6), 8 * (before + len(part)) // 6)  # characters that nothing else has a say in
        text = base64.b64encode(bytes(before) + part)[known.start:known.stop]
        forms |= {text, text.translate(bytes.maketrans(b"+/", b"-_"))}
    return forms


def found_in(values, data):
    """The names of those of `values` {name: value} that `data` shows."""
    return [name for name, value in values.items() if any(data.find(form) >= 0 for form in spelled(value))]


def files_below(folders, but, since):
    """Those of this user that are newer than `since`, without `but`."""
    for folder in folders:
        for place, _, names in os.walk(folder):
            for path in (os.path.join(place, name) for name in names):
                try:
                    info = os.lstat(path)
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(info.st_mode) and info.st_uid == os.getuid() and info.st_ctime >= since and path not in but:
                    yield path


def found_on_disk(values, folders, but, since):
    found = set()
    for path in files_below(folders, but, since):
        try:
            with open(path, "rb") as file:
                if os.fstat(file.fileno()).st_size == 0:
                    continue
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    found |= {(name, path) for name in found_in(values, data)}
        except (PermissionError, FileNotFoundError):
            pass  # what this user cannot read, or was on its way out
    return found


def stays_outside(check, world, values, said):
    """S4: none of `values` in anything that was said, nor in any file but those that the suite wrote itself.

    The control is a value that stands nowhere until it is planted, as it is and in base64, in each place that is looked
    at.
    """
    control = "ctl-" + secrets.token_hex(16)
    forms = {"as it is": f"x{control}x", "in base64": base64.b64encode(f"me:{control}".encode()).decode()}
    folders = [world.root, "/tmp", "/dev/shm"]
    planted = {os.path.join(place, f"{control[4:12]}-{form.replace(' ', '-')}"): text for form, text in forms.items()
               for place in (*folders[1:], world.root, world.project, os.path.join(world.home, ".local", "state", "redoubtful"))}
    try:
        for path, text in planted.items():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "x", encoding="ascii") as file:
                file.write(text)
        found = found_on_disk({**values, "the control": control}, folders, world.written, world.began)
    finally:
        for path in planted:
            if os.path.exists(path):
                os.remove(path)
    of_control = {path for name, path in found if name == "the control"}
    check.equal("S4 control: what is planted is found wherever it stands", of_control, set(planted))
    check.equal("S4 no file has a real value", sorted(one for one in found if one[0] != "the control"), [])
    everything = "\n".join(said).encode()
    for form, text in forms.items():
        check.equal(f"S4 control: {form} it would be heard", found_in({"c": control}, everything + text.encode()), ["c"])
    check.equal(f"S4 none of {len(values)} real values was said by anybody", found_in(values, everything), [])
