"""Runs curl for every case of a plan, all at once, and tells what a person would have seen.

usage: ask.py PLAN     PLAN: a JSON object, name -> arguments of curl; stdout: name -> status, what curl printed and said,
and how long it took.
"""

import concurrent.futures
import json
import subprocess
import sys
import time


def ask(arguments):
    begun = time.monotonic()
    done = subprocess.run(["curl", "-sS", "-i", "--suppress-connect-headers", "--max-time", "25", *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    head, _, body = done.stdout.decode("latin-1").partition("\r\n\r\n")
    status = head.split(" ")[1] if " " in head else ""
    return {"exit": done.returncode, "status": status, "head": head, "body": body,
            "said": done.stderr.decode("utf-8", "replace"), "seconds": round(time.monotonic() - begun, 2)}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        json.dump(dict(zip(plan, pool.map(ask, plan.values()))), sys.stdout)


main()
