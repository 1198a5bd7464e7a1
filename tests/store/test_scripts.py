"""Scripts with their versions, answers that survive, and the table of a survey."""

from __future__ import annotations

import csv
import io
import shutil
from datetime import UTC, date, time

import openpyxl
import pytest

from dialerd.core.flow_records import Flow, FlowStep
from dialerd.core.ops import SaveAnswer
from dialerd.core.ports import ConflictError, NotFoundError, StoreError
from dialerd.core.records import CampaignState, Contact, LeadState
from dialerd.core.script import END
from dialerd.core.script_records import Asks, Branch, Choice, Item, Script
from dialerd.store import open_store, wait
from dialerd.store.schema import SHEET, attempt_key, version_key
from dialerd.store.survey import Survey
from tests.store.kit import (
    FIRST,
    NOW,
    begin,
    draft,
    filled_list,
    finish,
    people,
    running,
    take,
)


def ask(item_id, asks, then=END, *branches, **more):
    return Item(item_id, f"{item_id}?", then, asks, branches=branches, **more)


PLAIN = Script((ask("name", Asks.TEXT, "ok"), ask("ok", Asks.YES_NO)))
LONGER = Script((*PLAIN.items[:1], ask("ok", Asks.YES_NO, "when"), ask("when", Asks.DATE)))


def save(store, script=PLAIN, name="s", at_ms=NOW):
    return wait(store.save_script(name, script, "an", at_ms))


def answer(claim, question, value, at_ms=NOW, agent="lan"):
    of = claim.campaign_id, claim.lead_id, claim.attempt_id
    return SaveAnswer(*of, question, value, at_ms, agent)


def dialed(store, count=1, script=PLAIN, **settings):
    save(store, script)
    running(store, filled_list(store, "l", people(count)), script="s", **settings)
    claims = take(store)
    wait(store.apply([begin(claim.attempt_id) for claim in claims]))
    return claims


# -- versions --------------------------------------------------------------------------------------


def test_saving_again_makes_a_version_and_keeps_the_old_one(store):
    first, second = save(store), save(store, LONGER, at_ms=NOW + 1)
    assert (first.version, second.version) == (1, 2)
    assert save(store, LONGER, at_ms=NOW + 2) == second  # nothing has changed
    assert store.script("s", 1).script == PLAIN
    assert store.script("s").script == LONGER
    assert [one.version for one in store.script_versions("s")] == [1, 2]
    assert save(store, PLAIN, at_ms=NOW + 3).version == 3  # back to what it was is a change
    save(store, name="r")
    assert [(one.name, one.version) for one in store.scripts()] == [("r", 1), ("s", 3)]


def test_what_is_not_there_is_told(store):
    with pytest.raises(NotFoundError, match="no script named 's'"):
        store.script("s")
    save(store)
    with pytest.raises(NotFoundError, match="no version 2, only 1 to 1"):
        store.script("s", 2)
    with pytest.raises(StoreError, match="script's name"):
        save(store, name="a\nb")
    with pytest.raises(StoreError, match=r"script/items/0/then: a loop: a -> a"):
        save(store, Script((Item("a", "Hi", "a"),)))
    with pytest.raises(NotFoundError, match="no script named 'gone'"):
        draft(store, filled_list(store, "l", people(1)), script="gone")


def test_flows_have_versions_too(store):
    flow = Flow((FlowStep("start", "hello"),))
    assert wait(store.save_flow("f", flow, "an", NOW)).version == 1
    later = Flow((FlowStep("start", "bye"),))
    assert wait(store.save_flow("f", later, "an", NOW + 1)).version == 2
    assert store.flow("f", 1).flow == flow
    assert [one.flow for one in store.flow_versions("f")] == [flow, later]
    assert [one.version for one in store.flows()] == [2]
    with pytest.raises(StoreError, match="there is no step 'x'"):
        wait(store.save_flow("f", Flow((FlowStep("start", "a", otherwise="x"),)), "an", NOW))


