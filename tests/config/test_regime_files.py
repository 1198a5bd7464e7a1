"""Regimes from files: checked whole, based on others, never in place of a shipped one."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dialerd.config import load
from dialerd.config.regime_files import take_regimes
from dialerd.core.records import BanList, CapCounts, FrequencyCap, Hours
from dialerd.core.regime import find_regime
from dialerd.core.regime_data import REGIMES, SHIPPED, VIETNAM, Consent
from dialerd.toml_faults import TomlError

HEAD = 'name = "own"\ntext = "t"\nversion = "7"\n'


@pytest.fixture(autouse=True)
def known():
    before = dict(REGIMES)
    yield
    REGIMES.clear()
    REGIMES.update(before)


def take(tmp_path: Path, text: str):
    (tmp_path / "own.toml").write_text(text)
    (found,) = take_regimes(tmp_path)
    return found


def test_the_shipped_example_is_stricter_than_what_it_is_based_on():
    (found,) = take_regimes(Path(__file__).parents[2] / "conf" / "regimes")
    base = REGIMES["vn-advertising"]
    assert find_regime(found.name) is found
    assert found.holidays_closed
    assert found.cap == FrequencyCap(1, 30 * 86_400, CapCounts.ATTEMPTED)
    assert all(6 not in hours.weekdays for hours in found.hours)
    assert (found.lists, found.consent, found.zone) == (base.lists, base.consent, base.zone)


def test_one_that_is_based_on_no_other_says_all_itself(tmp_path):
    found = take(
        tmp_path,
        HEAD + 'zone = "Europe/Paris"\nlists = ["own"]\nconsent = "required"\nring_s_min = 20\n'
        'holidays = "FR"\nredial_s_min = 14400\n'
        '[[hours]]\nstart = "10:00"\nend = "13:00"\ndays = ["mon", "fri"]\n'
        "[abandonment]\nshare_max = 0.01\n",
    )
    assert found.zone == ZoneInfo("Europe/Paris")
    assert found.hours == (Hours(600, 780, (0, 4)),)
    assert (found.lists, found.consent) == ((BanList.OWN,), Consent.REQUIRED)
    assert (found.abandonment.share_max, found.abandonment.grace_ms) == (0.01, 2_000)
    assert (found.redial_s_min, found.ring_s_min, found.cap) == (14_400, 20, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD.replace("own", "loopback") + 'zone = "+07:00"', "is a shipped regime"),
        (HEAD, "zone: missing|a regime that is based on no other needs one"),
        (HEAD + 'based_on = "mars"', "there is no regime 'mars'"),
        (HEAD + 'zone = "Mars/Base"', "unknown time zone"),
        (HEAD + 'zone = "+07:00"\nringsmin = 3', "unknown key 'ringsmin'"),
        (HEAD + 'zone = "+07:00"\nring_s_min = -3', "ring_s_min|must be 0 or more"),
        (
            HEAD + 'zone = "+07:00"\n[[hours]]\nstart = "10:00"\nend = "10:00"',
            "a window must not be empty",
        ),
    ],
)
def test_faults_are_told_with_their_place(tmp_path, text, said):
    with pytest.raises(TomlError, match=said) as fault:
        take(tmp_path, text)
    assert "own.toml" in str(fault.value)
    assert "own" not in REGIMES


def test_the_configuration_names_the_folder(tmp_path):
    folder = tmp_path / "laws"
    folder.mkdir()
    (folder / "a.toml").write_text(HEAD + 'based_on = "vn-care"')
    file = tmp_path / "dialerd.toml"
    file.write_text('[dialing]\nregimes = "laws"\n')
    assert load(file, secrets=False).dialing.regimes == folder
    assert REGIMES["own"].own_hours_required
    assert REGIMES["own"].zone is VIETNAM
    assert frozenset(REGIMES) - SHIPPED >= {"own"}
    (folder / "a.toml").write_text(HEAD)
    with pytest.raises(TomlError, match=r"a\.toml"):
        load(file, secrets=False)
