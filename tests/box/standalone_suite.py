#!/usr/bin/python3
"""redoubtful-proxy by itself, as installed, with curl for a client: its token, what it writes, redirected connections.

What it is configured with is what `redoubtful show --json` prints. What an origin received is asked of the origin.
usage: standalone_suite.py [PART...]
"""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), HERE]

import suite as support  # noqa: E402
from standalone import explicit, redirected, starts  # noqa: E402
from standalone.world import World  # noqa: E402

PARTS = [explicit.with_token, explicit.without_token, starts.files, starts.starts_that_fail, redirected.redirected,
         redirected.by_the_kernel, starts.confinement, starts.endings]


def main():
    check = support.Suite("standalone")
    if sys.argv[1:] == ["--in-a-namespace"]:  # by_the_kernel's other half
        with check.guarded("in a namespace"):
            redirected.in_a_namespace(check)
        check.finish()
    with World() as world:
        for part in PARTS:
            if not sys.argv[1:] or part.__name__ in sys.argv[1:]:
                with check.guarded(part.__name__):
                    part(check, world)
    check.finish()


if __name__ == "__main__":
    main()