def test_a_campaign_takes_the_newest_at_approval_and_keeps_it_until_switched(store):
    save(store)
    campaign = draft(store, filled_list(store, "l", people(1)), script="s")
    save(store, LONGER)
    approved = wait(store.move_campaign(campaign.campaign_id, CampaignState.APPROVED, "b", NOW))
    assert approved.settings.script_version == 2
    save(store)
    assert store.campaign(campaign.campaign_id).settings.script_version == 2
    assert wait(store.switch_campaign(campaign.campaign_id, "binh", NOW + 9)).settings == (
        store.campaign(campaign.campaign_id).settings
    )
    assert store.campaign(campaign.campaign_id).settings.script_version == 3
    assert store.moves(campaign.campaign_id)[-1].reason == "switched to s@3"
    wait(store.switch_campaign(campaign.campaign_id, "binh", NOW + 10))  # nothing newer
    assert len(store.moves(campaign.campaign_id)) == 3
    for state in (CampaignState.RUNNING, CampaignState.FINISHED):
        wait(store.move_campaign(campaign.campaign_id, state, "b", NOW))
    with pytest.raises(ConflictError, match="has finished"):
        wait(store.switch_campaign(campaign.campaign_id, "binh", NOW))


# -- answers ---------------------------------------------------------------------------------------


def values(store, lead_id=1):
    return [sheet.values for sheet in store.answers(1, lead_id)]


def test_the_last_answer_wins_whatever_the_order(store):
    (claim,) = dialed(store)
    ops = [answer(claim, "name", "An", NOW + 5), answer(claim, "name", "Anh", NOW + 9)]
    wait(store.apply(ops))
    assert values(store) == [{"name": "Anh"}]
    wait(store.apply(ops))  # again
    wait(store.apply(ops[:1]))  # late
    assert values(store) == [{"name": "Anh"}]
    wait(store.apply([answer(claim, "name", None, NOW + 10), answer(claim, "ok", True)]))
    assert values(store) == [{"name": None, "ok": True}]


def test_answers_after_the_call_are_kept(store):
    (claim,) = dialed(store)
    wait(store.apply([finish(claim.attempt_id), answer(claim, "ok", False)]))
    assert values(store) == [{"ok": False}]


def test_what_was_never_dialed_has_no_answers(store):
    save(store)
    running(store, filled_list(store, "l", people(2)), script="s")
    claims = take(store)
    wait(store.apply([answer(claims[0], "name", "x")]))
    assert values(store) == []
    wait(store.apply([begin(claims[1].attempt_id), answer(claims[1], "", "x")]))
    wait(store.apply([answer(claims[1], "q" * 129, "x"), answer(claims[1], "name", "x" * 70_000)]))
    assert values(store, 2) == [{}]


def test_a_campaign_without_a_script_keeps_no_answers(store):
    running(store, filled_list(store, "l", people(1)))
    (claim,) = take(store)
    wait(store.apply([begin(claim.attempt_id), answer(claim, "name", "x")]))
    assert values(store) == []


def test_a_call_ends_in_the_version_it_began_with(store):
    first, second = dialed(store, 1), None
    save(store, LONGER)
    wait(store.switch_campaign(1, "binh", NOW))
    done = finish(first[0].attempt_id, lead_state=LeadState.RETRY, due_s=0)
    wait(store.apply([answer(first[0], "name", "An"), begin(first[0].attempt_id, trunk="b"), done]))
    (second,) = take(store, now_ms=NOW + 60_000)
    wait(store.apply([begin(second.attempt_id, NOW + 60_000), answer(second, "name", "Bo")]))
    assert [(s.sheet.version, s.values) for s in store.answers(1, 1)] == [
        (1, {"name": "An"}),
        (2, {"name": "Bo"}),
    ]


def test_answers_are_there_after_a_crash(tmp_path):
    store = open_store(tmp_path / "a", linger_s=0.0)
    (claim,) = dialed(store)
    wait(store.apply([answer(claim, "name", "An")]))
    shutil.copytree(tmp_path / "a", tmp_path / "b")  # the disk while the process lives
    again = open_store(tmp_path / "b", linger_s=0.0)
    wait(again.recover(NOW + 1_000))
    assert values(again) == [{"name": "An"}]
    assert again.problems() == []
    again.close()
    store.close()


