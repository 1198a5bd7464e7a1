"""Sockets, telephones and trunks: what a table may hold, and what must hold between its keys."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from dialerd.config import ConfigError, load, masked

TRUNK = '[[trunk]]\nname = "a"\nhost = "h"\n'
ACCOUNT = TRUNK + 'username = "84281"\npassword = "p"\n'
LISTEN = "[[sip.listen]]\n"


def fault(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value)


CASES = {  # text, line:column, what it says, the hint
    "username alone": (TRUNK + 'username = "u"', "5:12", "without a password", "password_file"),
    "auth name alone": (TRUNK + 'auth_name = "u"', "5:13", "without a username", "set username"),
    "register nobody": (TRUNK + "register = true", "5:12", "only an account", "set username"),
    "unknown field": (
        ACCOUNT + 'from_user = "{acount}"',
        "7:13",
        "no field {acount}",
        "",
    ),
    "stray brace": (ACCOUNT + 'from_user = "{account"', "7:13", "a brace that is not part", ""),
    "a template that breaks the line": (
        ACCOUNT + 'asserted_identity = "<sip:{account}@h>\\r\\nVia: x"',
        "7:21",
        "cannot be",
        "such as",
    ),
    "a template that closes the address": (
        ACCOUNT + 'asserted_identity = "<sip:a@h>, <sip:{account}@h>"',
        "7:21",
        "not an address in angle brackets",
        "{caller_id}",
    ),
    "no account": (TRUNK + 'contact_user = "{account}"', "5:16", "there is no username", ""),
    "an account that is no user part": (
        TRUNK + 'username = "a b"\npassword = "p"\nfrom_user = "{account}"',
        "7:13",
        "cannot stand in a URI",
        "",
    ),
    "no port": (TRUNK + 'headers = { X-Port = "{port}" }', "5:22", "no [[trunk.ports]]", ""),
    "a header of ours": (TRUNK + 'headers = { Via = "x" }', "5:13", "writes the header Via", ""),
    "a header of ours in small letters": (
        TRUNK + 'headers = { content-length = "0" }',
        "5:13",
        "writes the header",
        "",
    ),
    "a header that breaks the line": (TRUNK + 'headers = { X = "a\\nb" }', "5:17", "cannot be", ""),
    "a header name that is none": (TRUNK + 'headers = { "X y" = "a" }', "5:13", "not allowed", ""),
    "privacy": (TRUNK + 'privacy = "id\\r\\nX: y"', "5:11", "cannot be", 'such as "id"'),
    "outcome of everything": (
        TRUNK + '[[trunk.outcome]]\noutcome = "busy"',
        "5:9",
        "would fit every answer",
        "early_media",
    ),
    "outcome of success": (
        TRUNK + '[[trunk.outcome]]\ncode = 200\noutcome = "busy"',
        "6:8",
        "only a refusal",
        "300",
    ),
    "outcome that is none": (
        TRUNK + '[[trunk.outcome]]\ncode = 480\noutcome = "answered"',
        "7:11",
        "no answer of a carrier means answered",
        "unreachable",
    ),
    "outcome unknown": (
        TRUNK + '[[trunk.outcome]]\ncode = 480\noutcome = "unreachabel"',
        "7:11",
        "cannot be 'unreachabel'",
        "did you mean 'unreachable'",
    ),
    "unknown key below": (
        TRUNK + '[[trunk.outcome]]\ncod = 480\noutcome = "busy"',
        "6:1",
        "unknown key 'cod' in [[trunk.outcome]] number 1",
        "did you mean 'code'",
    ),
    "two rules": (
        TRUNK + '[[trunk.dial]]\nto = "84"\n[[trunk.dial]]\nto = "84"',
        "8:6",
        "has a rule already",
        "",
    ),
    "a technical prefix that breaks the line": (
        TRUNK + '[[trunk.dial]]\nadd = "9;x"',
        "6:7",
        "cannot be",
        "9#",
    ),
    "ports without a table": (TRUNK + 'ports_by = "prefix"', "5:12", "no ports to ask for", ""),
    "ports backwards": (TRUNK + '[[trunk.ports]]\nnumbers = "8-1"', "6:11", "runs backwards", ""),
    "port twice": (
        TRUNK + '[[trunk.ports]]\nnumbers = "1-8"\n[[trunk.ports]]\nnumbers = "8,9"',
        "8:11",
        "port 8 stands twice",
        "",
    ),
    "too many ports": (
        TRUNK + '[[trunk.ports]]\nnumbers = "1-9999"',
        "5:9",
        "more than 512 ports",
        "",
    ),
    "port header of ours": (
        TRUNK + 'ports_by = "header"\nport_header = "From"\n[[trunk.ports]]\nnumbers = "1"',
        "6:15",
        "writes the header From",
        "",
    ),
    "address field": (
        TRUNK + '[[trunk.ports]]\nnumbers = "1"\naddress = "{number}"',
        "7:11",
        "no field {number}",
        "",
    ),
    "cut of nothing": (
        TRUNK + "[trunk.plan]\ncut_before_paid = true",
        "6:19",
        "nothing of a call is free",
        "free_s",
    ),
    "balance backwards": (
        TRUNK + "[trunk.plan]\nsince = 2026-02-01\nuntil = 2026-01-31",
        "7:9",
        "ends before it begins",
        "2026-02-01",
    ),
    "a date in quotes that is none": (
        TRUNK + '[trunk.plan]\nsince = "soon"',
        "6:9",
        "'since'",
        "2026-11-01",
    ),
    "source": (TRUNK + 'sources = ["10.0.0.0/8", "ten"]', "5:26", "no network", "/24"),
    "advertised name": (TRUNK + 'advertised = "here"', "5:14", "no IP address", ""),
    "tcp without a socket": (TRUNK + 'transport = "tcp"', "5:13", "no socket of ours", "listen"),
    "udp_1300 without a socket": (TRUNK + "udp_1300 = true", "5:12", "no socket of ours", "tcp"),
    "itself by default": (
        '[[trunk]]\nname = "a"\nhost = "127.0.0.1"',
        "4:8",
        "dialerd's own socket",
        "",
    ),
    "listen twice": (
        LISTEN + 'transport = "tcp"\n' + LISTEN + 'transport = "tcp"',
        "4:7",
        "[[sip.listen]] number 1 has 127.0.0.1:5060 already",
        "",
    ),
    "listen in rtp": (LISTEN + "port = 29998", "3:8", "inside the RTP port range", "port_low"),
    "listen wildcard": (LISTEN + 'bind = "::"\nport = 5062', "3:8", "no address to show", ""),
    "listen name": (LISTEN + 'bind = "localhost"\nport = 5062', "3:8", "no IP address", ""),
    "listen own udp": (LISTEN + "port = 5060", "3:8", "[sip] has 127.0.0.1:5060 already", ""),
    "certificate over udp": (
        LISTEN + 'port = 5062\ncertificate = "c"',
        "4:15",
        "transport tls only",
        "",
    ),
    "key alone": (LISTEN + 'transport = "tls"\nkey = "k"', "4:7", "a key without a cert", ""),
    "phones over tls": (
        LISTEN + 'transport = "tls"\nside = "phone"',
        "2:7",
        "need a certificate",
        "",
    ),
    "resolver's port": ('[sip.dns]\nservers = ["9.9.9.9:x"]', "3:12", "no IP address", ":5353"),
    "resolver": ('[sip.dns]\nservers = ["9.9.9.9", "dns.example"]', "3:23", "no IP address", ""),
    "expiry": (
        "[phones]\nexpires_min_s = 3600\nexpires_max_s = 60",
        "4:17",
        "must not be below",
        "3600",
    ),
    "telephone twice": (
        '[[phones.user]]\nname = "1"\n[[phones.user]]\nname = "1"',
        "5:8",
        "two telephones",
        "",
    ),
    "ha1": ('[[phones.user]]\nname = "1"\nha1 = "x"', "4:7", "cannot be 'x'", "32 hexa"),
    "no users file": ('[phones]\nusers = "none.txt"', "3:9", "cannot read", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_fault(write, name: str) -> None:
    text, place, message, hint = CASES[name]
    path = write(text)
    shown = fault(path)
    assert f"{path}:{place}" in shown
    assert message in shown
    assert hint in shown
    assert "^" in shown


def test_a_trunk_of_every_kind(write) -> None:
    """What carriers ask for, as an engineer writes it."""
    path = write("""
