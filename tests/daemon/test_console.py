"""A console outlives the daemon it talks to."""

import os
import subprocess
import sys


def lines_of(process):
    return iter(process.stdout.readline, "")


def test_a_view_goes_on_with_the_next_daemon(daemon):
    d = daemon()
    d.start().ready().close()
    view = subprocess.Popen(
        [sys.executable, "-m", "dialerd", "console", "-c", "events alert"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"DIALERD_CONFIG": str(d.config)},
    )  # fmt: skip
    shown = lines_of(view)
    try:
        d.process.kill()
        d.process.communicate()
        # It may have connected before the kill or after it: either way it says that it waits.
        assert next(line for line in shown if "waiting for it" in line)
        d.start().ready().close()
        assert next(line for line in shown if "the daemon is there again" in line)
        d.stop()
        assert next(line for line in shown if "waiting for it" in line)
    finally:
        view.kill()
        view.communicate()


def test_every_line_finds_the_daemon_that_is_there(daemon, tmp_path):
    d = daemon()
    d.start().ready().close()
    console = subprocess.Popen(
        [sys.executable, "-m", "dialerd", "console"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"DIALERD_CONFIG": str(d.config)}, bufsize=1,
    )  # fmt: skip
    try:
        shown = lines_of(console)
        first = str(d.process.pid)
        console.stdin.write("status\n")
        assert next(line for line in shown if f"(pid {first})" in line)
        d.stop()
        console.stdin.write("status\n")
        assert next(line for line in shown if "no daemon is running" in line)
        d.start().ready().close()
        console.stdin.write("status\n")
        assert next(line for line in shown if f"(pid {d.process.pid})" in line)
        console.stdin.write("quit\n")
        console.stdin.close()
        console.stdout.read()
        assert console.wait(60) == 4  # of the line that found nobody
    finally:
        console.kill()
        console.wait()
        console.stdin.close()
        console.stdout.close()
