"""`dialerd prompt` on real files, a real data folder and a real control socket."""

from __future__ import annotations

import json
import wave

import numpy as np
import pytest

from dialerd.core.records import CampaignSettings, CampaignState, Flow, FlowStep
from dialerd.store import open_store, wait
from dialerd.store.prompt_library import library_of
from fastpath import g711
from tests.shell.audio_files import aligned_correlation, speechlike, write_wav
from tests.store.kit import filled_list, people


@pytest.fixture
def recording(tmp_path):
    return write_wav(tmp_path / "Chào mừng.wav", (speechlike(2.0) * 0.2).astype(np.int16))


def test_import_list_show_hear_and_remove(command, recording, tmp_path):
    done = command("prompt", "add", str(recording), "--lang", "vi")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("vi/chao-mung: 2.0 s, -20.0 dBov (was -3")
    listed = json.loads(command("prompt", "ls", "--json").out)
    assert [(p["name"], p["lang"], p["seconds"]) for p in listed] == [("vi/chao-mung", "vi", 2.0)]
    assert "Chào mừng.wav" in command("prompt", "ls").out
    shown = command("prompt", "show", "vi/chao-mung").out
    assert "used by   no campaign" in shown
    assert "pcm_s16le in wav, 8000 Hz, 1 channel(s)" in shown
    heard = tmp_path / "heard.wav"
    assert command("prompt", "play", "vi/chao-mung", "-o", str(heard)).code == 0
    with wave.open(str(heard)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
        samples = np.frombuffer(file.readframes(1 << 20), "<i2")
    assert aligned_correlation(speechlike(2.0), samples)[0] > 0.999
    assert command("prompt", "rm", "vi/chao-mung").out == "vi/chao-mung removed\n"
    assert json.loads(command("prompt", "ls", "--json").out) == []


def test_a_sample_can_be_heard_in_either_law(command, tmp_path):
    heard = tmp_path / "heard.wav"
    for more, law in (((), g711.ulaw_decode), (("--alaw",), g711.alaw_decode)):
        assert command("prompt", "play", "en/thanks", "-o", str(heard), *more).code == 0
        with wave.open(str(heard)) as file:
            samples = np.frombuffer(file.readframes(1 << 20), "<i2")
        assert set(samples.tolist()) <= set(law(bytes(range(256))).tolist())


def test_what_is_wrong_with_the_recording_is_said(command, tmp_path):
    loud = np.clip(speechlike(2.0).astype(int) * 9, -32768, 32767).astype(np.int16)
    done = command("prompt", "add", str(write_wav(tmp_path / "loud.wav", loud)), "--json")
    assert done.code == 0
    assert "clipped" in json.loads(done.out)["warnings"][0]
    again = command("prompt", "add", str(tmp_path / "loud.wav"), "--replace", "--level", "-26")
    assert again.out.startswith("loud: 2.0 s, -26.0 dBov")
    assert again.err.startswith("warning: clipped:")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("none.wav",), "none.wav: no such file"),
        (("dialerd.toml",), "dialerd.toml: not audio that can be read"),
        (("a.wav", "--name", "../x"), "'../x' cannot be the name of a prompt"),
        (("a.wav", "--level", "3"), "a level of 3 dBov: -36 to -12 are made"),
        (("silent.wav",), "of silence: is it the right file"),
    ],
)
def test_what_cannot_be_imported_is_told_what_to_do(command, config, more, says):
    write_wav(config.parent / "a.wav", speechlike(0.5))
    write_wav(config.parent / "silent.wav", np.zeros(8000, np.int16))
    done = command("prompt", "add", str(config.parent / more[0]), *more[1:])
    assert done.code == 1
    assert says in done.err
    assert done.err.startswith("error: ")
    assert not (config.parent / "data" / "prompts").exists()


def test_a_name_that_is_taken_and_a_name_that_is_none(command, recording):
    assert command("prompt", "add", str(recording), "--name", "vi/chao").code == 0
    done = command("prompt", "add", str(recording), "--name", "vi/chao")
    assert (done.code, done.out) == (1, "")
    assert "--replace takes its place" in done.err
    for verb in ("show", "rm"):
        done = command("prompt", verb, "vi/chaos")
        assert done.code == 1
        assert "did you mean vi/chao?" in done.err


def test_a_prompt_that_a_campaign_uses_stays(command, config, recording):
    command("prompt", "add", str(recording), "--name", "vi/chao")
    store = open_store(config.parent / "data")
    found = filled_list(store, "people", people(1))
    flow = Flow((FlowStep("a", "vi/chao"),))
    made = wait(store.create_campaign(CampaignSettings("tet", found, flow, "loopback"), "an", 1))
    store.close()
    done = command("prompt", "rm", "vi/chao")
    assert done.code == 1
    assert "vi/chao is used by tet: finish it first" in done.err
    assert "used by   tet" in command("prompt", "show", "vi/chao").out
    store = open_store(config.parent / "data")
    for state in (CampaignState.APPROVED, CampaignState.FINISHED):
        wait(store.move_campaign(made.campaign_id, state, "an", 2, ""))
    store.close()
    assert command("prompt", "rm", "vi/chao").code == 0


def test_another_recording_for_an_approved_campaign_names_it(command, config, recording):
    command("prompt", "add", str(recording), "--name", "vi/chao")
    store = open_store(config.parent / "data")
    found = filled_list(store, "people", people(1))
    flow = Flow((FlowStep("a", "vi/chao"),))
    made = wait(store.create_campaign(CampaignSettings("tet", found, flow, "loopback"), "an", 1))
    store.close()
    again = ("prompt", "add", str(recording), "--name", "vi/chao", "--replace")
    assert command(*again).err == "", "a draft plays nothing"
    store = open_store(config.parent / "data")
    wait(store.move_campaign(made.campaign_id, CampaignState.APPROVED, "an", 2, ""))
    store.close()
    assert command(*again).err == (
        "warning: tet: approved, will play this recording from the next call on\n"
    )
    assert "tet: approved" in json.loads(command(*again, "--json").out)["warnings"][0]


def test_the_place_of_a_sample_or_a_file_is_only_taken_when_asked(command, config, recording):
    done = command("prompt", "add", str(recording), "--name", "en/thanks")
    assert done.code == 1
    assert "en/thanks is one of the samples: --replace takes its place" in done.err
    assert command("prompt", "ls", "--json").out.strip() == "[]"
    assert command("prompt", "add", str(recording), "--name", "en/thanks", "--replace").code == 0
    with config.open("a") as file:
        file.write('[media]\nprompts = "files"\n')
    (config.parent / "files").mkdir()
    write_wav(config.parent / "files" / "own.wav", speechlike(0.5))
    done = command("prompt", "add", str(recording), "--name", "own")
    assert done.code == 1
    assert "own is played from" in done.err


def test_a_running_daemon_is_told_and_removes(command, daemon, config, recording):
    assert command("prompt", "add", str(recording), "--name", "vi/chao").code == 0
    daemon.desk.shelf = library_of(config.parent / "data")
    assert command("prompt", "rm", "vi/chao").code == 0
    assert daemon.desk.prompts_changed == ["vi/chao", "vi/chao"]
    assert json.loads(command("prompt", "ls", "--json").out) == []