def test_erasing_a_number_takes_its_answers(store):
    first, second = dialed(store, 2)
    for claim in (first, second):
        wait(store.apply([answer(claim, "name", "secret"), finish(claim.attempt_id)]))
    about = store.about(FIRST)
    assert about.tried[0].answered[0].values == {"name": "secret"}
    assert wait(store.erase(FIRST, "an", NOW))["answers"] == 1
    assert values(store, 1) == []
    assert values(store, 2) == [{"name": "secret"}]


def test_fsck_finds_answers_without_their_sheet(lmdb_store):
    store = lmdb_store
    (claim,) = dialed(store)
    wait(store.apply([answer(claim, "name", "An")]))
    of = attempt_key(1, 1, claim.attempt_id)
    sheet = store._read(lambda unit: SHEET.unpack(unit.t.sheets.get(of)))
    wait(store._submit(lambda unit: unit.t.sheets.delete(of)))
    assert store.problems() == [f"attempt {claim.attempt_id}: answers without a sheet"]

    wait(store._submit(lambda unit: unit.t.sheets.put(of, SHEET.pack(type(sheet)(1, 7, NOW)))))
    assert store.problems() == [f"attempt {claim.attempt_id}: its script 1@7 is not there"]
    wait(store._submit(lambda unit: unit.t.sheets.put(of, SHEET.pack(sheet))))
    other = attempt_key(1, 1, 99)
    wait(store._submit(lambda unit: unit.t.sheets.put(other, SHEET.pack(sheet))))
    assert store.problems() == ["attempt 99 has answers and is not there"]


def test_fsck_finds_a_missing_version(lmdb_store):
    store = lmdb_store
    save(store)
    save(store, LONGER)
    wait(store._submit(lambda unit: unit.t.scripts.delete(version_key(1, 1))))
    assert store.problems() == ["script 's': version 1 is missing"]
    wait(store._submit(lambda unit: unit.t.scripts.delete(version_key(1, 2))))
    assert store.problems() == ["the name 's' leads to no script"]


# -- the table -------------------------------------------------------------------------------------

WIDE = Script(
    (
        ask("name", Asks.TEXT, "likes"),
        ask(
            "likes", Asks.MULTI, "sum",
            choices=(Choice("a", "Trà"), Choice("b", "=1+1"), Choice("c", "Cà phê")),
        ),
        ask("sum", Asks.NUMBER, "day", decimals=1),
        ask("day", Asks.DATE, "hour"),
        ask("hour", Asks.TIME, "ok"),
        ask("ok", Asks.YES_NO, "why", Branch(END, "yes")),
        ask("why", Asks.CHOICE, "tel", choices=(Choice("x", "Giá"),)),
        ask("tel", Asks.PHONE),
    )
)  # fmt: skip
ANSWERS = {
    "name": "=cmd|' /C calc'!A0",
    "likes": ("a", "c"),
    "sum": -2.5,
    "day": "2026-11-23",
    "hour": "08:30",
    "ok": False,
    "why": "x",
    "tel": "+84912345678",
}


@pytest.fixture
def surveyed(store):
    claims = dialed(store, 3, WIDE)
    ops = [answer(claims[0], q, value, NOW + i) for i, (q, value) in enumerate(ANSWERS.items())]
    ops.append(answer(claims[1], "name", "An", agent="binh"))
    wait(store.apply([*ops, finish(claims[0].attempt_id)]))
    return store


HEAD = [
    "number", "state", "outcome", "script", "answered_at", "agent", "complete",
    "name", "likes: Trà", "likes: =1+1", "likes: Cà phê", "sum", "day", "hour", "ok", "why", "tel",
    "name (list)",
]  # fmt: skip


