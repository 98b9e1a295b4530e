"""The same script at the same absolute path, once outside and once in the box, and what differs.

The project is prepared once; a copy of it is put back at the same path before the second run, so that
absolute paths in outputs and in built files have to be equal, not merely similar.
"""

import os
import shutil

import suite as support

# Files whose bytes hold times or inode numbers: compared by name, mode and owner alone.
UNSTABLE_SUFFIXES = (".pyc",)


class Twin(support.World):
    """A world whose project can be set back to how it was."""

    def __init__(self):
        super().__init__()
        self.tools = os.path.join(self.home, "tools")  # scripts; outside the project, mounted ro
        os.makedirs(self.tools)
        self.pristine = os.path.join(self.root, "pristine")

    def freeze(self):
        """Remembers everything below ~/src as it is now."""
        shutil.copytree(os.path.join(self.home, "src"), self.pristine, symlinks=True)

    def thaw(self):
        """Puts ~/src back at the same path as it was when frozen."""
        support.remove_tree(os.path.join(self.home, "src"))
        shutil.copytree(self.pristine, os.path.join(self.home, "src"), symlinks=True)

    def tree(self, ignore=()):
        """~/src as a snapshot without what differs from run to run anywhere."""
        seen = support.snapshot(os.path.join(self.home, "src"), ignore)
        return {path: entry[:4] if path.endswith(UNSTABLE_SUFFIXES) else entry
                for path, entry in seen.items()}

    def outside(self, script, cwd):
        return support.finish(["bash", self.script(script)], cwd=cwd, env=self.environment,
                              timeout=300)

    def inside(self, script, cwd, flags=()):
        command = [support.redoubtful(), "run", "-m", self.tools, *flags, "--", "bash",
                   self.script(script)]
        return support.finish(command, cwd=cwd, env=self.environment, timeout=300)

    def script(self, text):
        path = os.path.join(self.tools, "script")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


def without_our_messages(text):
    """stderr but for the lines that begin with `redoubtful:`, which a run may add."""
    return "".join(line for line in text.splitlines(keepends=True)
                   if not line.startswith("redoubtful:"))
