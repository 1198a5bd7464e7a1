"""What a called person hears of a campaign: an imported prompt and an amount, to the bit."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dialerd.core import control as api
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.prompts_view import PromptChanged
from dialerd.core.records import Contact, EventKind, Outcome
from dialerd.core.spoken import SayKind
from dialerd.core.step_spec import SaySpec, StepSpec
from dialerd.shell.prompts import SAMPLES, load_prompt
from dialerd.store import open_store, wait
from dialerd.store.prompt_library import library_of
from tests.daemon.gateway import Gateway
from tests.daemon.test_daemon import until_finished
from tests.shell.audio_files import speechlike, write_wav

WORDS = ("ba", "tram", "linh", "nam", "nghin", "dong")


def frames(pcma: bytes) -> bytes:
    """As the engine sends it: whole frames, the last filled up with silence."""
    return pcma + b"\xd5" * (-len(pcma) % 160)


def test_an_imported_prompt_and_an_amount_are_heard_in_one_piece(daemon, tmp_path):
    recording = write_wav(tmp_path / "due.wav", speechlike(0.8, 16_000), 16_000)
    with Gateway() as gateway:
        d = daemon(gateway=gateway.port).start()
        with d.ready() as client:
            command = [sys.executable, "-m", "dialerd", "prompt", "add", str(recording), "--lang",
                       "vi", "-c", str(d.folder / "dialerd.toml")]  # fmt: skip
            subprocess.run(command, check=True, timeout=200)
            store = open_store(d.folder / "data")
            made = wait(store.create_list("people", 1))
            row = Contact(84912000000, "0912000000", "vinaphone", {"amount": "305.000đ"})
            wait(store.add_contacts(made.list_id, [row]))
            store.close()
            step = StepSpec(chain=("vi/due", SaySpec(say=SayKind.MONEY, value="{amount}")))
            spec = CampaignSpec(name="b", list="people", regime="loopback", steps=(step,))
            client.call(api.CreateCampaign(spec=spec, who="test"))
            gone = PromptChanged(name="vi/due", remove=True)
            with pytest.raises(api.Conflict, match="vi/due is used by b"):
                client.call(gone)
            for action in (api.CampaignAction.APPROVE, api.CampaignAction.START):
                client.call(api.ActOnCampaign(campaign="b", action=action, who="test"))
            books = until_finished(client)
            said = [library_of(d.folder / "data").get("vi/due").pcma]
            assert "neither imported" in client.call(gone).why
            assert "vi/due" not in library_of(d.folder / "data")
        d.stop()
        heard = gateway.heard()
    assert books.outcomes[Outcome.ANSWERED] == 1
    said += [load_prompt(SAMPLES / "vi" / "words" / f"{word}.wav").pcma for word in WORDS]
    assert b"".join(map(frames, said)) in heard
    store = open_store(d.folder / "data", readonly=True)
    lead = store.lead(1, 1)
    store.close()
    history = [(e.kind, e.detail) for e in lead.attempts[-1][1]]
    assert (EventKind.PROMPT_ENDED, "vi/due + money {amount}") in history