def test_the_table_has_a_row_per_customer_and_a_column_per_question(surveyed):
    survey = Survey(surveyed, 1, UTC)
    assert survey.head == HEAD
    first, second, third = survey.rows()
    assert first[:4] == [str(FIRST), "done", "answered", "s@1"]
    assert first[5:] == [
        "lan", "yes", ANSWERS["name"], "yes", "no", "yes", -2.5, date(2026, 11, 23), time(8, 30),
        "no", "Giá", "+84912345678", "Nguyễn 0",
    ]  # fmt: skip
    assert second[5:8] == ["binh", "no", "An"]
    assert third == [str(FIRST + 2), "dialing", *[""] * 15, "Nguyễn 2"]


def test_csv_opens_by_double_click_and_runs_nothing(surveyed):
    data = b"".join(Survey(surveyed, 1, UTC).csv())
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[0][9] == "likes: =1+1"
    assert rows[1][7] == "'=cmd|' /C calc'!A0"
    assert rows[1][11:15] == ["-2.5", "2026-11-23", "08:30", "no"]
    assert rows[1][16] == "'+84912345678"
    assert len(rows) == 4


def test_another_program_reads_the_workbook(surveyed, tmp_path):
    target = tmp_path / "out.xlsx"
    with target.open("wb") as out:
        Survey(surveyed, 1, UTC).xlsx(out)
    book = openpyxl.load_workbook(target)
    head, first, _, third = book["answers"].iter_rows()
    assert [cell.value for cell in head] == HEAD
    cells = {title.value: cell for title, cell in zip(head, first, strict=True)}
    assert cells["name"].value == ANSWERS["name"]
    assert cells["name"].data_type == "s"  # a text, no formula
    assert cells["sum"].value == -2.5
    assert cells["day"].value.date() == date(2026, 11, 23)
    assert cells["hour"].value == time(8, 30)
    assert cells["tel"].value == "+84912345678"
    assert third[7].value is None
    book.close()


def test_what_a_change_cut_off_is_not_in_the_table(surveyed):
    (sheet,) = surveyed.answers(1, 1)
    op = SaveAnswer(1, 1, sheet.attempt_id, "ok", True, NOW + 99, "lan")
    wait(surveyed.apply([op]))
    row = next(Survey(surveyed, 1, UTC).rows())
    assert row[14:17] == ["yes", "", ""]
    assert len(surveyed.answers(1, 1)[0].answers) == 8  # and comes back when it is changed back


def test_versions_share_columns_and_the_newest_attempt_counts(store):
    (claim,) = dialed(store)
    again = finish(claim.attempt_id, lead_state=LeadState.RETRY, due_s=0)
    wait(store.apply([answer(claim, "name", "old"), answer(claim, "ok", True), again]))
    renamed = Script((ask("name", Asks.TEXT, "when"), ask("when", Asks.DATE)))
    save(store, renamed)
    wait(store.switch_campaign(1, "an", NOW))
    (claim,) = take(store, now_ms=NOW + 60_000)
    op = answer(claim, "name", "new", NOW + 70_000)
    wait(store.apply([begin(claim.attempt_id, NOW + 60_000), op]))
    survey = Survey(store, 1, UTC)
    assert survey.head[7:] == ["name", "when", "ok", "name (list)"]
    (row,) = survey.rows()
    assert row[3] == "s@2"
    assert row[6:10] == ["no", "new", "", "yes"]


def test_people_whose_columns_are_named_like_ours(store):
    save(store)
    contacts = [Contact(FIRST, "0912", "v", {"number": "7", "ok": "=x", "=y": "1"})]
    running(store, filled_list(store, "l", contacts), script="s")
    survey = Survey(store, 1, UTC)
    assert survey.head[7:] == ["name", "ok", "number (list)", "ok (list)", "=y"]
    data = b"".join(survey.csv()).decode("utf-8-sig")
    assert data.splitlines()[0].endswith(",'=y")
    assert data.splitlines()[1].endswith(",7,'=x,1")


def test_a_campaign_without_a_script_has_a_table_of_people(store):
    running(store, filled_list(store, "l", people(2)))
    survey = Survey(store, 1, UTC)
    assert survey.head == [*HEAD[:7], "name"]
    assert len(list(survey.rows())) == 2
