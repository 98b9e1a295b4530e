#!/usr/bin/python3
"""What tests/support/runner must call a failure, tried on programs that misbehave in each way."""
import os
import subprocess
import sys
import tempfile
import time
import unittest

RUNNER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "runner")

# Sleeps that nobody else's process has: the pid makes them ours.
OURS = [str(os.getpid() * 10 + number) for number in range(4)]

# Speaks as much GoogleTest as the runner looks at.
GTEST = """#!/bin/bash
case $1 in
  --gtest_list_tests)
    printf 'Good.\\n  Passes\\nBad/Cases.  # TypeParam\\n'
    printf '  %s\\n' 'Fails/0  # GetParam() = 4' Skips Crashes Hangs Daemonises ExitsEarly ;;
  *Good.Passes) echo '[  PASSED  ] 1 test.' ;;
  *Fails/0) echo 'why it failed'; exit 1 ;;
  *Skips) printf '[  SKIPPED ] Bad.Skips\\n[  PASSED  ] 1 test.\\n' ;;
  *Crashes) kill -SEGV $$ ;;
  *Hangs) sleep 1000 ;;
  *Daemonises) setsid sleep 1001 </dev/null >/dev/null 2>&1 & echo '[  PASSED  ] 1 test.' ;;
  *ExitsEarly) exit 0 ;;
esac
""".replace("sleep 1000", "sleep " + OURS[0]).replace("sleep 1001", "sleep " + OURS[1])


class Runner(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)

    def script(self, text):
        path = os.path.join(self.scratch.name, f"program{len(os.listdir(self.scratch.name))}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)
        return path

    def run_suite(self, *argv):
        done = subprocess.run(["bash", "-c", 'exec 3>"$0/counts"; exec "$@"', self.scratch.name, RUNNER, *argv],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        with open(os.path.join(self.scratch.name, "counts"), encoding="utf-8") as counts:
            passed, failed = map(int, counts.read().split())
        self.assertEqual(done.returncode, 1 if failed else 0, done.stdout)
        return passed, failed, done.stdout

    def processes(self, argument):
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/cmdline", encoding="utf-8", errors="replace") as cmdline:
                    if cmdline.read() == f"sleep\0{argument}\0":
                        found.append(name)
            except OSError:
                pass
        return found

    def test_each_way_of_not_passing_is_a_failure_with_its_reason(self):
        program = self.script(GTEST)
        passed, failed, text = self.run_suite("gtest", "--deadline", "3", program)
        self.assertEqual((passed, failed), (1, 6), text)
        for reason in ("FAIL Bad/Cases.Fails/0: exit status 1", "    why it failed", "Skips: skipped",
                       "Crashes: killed by signal 11", "Hangs: not done after 3", "Daemonises: left behind: ",
                       "ExitsEarly: exit status 0, but"):
            self.assertIn(reason, text)
        self.assertEqual(self.processes(OURS[0]) + self.processes(OURS[1]), [])

    def test_a_passing_suite_passes_and_an_empty_one_fails(self):
        program = self.script(GTEST)
        self.assertEqual(self.run_suite("gtest", "--filter", "x", self.script("#!/bin/sh\n"))[:2], (0, 1))
        good = self.script(GTEST.replace("\\nBad/Cases.  # TypeParam\\n'", "'; exit"))
        self.assertEqual(self.run_suite("gtest", good)[:2], (1, 0))
        self.assertEqual(self.run_suite("gtest", program + "-absent")[:2], (0, 1))

    def test_lines_count_and_a_bad_end_without_a_line_is_a_failure(self):
        for text, counts in (("echo ok a; echo ok b", (2, 0)), ("echo ok a; echo FAIL b: why", (1, 1)),
                             ("echo ok a; exit 3", (1, 1)), ("echo okay", (0, 1)), ("", (0, 1)),
                             (f"echo ok a; setsid sleep {OURS[2]} & exit 0", (1, 1)),
                             ("echo ok a; echo FAIL b: why; exit 1", (1, 1))):
            self.assertEqual(self.run_suite("lines", self.script("#!/bin/bash\n" + text))[:2], counts, text)
        self.assertEqual(self.processes(OURS[2]), [])

    def test_suites_beside_each_other_are_counted_and_judged_one_by_one(self):
        meet = os.path.join(self.scratch.name, "meet")
        os.mkfifo(meet)  # its two ends are opened by two suites: neither goes on alone
        names = {"first": f"echo ok a; echo x >{meet}", "second": f"read -r _ <{meet}; echo ok b; echo FAIL c: why",
                 "empty": "", "stray": f"echo ok d; setsid sleep {OURS[2]} & exit 0"}
        suites = [f"box/{name}={self.script('#!/bin/bash' + chr(10) + text)}" for name, text in names.items()]
        passed, failed, text = self.run_suite("suites", "--jobs", "2", "--deadline", "20", *suites)
        self.assertEqual((passed, failed), (3, 3), text)
        for name, lines in (("first", "ok a\n    1 passed, 0 failed"), ("second", "ok b\nFAIL c: why\n"),
                            ("empty", "FAIL box/empty: it ran no test"), ("stray", "ok d\nFAIL ")):
            self.assertRegex(text, f"== box/{name}, [0-9]+ s\n{lines}")
        self.assertEqual(self.processes(OURS[2]), [])

    def test_a_signal_ends_everything_below(self):
        program = self.script(GTEST.replace(OURS[0], OURS[3]))
        runner = subprocess.Popen([RUNNER, "gtest", program], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while not self.processes(OURS[3]) and time.monotonic() < until:
            time.sleep(0.02)  # no event to wait for: the process is a stranger's
        self.assertNotEqual(self.processes(OURS[3]), [])
        runner.terminate()
        self.assertEqual(runner.wait(), 143)
        self.assertEqual(self.processes(OURS[3]), [])


if __name__ == "__main__":
    sys.exit(unittest.main())
