"""`dialerd regimes`: what is shipped can be read with its sources."""

from __future__ import annotations

import json

from dialerd.cli import main


def test_every_regime_is_listed(command):
    out = command("regimes").out
    for name in ("vn-advertising", "vn-care", "uk-ofcom", "us-tcpa", "loopback"):
        assert name in out


def test_one_of_them_says_all_and_where_it_is_written(command):
    out = command("regimes", "us-tcpa").out
    assert "64.1200" in out
    assert "Mon,Tue,Wed,Thu,Fri,Sat,Sun 08:00-21:00" in out
    (found,) = json.loads(command("regimes", "vn-advertising", "--json").out)
    assert found["cap"] == "1/86400 s attempted"
    assert found["hours"] == [{"days": [0, 1, 2, 3, 4, 5, 6], "start": "08:00", "end": "17:00"}]
    assert any("91/2020" in text for text in found["sources"])


def test_an_unknown_one_names_the_known(command):
    done = command("regimes", "mars")
    assert done.code == main.USAGE
    assert "uk-ofcom" in done.err