[[sip.listen]]
transport = "tcp"
bind = "::1"
[[trunk]]
name = "fpt"
provider = "FPT"
host = "sip.fpt.example"
username = "842873001234"
password = "x"
register = true
from_user = "{account}"
asserted_identity = "<sip:{caller_id}@{domain};user=phone>"
privacy = "id"
ping_s = 30
[trunk.plan]
cost_minute = 780.0
first_block_s = 6
cost_day = 2_000_000.0
[[trunk.dial]]
to = "8490"
strip = 3
add = "9#0"
[[trunk.outcome]]
code = 503
phrase = "cps"
outcome = "failed"
trunk = "too_fast"
[[trunk]]
name = "goip"
kind = "gsm_gateway"
host = "192.0.2.20"
transport = "tcp"
ports_by = "prefix"
[[trunk.ports]]
numbers = "1-4,9"
address = "8{port}"
digits = 2
carriers = ["viettel"]
[trunk.ports.plan]
free_s = 600
cut_before_paid = true
minutes_period = 1500
since = 2026-11-01
until = 2026-12-31
[[trunk.ports]]
numbers = "5-8"
digits = 2
""")
    fpt, goip = load(path).trunk
    assert (fpt.port_now, goip.port_now) == (5060, 5060)
    assert fpt.outcome[0].another is None
    assert fpt.plan.cost_day == 2e6
    assert [group.labels() for group in goip.ports] == [
        ["01", "02", "03", "04", "09"],
        ["05", "06", "07", "08"],
    ]
    assert goip.ports[0].plan.until == date(2026, 12, 31)
    assert goip.ports[1].plan.until is None
    shown = masked(load(path))
    assert shown["trunk"][0]["password"] == "***"
    assert shown["trunk"][1]["ports"][0]["plan"]["since"] == "2026-11-01"


def test_telephones(write, tmp_path: Path) -> None:
    users = tmp_path / "phones.htdigest"
    users.write_text("101:dialerd:" + "0" * 32 + "\n")
    users.chmod(0o600)
    (tmp_path / "secret").write_text("from file\n")
    (tmp_path / "secret").chmod(0o600)
    text = '[phones]\nusers = "phones.htdigest"\n[[phones.user]]\nname = "102"\n'
    loaded = load(write(text + 'password_file = "secret"\n'))
    assert loaded.phones.users == users
    assert loaded.phones.user[0].password == "from file"
    assert masked(loaded)["phones"]["user"][0]["password"] == "***"
    assert "both set" in fault(write(text + 'password_file = "secret"\npassword = "x"\n'))
    users.chmod(0o644)
    assert "everybody on this machine can read" in fault(write(text))


def test_a_telephone_s_secret_in_an_open_file_is_refused(write) -> None:
    for key, value in (("password", "hunter22"), ("ha1", "a" * 32), ("ha1_sha256", "b" * 64)):
        path = write(f'[[phones.user]]\nname = "1"\n{key} = "{value}"\n')
        path.chmod(0o644)
        shown = fault(path)
        assert "everybody on this machine can read" in shown
        assert value not in shown
        assert not load(path, secrets=False).phones.user[0].password


def test_without_secrets_no_password_is_missed(write) -> None:
    assert load(write(TRUNK + 'username = "u"\n'), secrets=False).trunk[0].username == "u"


def test_tls_files_are_looked_at(write, tmp_path: Path) -> None:
    text = LISTEN + 'transport = "tls"\ncertificate = "c.pem"\nkey = "k.pem"\n'
    assert "cannot read" in fault(write(text))
    (tmp_path / "c.pem").write_text("")
    os.mkfifo(tmp_path / "k.pem", 0o600)  # nobody writes into it: to open it would take for ever
    assert "k.pem: it is no regular file" in fault(write(text))
    (tmp_path / "k.pem").unlink()
    for name in ("c.pem", "k.pem"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o644)
    assert "everybody on this machine can read" in fault(write(text))
    (tmp_path / "k.pem").chmod(0o600)
    assert load(write(text)).sip.listen[0].port_now == 5061
