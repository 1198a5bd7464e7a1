"""A console outlives the daemon it talks to."""

import os
import subprocess
import sys


def lines_of(process):
    return iter(process.stdout.readline, "")


def console(d, *words, stdin=None):
    return subprocess.Popen(
        [sys.executable, "-m", "dialerd", "console", *words],
        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"DIALERD_CONFIG": str(d.config)}, bufsize=1,
    )  # fmt: skip


def test_a_view_and_a_prompt_go_on_with_the_next_daemon(daemon):
    """Every line finds the daemon that is there."""
    d = daemon()
    d.start().ready().close()
    view, prompt = console(d, "-c", "events alert"), console(d, stdin=subprocess.PIPE)
    seen, shown = lines_of(view), lines_of(prompt)

    def status():
        prompt.stdin.write("status\n")
        return shown

    try:
        assert next(line for line in status() if f"(pid {d.process.pid})" in line)
        d.process.kill()
        d.process.communicate()
        # It may have connected before the kill or after it: either way it says that it waits.
        assert next(line for line in seen if "waiting for it" in line)
        assert next(line for line in status() if "no daemon is running" in line)
        d.start().ready().close()
        assert next(line for line in seen if "the daemon is there again" in line)
        assert next(line for line in status() if f"(pid {d.process.pid})" in line)
        d.stop()
        assert next(line for line in seen if "waiting for it" in line)
        assert next(line for line in status() if "no daemon is running" in line)
        prompt.communicate("quit\n", timeout=200)
        assert prompt.returncode == 4  # of the line that found nobody
    finally:
        for one in (view, prompt):
            one.kill()
            one.communicate()
