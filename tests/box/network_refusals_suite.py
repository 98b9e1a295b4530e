#!/usr/bin/python3
"""N2 to N7: what is not allowed does not happen, by whatever way it is tried, and is said in the same words.

Attempts are made inside by attempts/wire.py; what came of them is judged here, together with what the origins,
the name server and the audit log saw. usage: network_refusals_suite.py [PART...]
"""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), HERE]

import suite as support  # noqa: E402
from refusals import agreement, names, protocols, verdicts  # noqa: E402
from refusals.world import World  # noqa: E402

PARTS = {"N2": names.lookups, "N3": verdicts.verdicts, "N4": agreement.authorities, "N5": agreement.framing,
         "N6": names.addresses, "N7": protocols.protocols}


def main():
    check = support.Suite("network_refusals")
    for name, part in PARTS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        with check.guarded(name), World() as world:
            part(check, world)
    check.finish()


if __name__ == "__main__":
    main()
