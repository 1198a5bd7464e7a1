"""The numbering plan: every row of it, and every way it can be wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from dialerd.core.numbering import PlanError, load_numbering, load_plan
from dialerd.plan_file import read_numbering
from dialerd.toml_load import TomlError
from fastpath.numbers import Numbering

PATH = Path(__file__).parents[2] / "conf/numbering/vn.toml"
TEXT = PATH.read_text()

# Written down here once more, from the announcements, to hold the plan to them.
MOBILE_2018 = """
0120 070  0121 079  0122 077  0126 076  0128 078  0123 083  0124 084  0125 085  0127 081  0129 082
0162 032  0163 033  0164 034  0165 035  0166 036  0167 037  0168 038  0169 039
0186 056  0188 058  0199 059
""".split()  # noqa: SIM905
LANDLINE_2017 = """
020 0214  022 0212  0230 0215  0231 0213  0240 0204  0241 0222  025 0205  026 0206  027 0207
0280 0208  0281 0209  029 0216  030 0229  031 0225  0320 0220  0321 0221  033 0203  0350 0228
0351 0226  036 0227  037 0237  038 0238  039 0239  04 024  0500 0262  0501 0261  0510 0235
0511 0236  052 0232  053 0233  054 0234  055 0255  056 0256  057 0257  058 0258  059 0269
060 0260  061 0251  062 0252  063 0263  064 0254  0650 0274  0651 0271  066 0276  067 0277
068 0259  070 0270  0710 0292  0711 0293  072 0272  073 0273  074 0294  075 0275  076 0296
077 0297  0780 0290  0781 0291  079 0299  08 028
""".split()  # noqa: SIM905
AMBIGUOUS = "030 031 033 036 037 038 039 052 055 056 058 059 070 076 077 079 08".split()  # noqa: SIM905
CARRIERS = {
    "viettel": "086 096 097 098 032 033 034 035 036 037 038 039",
    "mobifone": "089 090 093 070 076 077 078 079",
    "vinaphone": "088 091 094 081 082 083 084 085",
    "vietnamobile": "092 052 056 058",
    "gmobile": "099 059",
    "itel": "087",
    "wintel": "055",
    "vnsky": "0777 0778",
    "fpt": "0775",
}


def pairs(words: list[str]) -> list[tuple[str, str]]:
    return list(zip(words[::2], words[1::2], strict=True))


@pytest.fixture(scope="module")
def numbering() -> Numbering:
    return load_numbering(TEXT)


def test_sizes_of_the_tables() -> None:
    plan = tomllib.loads(TEXT)
    migration = plan["migration"]
    assert migration["mobile-2018"]["codes"] == dict(pairs(MOBILE_2018))
    assert migration["landline-2017"]["codes"] == dict(pairs(LANDLINE_2017))
    assert len(pairs(LANDLINE_2017)) == 59
    assert sorted(migration["landline-2017"]["ambiguous"]) == sorted(AMBIGUOUS)
    kept = {"0210", "0211", "0218", "0219"}
    assert set(plan["landline"]["codes"]) == {new for _, new in pairs(LANDLINE_2017)} | kept


def carrier_of(national: str) -> str:
    for length in (4, 3):
        for carrier, prefixes in CARRIERS.items():
            if national[:length] in prefixes.split():
                return carrier
    return ""


@pytest.mark.parametrize(("old", "new"), pairs(MOBILE_2018))
def test_old_mobile_numbers(numbering: Numbering, old: str, new: str) -> None:
    for tail in ("1234567", "0000000", "9999999", "7777777", "5555555"):
        expected = new + tail
        for form in (old + tail, "+84" + old[1:] + tail, "84" + old[1:] + tail, old[1:] + tail):
            found = numbering.analyse(form)
            assert found.dialable
            assert found.national == expected
            assert found.converted
            assert found.rule is not None
            assert found.rule.removesuffix("+zero") == f"mobile-2018:{old}>{new}"
            assert found.carrier == carrier_of(expected) == numbering.number(expected).carrier


@pytest.mark.parametrize(("old", "new"), pairs(LANDLINE_2017))
def test_old_landline_numbers(numbering: Numbering, old: str, new: str) -> None:
    kept = 11 - len(new)
    for tail in ("38221234", "23456789", "62999999"):
        written = old + tail[:kept]
        found = numbering.analyse(written)
        if old not in AMBIGUOUS:
            assert found.national == new + tail[:kept]
            assert found.rule == f"landline-2017:{old}>{new}"
            assert found.dialable
            assert found.converted
            assert found.carrier is None
            assert numbering.analyse("+84" + written[1:]).e164 == found.e164
        elif carrier_of(written):
            assert found.national == written
            assert found.rule is not None
            assert found.rule.startswith("mobile:")
            assert not found.converted
        else:
            assert not found.dialable
            assert found.rule == f"ambiguous:{old}"


def test_every_landline_code_of_today(numbering: Numbering) -> None:
    for code in tomllib.loads(TEXT)["landline"]["codes"]:
        national = (code + "38221234")[:11]
        found = numbering.analyse(national)
        assert (found.national, found.rule) == (national, f"landline:{code}")
        assert found.dialable
        assert not found.converted


def test_every_mobile_prefix_of_today(numbering: Numbering) -> None:
    for carrier, prefixes in CARRIERS.items():
        for prefix in prefixes.split():
            national = (prefix + "0123456")[:10]
            found = numbering.analyse(national)
            assert (found.national, found.carrier) == (national, carrier)
            assert found.rule == f"mobile:{prefix}"
    assert numbering.carriers == ("", *CARRIERS_IN_ORDER)


CARRIERS_IN_ORDER = [
    *["viettel", "mobifone", "vinaphone", "vietnamobile", "gmobile"],
    *["itel", "wintel", "local", "vnsky", "fpt"],
]


def test_unused_mobile_prefixes_are_refused(numbering: Numbering) -> None:
    used = {prefix for prefixes in CARRIERS.values() for prefix in prefixes.split()}
    old = {old for old, _ in pairs(LANDLINE_2017)}
    for prefix in (f"0{n:02d}" for n in range(10, 100)):
        if prefix not in used and not any(prefix.startswith(code) for code in old):
            assert not numbering.analyse(prefix + "1234567").dialable


def test_the_switchable_codes(numbering: Numbering) -> None:
    for codes in (["030"], ["031"], ["030", "031"]):
        on = load_numbering(TEXT.replace("convert = []", f"convert = {codes}".replace("'", '"')))
        for code, new in (("030", "0229"), ("031", "0225")):
            found = on.analyse(code + "3822123")
            assert found.dialable == (code in codes)
            assert found.national == (new + "3822123" if code in codes else None)


@pytest.mark.parametrize("code", [code for code in AMBIGUOUS if code not in ("030", "031")])
def test_codes_in_use_today_cannot_be_switched_on(code: str) -> None:
    with pytest.raises(PlanError, match=f"{code} cannot be converted: mobile:.* is in use today"):
        load_plan(TEXT.replace("convert = []", f'convert = ["{code}"]'))


def test_destinations_may_be_given_from_outside() -> None:
    numbering = load_numbering(TEXT, ["8490", "65"])
    assert numbering.analyse("0901234567").dialable
    assert numbering.analyse("+6561234567").dialable
    assert not numbering.analyse("0912345678").dialable


def test_a_plan_may_be_parsed_already() -> None:
    assert load_plan(tomllib.loads(TEXT)) == load_plan(TEXT)


def test_a_plan_of_another_country() -> None:
    """Nothing in the code knows Vietnam: eight-digit numbers of country 855."""
    text = """
        country_code = "855"
        [destinations]
        allow = ["+855"]
        [mobile]
        digits = 9
        [[mobile.carrier]]
        name = "cellcard"
        prefixes = ["012", "017"]
        [landline]
        digits = 9
        codes = ["023"]
    """
    numbering = load_numbering(text)
    assert numbering.number("+855 12 345 678").national == "012345678"
    assert numbering.number("012 345 678").e164 == "+85512345678"
    assert numbering.number("855 17 345 678").carrier == "cellcard"
    assert numbering.analyse("0912345678").reason == ("prefix: no operator or area has this prefix")


BAD = [
    ('country_code = "84"', 'country_code = "084"', "country_code", "not 1 to 3 digits"),
    ('country_code = "84"', 'country_code = "+84"', "country_code", "not 1 to 3 digits"),
    ('country_code = "84"', "country_code = 84", "country_code", "Expected `str`"),
    ('country_code = "84"', "", "", "required field `country_code`"),
    ("digits = 10", "digits = 5", "mobile.digits", "not between 6 and 13"),
    ("digits = 11", "digits = 14", "landline.digits", "not between 6 and 13"),
    ("digits = 10", "digit = 10", "mobile", "unknown field `digit`"),
    ('"+842", ', '"842", ', "destinations.allow.0", "not a prefix"),
    ('"+842", ', '"+84x", ', "destinations.allow.0", "not a prefix"),
    ('"+842", ', '"+", ', "destinations.allow.0", "not a prefix"),
    ('"+842", ', '"+٨٤", ', "destinations.allow.0", "not a prefix"),
    ('prefixes = ["055"]', 'prefixes = ["55"]', "mobile.carrier.6.prefixes.0", "leading 0"),
    ('prefixes = ["055"]', 'prefixes = ["055123"]', "mobile.carrier.6.prefixes.0", "2 to 5"),
    ('prefixes = ["055"]', 'prefixes = ["0"]', "mobile.carrier.6.prefixes.0", "2 to 5"),
    ('prefixes = ["055"]', 'prefixes = ["05x"]', "mobile.carrier.6.prefixes.0", "not a prefix"),
    ('prefixes = ["055"]', 'prefixes = ["091"]', "mobile.carrier.6.prefixes.0", "twice"),
    ('name = "fpt"', 'name = "viettel"', "mobile.carrier.9.name", "twice"),
    ('name = "fpt"', 'name = ""', "mobile.carrier.9.name", "not a name"),
    ('name = "fpt"', 'name = "f p t"', "mobile.carrier.9.name", "not a name"),
    ('host = "vinaphone"', 'host = "vina"', "mobile.carrier.5.host", "no carrier"),
    ('"0203", ', '"203", ', "landline.codes.0", "leading 0"),
    ('"0203", ', '"0204", ', "landline.codes.1", "twice"),
    ('codes.0120 = "070"', 'codes.0120 = "071"', "migration.mobile-2018.codes.0120", "no code of"),
    ('codes.0120 = "070"', 'codes.0121x = "070"', "migration.mobile-2018.codes.0121x", "prefix"),
    (
        'codes.04 = "024"',
        'codes.04 = "024"\ncodes.040 = "0204"',
        "migration.landline-2017.codes.040",
        "overlaps with landline-2017:04>024",
    ),
    ('"077", "079", "08",', '"077", "079",', "migration.landline-2017.codes.08", "in use today"),
    ('"077", "079", "08",', '"077", "07",', "migration.landline-2017.ambiguous.15", "not among"),
    ("convert = []", 'convert = ["09"]', "migration.landline-2017.convert.0", "not among"),
    ("convert = []", 'convert = ["04"]', "migration.landline-2017.convert.0", "not ambiguous"),
    ('numbers = ["111",', 'numbers = ["0111",', "never.0.numbers.0", "short number"),
    ('numbers = ["111",', 'numbers = ["1111111",', "never.0.numbers.0", "short number"),
    ('prefixes = ["1900"]', 'prefixes = ["19000"]', "never.2.prefixes.0", "not a prefix"),
    ('prefixes = ["1900"]', 'prefixes = [""]', "never.2.prefixes.0", "not a prefix"),
    ('prefixes = ["1900"]', 'prefixes = ["0"]', "never.2.prefixes.0", "not a prefix"),
    ('name = "premium"', 'name = "military"', "never.3.name", "twice"),
    ('# 0912345678 = "viettel"', '0912345678 = "vittel"', "ported.0912345678", "no carrier"),
    ('# 0912345678 = "viettel"', '912345678 = "viettel"', "ported.912345678", "10 digits"),
    ('# 0912345678 = "viettel"', "0912345678 = 1", "ported", "Expected `str`"),
    ("[mobile]", "[mobile", "", "line"),
    ("[mobile]", "[mobil]\n[mobile]", "", "unknown field `mobil`"),
]


@pytest.mark.parametrize(("before", "after", "key", "words"), BAD)
def test_bad_plans(tmp_path: Path, before: str, after: str, key: str, words: str) -> None:
    assert before in TEXT
    text = TEXT.replace(before, after, 1)
    with pytest.raises(PlanError) as caught:
        load_plan(text)
    assert words in str(caught.value)
    assert str(caught.value).startswith(key)
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(TomlError) as shown:
        read_numbering(path)
    assert f"{path}:" in str(shown.value)
    assert shown.value.findings[0].line > 0


def test_too_much_of_everything() -> None:
    def plan(**changes: Any) -> dict[str, Any]:
        return tomllib.loads(TEXT) | changes

    many = [f"+84{i}" for i in range(65)]
    with pytest.raises(PlanError, match="more than 64 prefixes"):
        load_plan(plan(destinations={"allow": many}))
    with pytest.raises(PlanError, match="nothing could be dialed"):
        load_plan(plan(destinations={"allow": []}))
    with pytest.raises(PlanError, match="more than 64 tables"):
        load_plan(plan(never=[{"name": f"n{i}", "why": "x"} for i in range(65)]))
    short = {"name": "n", "why": "x", "numbers": [str(100 + i) for i in range(65)]}
    with pytest.raises(PlanError, match="more than 64 short numbers"):
        load_plan(plan(never=[short]))
    codes = [f"0{i:04d}" for i in range(1000, 5000)]
    with pytest.raises(PlanError, match="at most 3900"):
        load_plan(plan(landline={"digits": 11, "codes": codes}, migration={}))


@pytest.mark.parametrize(
    "change",
    [
        {"country_code": "1234"},
        {"country_code": "x"},
        {"rules": [("r", (9,), "12345", "1", 0, 0, False)]},
        {"rules": [("r", (9,), "-1", "1", 0, 0, False)]},
        {"rules": [("r", (9,), "1", "11111", 0, 0, False)]},
        {"rules": [("r", (16,), "1", "1", 0, 0, False)]},
        {"rules": [("r", (3,), "1", "1", 0, 0, False)]},
        {"rules": [("r", (15,), "1", "1", 0, 0, False)]},
        {"rules": [("r", (9,), "1", "1", 99, 0, False)]},
        {"rules": [("r", (9,), "1", "1", 0, 200, False)]},
        {"rules": [("r", (9, 10), "1", "1", 0, 0, False)]},
        {"rules": [("r", (9,), "1", "1", 0, 0, False)] * 5000},
        {"emergency": [("0113", "x", 16)]},
        {"emergency": [("1130000", "x", 16)]},
        {"emergency": [("113", "x", 0)]},
        {"emergency": [("113", "x", 200)]},
        {"emergency": [("113", "x", 16)] * 65},
        {"allow": ["x"]},
        {"allow": ["1" * 16]},
        {"allow": ["84"] * 65},
        {"ported": {84912345678: 99}},
        {"ported": {0: 1}},
    ],
)
def test_a_layout_out_of_range_is_refused_by_the_tables(change: dict[str, Any]) -> None:
    """What `load_plan` never makes must not write outside of the compiled tables either."""
    with pytest.raises(ValueError, match="numbering plan: "):
        Numbering(load_plan(TEXT) | change)
