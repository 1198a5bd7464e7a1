"""Lists and numbers by capability number: from the file to the campaign and its report."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import dialerd.core.events as ev
from dialerd.cli.main import FAILED, OK, run
from dialerd.core import control as api
from dialerd.core import people_view as view
from dialerd.core.campaign_spec import ListSpec, NumberOutcome
from dialerd.core.numbering import load_numbering
from dialerd.core.records import CampaignState, Contact, ListMix, OtherPhone, Outcome
from dialerd.core.regime_data import VIETNAM
from dialerd.importer.io_import import import_file
from dialerd.store import open_store, wait
from dialerd.store.base import BaseStore
from dialerd.store.report import csv_pieces, json_pieces
from tests.control.desk import Booth, booth, spec
from tests.core.judge import judge
from tests.core.people import Faults
from tests.core.world import NS, World, settings

ROOT = Path(__file__).parents[2]
NUMBERING = load_numbering((ROOT / "conf/numbering/vn.toml").read_text())
MESSY = (
    "Tên;SĐT;Hạn\n"
    "Lan;0912.345.678;5/12\n"
    "Hùng;(84) 168 123 4567;6/12\n"
    "Mai;+84-90-123-4567;7/12\n"
    "Hoa;0912 345 678;8/12\n"  # Lan's again
    "Cường;12345;9/12\n"
    "Bà Tư;113;9/12\n"
    "Ông Năm;không có;9/12\n"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dialerd.toml").write_text('[store]\npath = "data"\n')
    monkeypatch.setenv("DIALERD_CONFIG", str(tmp_path / "dialerd.toml"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leads.csv").write_text(MESSY)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *args: str):
    assert run([*args, "--json"]) == OK
    return json.loads(capsys.readouterr().out)


def test_row_01_a_campaign_of_a_hundred_thousand_from_a_file_is_not_approved_yet(tmp_path):
    path = tmp_path / "leads.csv"
    path.write_text("sdt\n" + "".join(f"09{12_000_000 + i}\n" for i in range(100_000)))

    async def work() -> None:
        store = open_store(tmp_path / "data")
        await import_file(path, "people", NUMBERING, store, at_ms=1)
        async with booth(tmp_path / "s", store) as b:
            made = await b.control.create_campaign(api.CreateCampaign(spec=spec(), who="an"))
            (shown,) = (await b.control.campaigns(api.ListCampaigns())).items
            assert (shown.id, shown.state, shown.allowed) == (made.id, "draft", ("approve",))
            assert (await b.control.lists(api.ListLists())).items[0].size == 100_000
            act = api.ActOnCampaign(
                campaign=shown.name, action=api.CampaignAction.APPROVE, who="binh"
            )
            approved = await b.control.act(act)
            assert (approved.audience, approved.state) == (100_000, "approved")

    asyncio.run(work())


def test_row_02_the_counts_are_seen_before_anything_is_saved(home, capsys):
    seen = told(capsys, "import", "leads.csv", "--list", "khách", "--dry-run")
    assert (seen["valid"], seen["duplicate"], seen["rejected"]) == (3, 1, 3)
    assert not (home / "data").exists()
    saved = told(capsys, "import", "leads.csv", "--list", "khách")
    assert {key: saved[key] for key in ("valid", "duplicate", "rejected")} == {
        "valid": 3, "duplicate": 1, "rejected": 3,
    }  # fmt: skip
    store = open_store(home / "data", readonly=True)
    assert [(one.name, one.size) for one in store.lists()] == [("khách", 3)]
    store.close()


def test_row_55_any_columns_and_only_the_number_is_required(home, capsys):
    told(capsys, "import", "leads.csv", "--list", "a")
    (home / "bare.csv").write_text("0912345679\n0912345680\n")
    bare = told(capsys, "import", "bare.csv", "--list", "b")
    assert bare["valid"] == 2
    store = open_store(home / "data", readonly=True)
    assert [one.columns for one in store.lists()] == [("Tên", "Hạn"), ()]
    store.close()


def test_row_61_whose_number_it_is_and_by_which_rule(home, capsys):
    (found,) = told(capsys, "numbers", "0912345678")
    assert (found["carrier"], found["rule"]) == ("vinaphone", "mobile:091")


def test_row_62_an_eleven_digit_number_is_shown_as_converted(home, capsys):
    (found,) = told(capsys, "numbers", "01681234567")
    assert (found["national"], found["rule"]) == ("0381234567", "mobile-2018:0168>038")
    assert told(capsys, "import", "leads.csv", "--list", "a")["converted"] == 1


@pytest.mark.parametrize(
    "text", ["(84)912345678", "+84 912-345-678", "0912.345.678", " 84912345678 ", "0084912345678"]
)
def test_row_63_signs_are_cleaned_and_what_was_written_is_kept(home, capsys, text):
    (found,) = told(capsys, "numbers", text)
    assert (found["e164"], found["input"]) == ("+84912345678", text)
    (home / "one.csv").write_text(f'phone\n"{text}"\n')
    told(capsys, "import", "one.csv", "--list", "a")
    store = open_store(home / "data")
    campaign = running(store, "a")
    ((row,),) = store.report(campaign)
    assert row.contact.original.strip() == text.strip()
    store.close()


def running(store: BaseStore, *names: str, **more) -> int:
    ids = {one.name: one.list_id for one in store.lists()}
    made = wait(store.create_campaign(settings("c", ids[names[0]], **more), "an", 1))
    for state in ("approved", "running"):
        wait(store.move_campaign(made.campaign_id, CampaignState(state), "an", 1))
    return made.campaign_id


def test_row_64_broken_numbers_are_listed_with_row_and_reason(home, capsys):
    told(capsys, "import", "leads.csv", "--list", "a")
    rows = (home / "leads.rejected.csv").read_text("utf-8-sig").splitlines()
    assert rows[0] == "row,text,reason"
    by_row = {line.split(",")[0]: line for line in rows[1:]}
    assert sorted(by_row) == ["5", "6", "7", "8"]
    assert "duplicate" in by_row["5"]
    assert "12345" in by_row["6"]
    assert "emergency" in by_row["7"]
    (home / "none.csv").write_text("phone\n1\n")
    assert run(["import", "none.csv", "--list", "x"]) == FAILED
    assert "no row of" in capsys.readouterr().err


# -- several lists in one campaign ---------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Callable:
    def serve(work) -> None:
        async def whole() -> None:
            async with booth(tmp_path / "s") as b:
                for name, first, n in (("vip", 0, 4), ("all", 2, 10)):
                    made = await b.store.create_list(name, 1)
                    people = [Contact(84_912_000_000 + i, str(i)) for i in range(first, first + n)]
                    await b.store.add_contacts(made.list_id, people)
                await work(b)

        asyncio.run(whole())

    return serve


BOTH = (ListSpec(list="vip", weight=3), ListSpec(list="all"))


async def make(b: Booth, **changes) -> api.CampaignInfo:
    wanted = spec("c", **({"list": "", "lists": BOTH} | changes))
    return await b.control.create_campaign(api.CreateCampaign(spec=wanted, who="an"))


async def act(b: Booth, *actions: str) -> None:
    for action in actions:
        wanted = api.CampaignAction(action)
        await b.control.act(api.ActOnCampaign(campaign="c", action=wanted, who="binh"))


def test_row_02_several_lists_in_one_campaign_and_nobody_twice(desk):
    async def work(b: Booth) -> None:
        made = await make(b)
        assert made.spec.lists == BOTH
        found = await b.control.check(view.CheckCampaign(campaign="c"))
        assert (found.people, found.callable) == (12, 12)
        assert [(x.list, x.people, x.callable, x.elsewhere) for x in found.lists] == [
            ("vip", 4, 4, 0), ("all", 8, 8, 2),
        ]  # fmt: skip
        await act(b, "approve", "start")
        again = await b.control.check(view.CheckCampaign(campaign="c"))
        assert again.lists == found.lists
        claimed = (await b.store.claim(made.id, 100, b.desk.ms, 60)).claims
        assert len({one.phone for one in claimed}) == len(claimed) == 12
        books = await b.control.progress(api.GetProgress(campaign="c", by_list=True))
        assert [(x.list, x.audience, x.left) for x in books.lists] == [
            ("vip", 4, 4), ("all", 8, 8),
        ]  # fmt: skip
        people = (await b.control.leads(view.ListLeads(campaign="c"))).items
        assert {one.list for one in people if one.lead <= 4} == {"vip"}
        assert {one.list for one in people if one.lead > 4} == {"all"}

    desk(work)


def test_several_lists_are_refused_with_their_field(desk):
    async def work(b: Booth) -> None:
        for changes, pointer in (
            ({"list": "vip"}, "/spec/list"),
            ({"lists": ()}, "/spec/list"),
            ({"lists": (*BOTH, ListSpec(list="vip"))}, "/spec/lists/2/list"),
            ({"lists": (*BOTH, ListSpec(list="nobody"))}, "/spec/lists/2/list"),
            ({"consent_date_column": "day"}, "/spec/consent_date_column"),
        ):
            with pytest.raises(api.Invalid) as refusal:
                await make(b, **changes)
            assert pointer in [fault.pointer for fault in refusal.value.faults]

    desk(work)


def test_the_report_says_which_list_a_person_came_from(desk):
    async def work(b: Booth) -> None:
        await make(b, mix=ListMix.ORDER)
        await act(b, "approve", "start")
        store = b.store
        assert isinstance(store, BaseStore)
        lines = "".join(csv_pieces(store, 1, VIETNAM)).splitlines()
        at = lines[0].split(",").index("list")
        assert [line.split(",")[at] for line in lines[1:]] == ["vip"] * 4 + ["all"] * 8
        rows = json.loads("".join(json_pieces(store, 1, VIETNAM)))
        assert [row["list"] for row in rows] == ["vip"] * 4 + ["all"] * 8

    desk(work)


# -- several numbers of a person -----------------------------------------------------------------

TRUNKS = (ev.TrunkSpec("any", 50, 50.0, loopback=True),)


def town(people: int, **more) -> tuple[World, int]:
    """Everybody has three numbers; who is dialed does what the outcomes of `fate` say."""
    made = World(3, TRUNKS, Faults(0, 0, 0, 0))
    made.boot()
    found = wait(made.store.create_list("c", made.wall_ms))
    rows = []
    for i in range(people):
        first = 84_901_000_000 + 10 * i
        others = tuple(OtherPhone(first + n) for n in (1, 2))
        rows.append(Contact(first, f"+{first}", others=others))
    wait(made.store.add_contacts(found.list_id, rows))
    plan = settings("c", found.list_id, **more)
    campaign = wait(made.store.create_campaign(plan, "me", 0)).campaign_id
    made.move(campaign, CampaignState.APPROVED)
    made.move(campaign, CampaignState.RUNNING)
    return made, campaign


def fates(world: World, fate: Callable[[int], Outcome]) -> None:
    """What becomes of every number that is dialed; ANSWERED: it hears the message to its end."""
    dial = world.people.dial

    def dialed(effect) -> None:
        outcome = fate(effect.number.value)
        if outcome is Outcome.ANSWERED:
            dial(effect)
            return
        chance, world.people.rng = world.people.rng, _Never()
        dial(effect)
        world.people.rng = chance
        leg = world.people.legs[effect.leg]
        code = {Outcome.INVALID: 404, Outcome.NO_ANSWER: 480, Outcome.UNREACHABLE: 480}[outcome]
        world.at(0.5, world.people.gone, leg, outcome, code)

    world.people.dial = dialed  # type: ignore[method-assign]


class _Never:
    """Chance by which nothing happens to a leg by itself."""

    def random(self) -> float:
        return 0.999999

    def uniform(self, low: float, high: float) -> float:
        return 1e6

    def __getattr__(self, name: str):
        return lambda *args, **more: 1e6


def test_the_next_number_of_a_person_is_tried_by_outcome():
    world, campaign = town(
        20, attempts_max=2, retry_gap_s=600, recheck_gap_s=600, next_number_gap_s=30
    )
    kinds = [Outcome.INVALID, Outcome.UNREACHABLE, Outcome.NO_ANSWER]
    fates(world, lambda phone: kinds[phone % 10])
    world.run(4_000)
    by_person: dict[int, list[tuple[int, int]]] = {}
    for leg in world.dials:
        at_s = leg.at_ns // NS
        by_person.setdefault(leg.phone // 10, []).append((leg.phone % 10, at_s))
    assert len(by_person) == 20
    for calls in by_person.values():
        order = [number for number, _ in calls]
        assert order[:3] == [0, 1, 2]
        assert order.count(0) == 1  # it does not exist
        assert order.count(1) == order.count(2) == 2
        assert calls[1][1] - calls[0][1] >= 30
    rows = [row for found in world.store.report(campaign) for row in found]
    for row in rows:
        assert [a.phone % 10 for a, _ in row.attempts] == [
            number for number, _ in by_person[row.contact.phone // 10]
        ]
    judge(world)


def test_reports_name_the_number_that_was_dialed():
    world, campaign = town(2, next_number_gap_s=0)
    fates(world, lambda phone: Outcome.INVALID)
    world.run(60)
    lines = "".join(csv_pieces(world.store, campaign, VIETNAM)).lstrip("\ufeff").splitlines()
    cells = dict(zip(lines[0].split(","), lines[1].split(","), strict=False))
    assert cells["number"] == "84901000000"
    assert cells["dialed_number"] == "84901000002"
    assert cells["numbers"] == "84901000000 84901000001 84901000002"
    assert "try 2 at 84901000001 invalid" in lines[1]
    first, _ = json.loads("".join(json_pieces(world.store, campaign, VIETNAM)))
    assert [one["dialed"] for one in first["attempts"]] == [
        "+84901000000", "+84901000001", "+84901000002",
    ]  # fmt: skip


def test_why_knows_every_number_and_says_which_one_is_next(tmp_path):
    async def work() -> None:
        async with booth(tmp_path / "s") as b:
            made = await b.store.create_list("people", 1)
            lan = Contact(84_912_000_000, "x", others=(OtherPhone(84_912_000_001),))
            await b.store.add_contacts(made.list_id, [lan])
            wanted = spec("c", next_number_on=(NumberOutcome.NO_ANSWER,))
            await b.control.create_campaign(api.CreateCampaign(spec=wanted, who="an"))
            await act(b, "approve", "start")
            for number, words in (
                ("+84912000000", "the whole campaign waits: no trunk is up"),
                ("+84912000001", "this number waits, +84912000000 of the same person comes first"),
            ):
                told = await b.control.why(view.GetWhy(campaign="c", number=number))
                assert told.lead == 1
                assert told.why.startswith(words)
            (shown,) = (await b.control.leads(view.ListLeads(campaign="c"))).items
            assert [(n.number, n.tries, n.over) for n in shown.numbers] == [
                ("+84912000000", 0, False), ("+84912000001", 0, False),
            ]  # fmt: skip

    asyncio.run(work())
