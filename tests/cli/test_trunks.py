"""`dialerd trunks` and `dialerd reload` against a control socket."""

import json


def test_the_lines_as_a_table(daemon, command):
    done = command("trunks")
    assert done.code == 0
    head, row = done.out.splitlines()
    assert head.split()[:5] == ["trunk", "kind", "carrier", "used", "of"]
    for cell in (
        "fpt", "gsm_gateway", "FPT", "5 of 10", "30% of 40", "registered", "open", "1950",
        "1.5 min, 5 calls, cost 200, 12 days", "rests after failures (503)",
    ):  # fmt: skip
        assert cell in row
    assert "01" not in done.out  # ports are shown when one line is asked for


def test_one_line_with_its_ports(daemon, command):
    done = command("trunks", "fpt")
    assert done.code == 0
    port = done.out.splitlines()[-1]
    assert port.split()[:4] == ["01", "rests", "7", "3"]
    assert port.endswith("its minutes of the day are used up")
    missing = command("trunks", "viettel")
    assert missing.code == 1
    assert "no such trunk" in missing.err


def test_the_lines_as_json(daemon, command):
    (found,) = json.loads(command("trunks", "--json").out)["items"]
    assert (found["asr"], found["breaker"], found["breaker_opened"]) == (0.3, "open", 2)
    assert found["use"]["minutes_left"] == 1.5
    assert found["use"]["cost_period"] == 7800
    assert found["ports"][0]["use"]["days_left"] == 12


def test_reload_says_what_changed(daemon, command):
    done = command("reload")
    assert (done.code, done.out) == (0, "added: new\nremoved: old\n")
    assert done.err == "at the next start: sip.port\n"


def test_a_configuration_with_a_fault_is_not_taken_over(daemon, command):
    daemon.desk.broken = "error: it is wrong"
    done = command("reload")
    assert done.code == 1
    assert "it is wrong" in done.err


def test_every_line_with_its_ports_one_by_one(daemon, command):
    head, trunk, port = command("lines").out.splitlines()
    assert head.split()[:2] == ["trunk", "port"]
    assert trunk.split()[:3] == ["fpt", "-", "gsm_gateway"]
    assert port.split()[:3] == ["fpt", "01", "gsm_gateway"]
    assert port.endswith("its minutes of the day are used up")
    trunk, port = json.loads(command("lines", "-o", "json").out)
    assert (trunk["port"], trunk["channels"], port["port"], port["channels"]) == ("", 30, "01", 1)


def test_carriers_with_the_trunks_for_their_numbers(config, command):
    trunk = '[[trunk]]\nname = "v"\nhost = "192.0.2.1"\ncarriers = ["viettel"]\n'
    config.write_text(config.read_text() + trunk)
    rows = dict(line.split() for line in command("carriers").out.splitlines()[1:])
    assert (rows["viettel"], rows["mobifone"]) == ("v", "-")
    found = {one["name"]: one["lines"] for one in json.loads(command("carriers", "--json").out)}
    assert (found["viettel"], found["mobifone"]) == (["v"], [])
