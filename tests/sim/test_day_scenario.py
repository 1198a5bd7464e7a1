"""Scenarios that cannot be: each fault with its line, and all of them at once."""

import pytest

from dialerd.sim.day_scenario import read_scenario
from dialerd.toml_load import TomlError
from tests.sim.days import SCENARIOS, small


def faults_of(tmp_path, extra="", **changes):
    with pytest.raises(TomlError) as error:
        small(tmp_path, extra, **changes)
    return str(error.value)


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_scenarios_are_sound(path):
    assert read_scenario(path).campaign


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ('[[fault]]\nkind = "crash"\nfor_s = 3', "needs either `at` or `every_s`"),
        ('[[fault]]\nkind = "crash"\nat = "09:00"', "no process is back sooner"),
        ('[[fault]]\nkind = "crash"\nat = "25:00"\nfor_s = 3', "'at' cannot be '25:00'"),
        ('[[fault]]\nkind = "krash"\nat = "09:00"', "did you mean 'crash'?"),
        ('[[fault]]\nkind = "trunk_down"\nat = "09:00"', "needs a `trunk`"),
        ('[[fault]]\nkind = "trunk_down"\nat = "09:00"\ntrunk = "ani"', "needs a `trunk`"),
        ('[[fault]]\nkind = "port_hang"\nat = "09:00"\ntrunk = "bank"\nport = "9"', "`port` of"),
        ('[[fault]]\nkind = "clock_step"\nat = "09:00"', "needs `step_s`"),
        ('[[fault]]\nkind = "slow_disk"\nat = "09:00"\ncommit_ms = [9, 1]', "shortest comes first"),
        ('[[list]]\nname = "people"\npeople = 1', "'people' stands there twice"),
        ('[[list]]\nname = "c"\npeople = 1\nshares = "d"', "no earlier list 'd'"),
        ('[[list]]\nname = "c"\npeople = 999\nshares = "people"\nshared = 1.0', "more than"),
        ('[[list]]\nname = "c"\npeople = 9\ndo_not_call = 0.9\nforbidden = 0.9', "than the whole"),
        ('[[list]]\nname = "c"\npeople = 0', "must be 1 or more"),
        ('[[list]]\nname = "c"\npepole = 4', "did you mean 'people'?"),
        ('[people]\nsetup_s_max = -1.0', "setup_s_max must be from"),
        ("[people.shares]\nanswers = -3.0", "needs weights"),
        ("[answers]\nby_hour = { 24 = 1.0 }", "is not allowed here"),
        ('[[trunk]]\nname = "x"\nchannels = 2\nports = [{ numbers = "8-3" }]', "runs backwards"),
        ('[[trunk]]\nname = "x"\nchannels = 2\nrefuses = 0.8\nsilent = 0.8', "the whole"),
        ('[[campaign]]\nname = "x"\nlist = "y"\nregime = "loopback"\nsteps = [{ prompt = "p" }]',
         "there is no list 'y'"),
        ('[[campaign]]\nname = "x"\nlist = "again"\nregime = "vn-care"\nsteps = [{ prompt = "p" }]',
         "requires the campaign to set its own hours"),
        ('[[campaign]]\nname = "x"\nlist = "again"\nregime = "loopback"\nflow = "f"\n',
         "does not know it"),
        ('[[campaign]]\nname = "x"\nlist = "again"\nregime = "loopback"\nafter = "frist"\n'
         'steps = [{ prompt = "p" }]', "no earlier campaign 'frist'"),
        ('[[campaign]]\nname = "x"\nlist = "again"\nregime = "loopback"\nzone_column = "z"\n'
         'steps = [{ prompt = "p" }]', "has no column 'z'"),
        ('[[list]]\nname = "c"\npeople = 9\ncolumns = { zone = {} }', "has no values"),
        ('[[agents]]\nname = "t"\ncount = 1\ncampaigns = ["first"]', "that agents work in"),
        ('[[agents]]\nname = "t"\ncount = 1\ncampaigns = ["first"]\nvanishes = 0.7\ngone = 0.7',
         "more than all"),
        ('[[campaign]]\nname = "x"\nlist = "again"\nregime = "loopback"\n'
         'steps = [{ prompt = "p", otherwise = "q" }]', "there is no step 'q'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_its_line(tmp_path, extra, said):
    text = faults_of(tmp_path, extra)
    assert said in text
    assert "small.toml:" in text
    assert "^" in text


def test_every_fault_of_a_file_is_told_at_once(tmp_path):
    text = faults_of(tmp_path, '[[fault]]\nkind = "clock_step"\n[[fault]]\nkind = "crash"')
    assert text.count("error:") >= 4


@pytest.mark.parametrize("hours", ["0.0", "-1.0", '"a day"', "1e9"])
def test_a_day_has_a_length(tmp_path, hours):
    assert "'hours'" in faults_of(tmp_path, hours=hours)
