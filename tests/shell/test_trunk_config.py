"""Trunks of a configuration file as the core and the lines get them."""

from __future__ import annotations

import datetime as dt

import pytest

from dialerd.config import load
from dialerd.core.line_spec import PlanSpec, Trouble
from dialerd.core.records import Outcome
from dialerd.shell.trunk_config import (
    sip_trunk,
    trunk_spec,
    utc_offset_s,
)

BARE = 'numbering = { plan = "plan.toml" }\n'
TEXT = """
numbering = { plan = "plan.toml" }
[[sip.listen]]
transport = "tcp"
[[trunk]]
name = "goip"
kind = "gsm_gateway"
provider = "Viettel"
host = "192.0.2.20"
transport = "tcp"
username = "84281"
auth_name = "84281@x"
password = "p"
register = true
ports_by = "prefix"
headers = { X-Line = "{port}" }
[trunk.plan]
cost_minute = 780.5
minutes_day = 10
cost_day = 1000.0
since = 2026-11-01
until = 2026-11-30
[[trunk.dial]]
to = "8490"
strip = 3
add = "9#0"
[[trunk.incoming]]
begins = "0"
strip = 1
add = "84"
[[trunk.outcome]]
code = 503
phrase = "cps"
outcome = "failed"
trunk = "too_fast"
[[trunk.ports]]
numbers = "1-2"
digits = 2
address = "8{port}"
carriers = ["viettel"]
gap_s = 3
[trunk.ports.plan]
free_s = 600
cut_before_paid = true
"""


@pytest.fixture
def read(tmp_path):
    def one(text):
        (tmp_path / "plan.toml").write_text("")
        path = tmp_path / "d.toml"
        path.write_text(text)
        path.chmod(0o600)
        return load(path)

    return one


def test_what_the_core_gets(read):
    spec = trunk_spec(read(TEXT).trunk[0])
    assert (spec.name, spec.kind, spec.provider, spec.registers) == (
        "goip", "gsm_gateway", "Viettel", True
    )  # fmt: skip
    first = (dt.date(2026, 11, 1) - dt.date(1970, 1, 1)).days
    assert spec.plan == PlanSpec(
        780_500, seconds_day=600, milli_day=1_000_000, since_day=first, until_day=first + 29
    )
    assert [p.name for p in spec.ports] == ["01", "02"]
    assert spec.ports[1].carriers == ("viettel",)
    assert (spec.ports[1].gap_s, spec.ports[1].plan.free_s) == (3, 600)


def test_what_the_lines_get(read):
    made = sip_trunk(read(TEXT).trunk[0], (("192.0.2.20", 5060, 1),))
    assert (made.targets, made.kind, made.ports_by) == (
        (("192.0.2.20", 5060, 1),), "gsm_gateway", "prefix"
    )  # fmt: skip
    assert made.port_addresses == {"01": "801", "02": "802"}
    assert made.credentials.username == "84281@x"
    assert made.headers == (("X-Line", "{port}"),)
    (rule,) = made.rules
    assert (rule.outcome, rule.trouble, rule.phrase) == (Outcome.FAILED, Trouble.TOO_FAST, "cps")
    assert made.dial[0]("+84901234567") == "9#0901234567"
    assert made.silence_s == 10
    assert not made.rtcp_mux
    assert sip_trunk(
        read(TEXT.replace("[[trunk]]", "[[trunk]]\nrtcp_mux = true", 1)).trunk[0]
    ).rtcp_mux


@pytest.mark.parametrize(
    ("keys", "host", "port"),
    [
        ('host = "192.0.2.20"', "192.0.2.20", 5060),
        ('host = "2001:db8::1"\nport = 99', "2001:db8::1", 99),
        ('host = "gw.example.com"', "gw.example.com", 0),
        ('host = "gw.example.com"\nport = 5070', "gw.example.com", 5070),
    ],
)
def test_a_trunk_is_addressed_as_it_is_configured(read, keys, host, port):
    made = sip_trunk(read(f'{BARE}[[trunk]]\nname = "a"\n{keys}\n').trunk[0])
    assert (made.host, made.port, made.targets) == (host, port, ())


@pytest.mark.parametrize(("zone", "offset"), [("+07:00", 25_200), ("UTC", 0), ("-03:30", -12_600)])
def test_the_offset_of_the_days_of_plans(zone, offset):
    assert utc_offset_s(zone, 1_795_397_400_000) == offset
