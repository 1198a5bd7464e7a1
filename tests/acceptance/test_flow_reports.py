"""Columns in flows and scripts, and what is told of every interaction: rows of the table."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from dialerd.cli.flow import flow as flow_command
from dialerd.cli.import_ import import_
from dialerd.cli.number import number as number_command
from dialerd.cli.report import report as report_command
from dialerd.cli.script import script as script_command
from dialerd.core.chain import Chain
from dialerd.core.control import Invalid
from dialerd.core.flow_records import FlowStep, Part
from dialerd.core.records import Flow
from dialerd.core.script_records import Item, Script
from dialerd.store import open_store
from tests.acceptance.test_flows import create, with_service
from tests.store.kit import NOW, running
from tests.store.test_flow_calls import BYE, PIN, SET, SUM, Line

ROOT = Path(__file__).parents[2]
PAYMENT = ROOT / "conf/flows/payment.toml"
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"


def run(command, *args) -> str:
    found = CliRunner().invoke(command, [*map(str, args)])
    assert found.exit_code == 0, found.output
    return found.output


def test_the_shipped_flow_runs_as_written(tmp_path):
    data = ["--data", tmp_path / "data"]
    said = run(flow_command, "check", PAYMENT, *data)
    assert "12 steps, no fault" in said
    assert "prompt 'payment/you-owe' is neither imported" in said
    assert "music/hold" not in said
    assert "keys lead round" not in said
    assert "version 1" in run(flow_command, "add", PAYMENT, *data)
    shown = run(flow_command, "show", "payment", *data)
    for words in ("does gather", "does choose", "does set", "does record", "does do not call",
                  "does callback", "does transfer", "does result"):  # fmt: skip
        assert words in shown
    for ways in ("does choose by group; is vip or gold to person; otherwise to menu",
                 "does gather; done to promised; otherwise to person",
                 "9 to never, 0 to person; otherwise to menu; after 2 visits to bye\n",
                 "then does result 'promised to pay'\n"):  # fmt: skip
        assert ways in shown


def test_row_55_any_columns_of_the_list_are_there_for_flows_and_scripts(tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("Số ĐT;Số tiền;Khu vực\n0912345678;250000;Quận 1\n0912345679;;\n", "utf-8")
    data = tmp_path / "data"
    run(import_, people, "--list", "l", "--data", data)
    store = open_store(data)
    made = store.find_list("l")
    assert made.size == 2
    running(store, made.list_id)
    rows = [store.lead(1, lead_id) for lead_id in (1, 2)]
    store.close()
    first, second = (row.contact.fields for row in rows)
    assert {"Số tiền", "Khu vực"} <= set(made.columns)
    step = FlowStep("a", "", parts=(Part("", "money", "{Số tiền}"),))
    prompts, unsaid = Chain(step).prompts(first)
    assert not unsaid
    assert prompts[-1] == "vi/words/dong"
    assert Chain(step).prompts(second)[1]  # has none: left out, and told
    seen = run(
        script_command,
        "preview",
        _script(tmp_path),
        "--field",
        f"Khu vực={first['Khu vực']}",
    )
    assert "Anh/chị ở Quận 1?" in seen


def _script(folder: Path) -> Path:
    made = folder / "s.toml"
    made.write_text('name = "s"\n[[items]]\nid = "a"\ntext = "Anh/chị ở {Khu vực}?"\n', "utf-8")
    return made


def test_row_55_a_column_that_is_not_there_is_told_before_anybody_is_called():
    async def use(store, _daemon, service):
        said = FlowStep("a", "", parts=(Part("", "digits", "{code}"),))
        await store.save_flow("f", Flow((said,)), "an", NOW)
        await store.save_script("s", Script((Item("a", "{town}", "end"),)), "an", NOW)
        with pytest.raises(Invalid, match="no column 'code'; it has name"):
            await create(service, steps=(), flow="f")
        with pytest.raises(Invalid, match="no column 'town'; it has name"):
            await create(service, script="s")

    with_service(use)


def test_row_73_one_report_of_every_interaction_by_campaign_and_by_number(tmp_path):
    store = open_store(tmp_path / "data", linger_s=0.0)
    line = Line(store, PIN, SUM, SET, BYE)
    line.keys("1234" + "500#")
    line.played()
    line.over()
    store.close()
    data = ["--data", tmp_path / "data"]
    text = run(report_command, "spring", *data).removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 2  # who was not called yet stands there too
    lines = rows[0]["interactions"].split("; ")
    assert all(re.match(STAMP, line) for line in lines)
    told = [line.split(" ", 1)[1] for line in lines]
    wanted = (
        "dialed a", "answered", "flow f@1", "prompt_started enter", "digit x rfc4733",
        "field pin = xxxx", "digit 5 rfc4733", "field sum = 500", "prompt_started thanks",
        "prompt_ended thanks", "result paid", "released by them", "try 1 answered",
    )  # fmt: skip
    places = [told.index(one) for one in wanted]
    assert places == sorted(places)
    assert (rows[0]["outcome"], rows[0]["disposition"]) == ("answered", "paid")
    about = json.loads(run(number_command, "export", rows[0]["original"], *data))
    (tried,) = about["campaigns"][0]["attempts"]
    assert [f"{e['kind']} {e['detail']}".strip() for e in tried["events"]] == told[:-1]
    assert tried["flow_fields"]["sum"] == "500"
