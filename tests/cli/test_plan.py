"""`dialerd plan` beside a running daemon; its arithmetic: tests/acceptance/test_capacity.py."""

import json

TRUNK = """
[[trunk]]
name = "fpt"
host = "127.0.0.1"
port = 5071
channels = 16
loopback = true
"""


def test_today_beside_what_the_lines_could(daemon, command, config):
    with config.open("a") as file:
        file.write(TRUNK)
    trunks = json.loads(command("trunks", "--json").out)["items"]
    today = sum(trunk["use"]["calls_today"] for trunk in trunks)
    done = command("plan", "--unreachable", "0.5", "--talk-s", "56")
    assert done.code == 0
    assert done.out.endswith(f"; {today} answered today of 3,840 that they could.\n")
    assert json.loads(command("plan", "--json").out)["answered_today"] == today


def test_a_reverse_of_both_is_refused(command):
    done = command("plan", "--per-day", "1", "--per-month", "1")
    assert done.code == 2
    assert "not both" in done.err
