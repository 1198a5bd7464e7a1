"""`dialerd webhook`: made, shown, paused, resumed, removed beside the HTTP process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dialerd.cli import main
from dialerd.store import open_store

URL = "https://crm.example.com/calls"


@pytest.fixture
def store(config: Path) -> None:
    """A store that a daemon has made."""
    open_store(config.parent / "data").close()


@pytest.mark.usefixtures("store")
def test_a_webhook_from_its_beginning_to_its_end(command) -> None:
    made = json.loads(command("webhook", "add", "crm", URL, "-o", "json").out)
    assert made["secret"].startswith("whsec_")
    again = command("webhook", "add", "crm", URL)
    assert (again.code, "already" in again.err) == (main.FAILED, True)
    assert made["secret"] not in command("webhook", "ls", "-o", "json").out
    assert "nothing told yet" in command("webhook", "list").out  # the other name of ls
    assert command("webhook", "pause", "crm").code == 0
    assert "paused: by a person" in command("webhook", "ls").out
    assert command("webhook", "resume", "crm").code == 0
    shown = json.loads(command("webhook", "show", "crm", "-o", "json").out)
    assert (shown["paused"], shown["url"], shown["deliveries"]) == ("", URL, [])
    assert "whsec" not in str(shown)
    lines = command("webhook", "show", "crm").out.splitlines()
    facts = {name: text.strip() for name, _, text in (line.partition(" ") for line in lines)}
    assert (facts["url"], facts["campaigns"]) == (URL, "all")
    assert facts["created_at"].endswith("+07:00")
    assert command("webhook", "remove", "crm").code == 0
    assert json.loads(command("webhook", "ls", "-o", "json").out) == []
    assert "webhook rm crm" in command("audit", "list").out


@pytest.mark.usefixtures("store")
def test_what_is_refused(command) -> None:
    for name, url in (("a b", URL), ("", URL), ("crm", "ftp://x.example"), ("crm", "http://x.io/")):
        refused = command("webhook", "add", name, url)
        assert (refused.code, refused.out) == (main.FAILED, ""), (name, url)
        assert "name" in refused.err or "url" in refused.err
    for verb in ("show", "pause", "resume", "rm"):
        refused = command("webhook", verb, "nosuch")
        assert (refused.code, "no webhook" in refused.err) == (main.FAILED, True)
