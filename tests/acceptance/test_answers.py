"""Who and what answers real calls: SIPp plays it, the daemon hears it, the store says what it was.

One daemon and one campaign; each kind of answer is a trunk of its own, reached by its prefix.
"""

import contextlib

import numpy as np
import pytest

from bench.answer_audio import recorded
from bench.tone_audio import PLAN, made
from bench.tone_audio import Line as Clean
from dialerd.core.detection_spec import DetectionSpec
from dialerd.core.records import Answerer, EventKind, LeadState, Outcome
from dialerd.core.step_spec import StepSpec
from dialerd.detect.bank_file import Kind, write_announcement
from dialerd.detect.bank_prints import prints_of
from dialerd.store import open_store
from tests.daemon.test_daemon import broadcast, people, until_finished
from tests.interop.meeting import talker
from tests.interop.sipp import SCENARIOS

pytestmark = [pytest.mark.interop, pytest.mark.xdist_group("answers")]  # one daemon for all
FIRST = 84_912_000_000
RING_S = 30
TRUNK = """
[[trunk]]
name = "{name}"
host = "127.0.0.1"
port = {port}
channels = 10
calls_per_s_max = 50
loopback = true
tones = "all"
prefixes = ["{number}"]
"""
QUIET = np.zeros(4_000)


def level(samples):
    return np.asarray(samples, float) * 32_767


def clips(kind, least_s, most_s):
    return next(
        level(one.samples)
        for one in recorded("held out")
        if one.kind == kind and least_s < len(one.samples) / 8_000 < most_s
    )


def tone(name):
    return made(PLAN[name][2], Clean(), np.random.default_rng(1)).astype(float)


def talks_on():
    """A word, then, when it has passed for a person's, the greeting of a machine."""
    return np.concatenate([QUIET, clips("word", 0.3, 0.9), QUIET, QUIET, clips("machine", 4, 7)])


def off():
    """What a carrier says of a telephone that is switched off."""
    return clips("announcement", 5, 15)


def scenario_of(name, scenario, home):
    """That of the tests, or one that ends with the status that the line's name has."""
    status = name.partition("-")[2]
    if not status:
        return scenario
    told = (SCENARIOS / f"{scenario}.xml").read_text()
    assert told.count("487 Request Terminated") == 1
    (home / "own.xml").write_text(told.replace("487 Request Terminated", f"{status} Ended"))
    return str(home / "own")


def sounds():
    """Name, scenario and audio of every line."""
    calm = np.random.default_rng(4)
    beep = 9_000 * np.sin(2 * np.pi * 1000 * np.arange(4_000) / 8_000)
    lines = {
        "machine": ("talks", np.concatenate([QUIET, clips("machine", 4, 7), QUIET, beep])),
        "person": ("talks", np.concatenate([QUIET, clips("word", 0.3, 0.9), np.zeros(24_000)])),
        "endless": ("talks", np.concatenate([talks_on(), QUIET, beep])),
        "fax": ("talks", tone("fax ced")),
        "calling": ("talks", tone("fax cng")),
        "nobody": ("talks", np.zeros(96_000)),
        "gone": ("talks", tone("busy 425")),
        "busy": ("says_early", tone("busy 425")),
        "off": ("says_early", np.concatenate([QUIET, off(), QUIET])),
        "off-480": ("says_early", np.concatenate([QUIET, off(), QUIET])),
        "off-486": ("says_early", np.concatenate([QUIET, off(), QUIET])),
        "vacant": ("says_early", tone("sit vacant")),
    }
    return {
        name: (scenario, audio + calm.normal(0, 6, len(audio)))
        for name, (scenario, audio) in lines.items()
    }


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """Attempt and history of each line."""
    from tests.daemon.conftest import Daemon

    folder = tmp_path_factory.mktemp("answers")
    found, lines = {}, sounds()
    with contextlib.ExitStack() as ends:
        more = 'prefixes = ["849999"]\n'
        for number, (name, (scenario, audio)) in enumerate(lines.items()):
            samples = np.clip(np.rint(audio), -32_768, 32_767).astype(np.int16)
            home = folder / name
            home.mkdir()
            peer, _ = ends.enter_context(
                talker(home, samples, 8, scenario=scenario_of(name, scenario, home))
            )
            more += TRUNK.format(name=name, port=peer.port, number=FIRST + number)
        whole = np.rint(off()).astype(np.int16)
        write_announcement(
            folder / "bank",
            prints_of(whole),
            label="off",
            kind=Kind.SWITCHED_OFF,
            carrier="viettel",
        )
        d = Daemon(folder, more=more + '[detection]\nannouncements = "bank"\n')
        ends.callback(d.end)
        d.start()
        with d.ready() as client:
            people(folder, len(lines), FIRST)
            detection = DetectionSpec(
                machines=True,
                verdict_s=6.0,
                on_machine="leave_message",
                machine_prompt="en/thanks",
            )
            twice = StepSpec(prompt="en/thanks", plays=2, pause_ms=2_000)
            broadcast(client, detection=detection, ring_s_max=RING_S, steps=(twice,))
            until_finished(client)
        assert d.stop()[0] == 0
    store = open_store(folder / "data", readonly=True)
    for page in store.report(1):
        for row in page:
            (attempt, events) = row.attempts[-1]
            found[attempt.trunk] = attempt, events
            if attempt.trunk.startswith("off"):
                assert row.lead.state is LeadState.UNREACHABLE
    assert store.problems() == []
    store.close()
    return found


def details(events, kind):
    return [event.detail for event in events if event.kind is kind]


def at_ms(events, kind):
    return next(event.at_ms for event in events if event.kind is kind)


def test_a_machine_is_left_a_message_behind_its_beep(books):
    attempt, events = books["machine"]
    assert (attempt.outcome, attempt.answerer) == (Outcome.MACHINE, Answerer.MACHINE)
    assert attempt.verdict_ms < 6_000
    assert [one.split()[0] for one in details(events, EventKind.HEARD)] == ["beep"]
    assert details(events, EventKind.PROMPT_STARTED) == ["en/thanks"]
    assert at_ms(events, EventKind.PROMPT_STARTED) >= at_ms(events, EventKind.HEARD)
    assert at_ms(events, EventKind.VERDICT) < at_ms(events, EventKind.HEARD)
    assert EventKind.PROMPT_ENDED in {event.kind for event in events}


def test_a_person_hears_the_message(books):
    attempt, events = books["person"]
    assert (attempt.outcome, attempt.answerer) == (Outcome.ANSWERED, Answerer.HUMAN)
    assert at_ms(events, EventKind.VERDICT) <= at_ms(events, EventKind.PROMPT_STARTED)
    assert attempt.verdict_sure > 0.5


def test_a_machine_that_passed_for_a_person_is_left_its_message_after_all(books):
    """Its flow had begun, and is stopped by the second verdict."""
    attempt, events = books["endless"]
    assert (attempt.outcome, attempt.answerer) == (Outcome.MACHINE, Answerer.HUMAN)
    assert attempt.revised is Answerer.MACHINE
    assert attempt.verdict_ms < attempt.revised_ms
    kinds = [one.kind for one in events]
    flow, message = [at for at, one in enumerate(kinds) if one is EventKind.PROMPT_STARTED]
    first, second = [at for at, one in enumerate(kinds) if one is EventKind.VERDICT]
    assert first < flow < second < message
    assert details(events, EventKind.PROMPT_STARTED)[1] == "en/thanks"
    assert details(events, EventKind.HEARD)[-1].startswith("beep")


def test_a_fax_is_hung_up_on(books):
    attempt, events = books["fax"]
    assert attempt.outcome is Outcome.MACHINE
    assert details(events, EventKind.HEARD)[0].startswith("fax ced")
    assert not details(events, EventKind.PROMPT_STARTED)
    assert attempt.released_by == "us"


def test_a_busy_tone_after_the_answer_means_that_nobody_is_there(books):
    attempt, events = books["gone"]
    assert attempt.outcome is Outcome.ANSWERED
    assert details(events, EventKind.HEARD)[0].startswith("busy busy")
    assert attempt.released_by == "us"


def test_a_fax_that_calls_is_hung_up_on(books):
    attempt, events = books["calling"]
    assert attempt.outcome is Outcome.MACHINE
    assert details(events, EventKind.HEARD)[-1].startswith("fax cng")
    assert attempt.released_by == "us"


def test_of_an_answer_that_says_nothing_nothing_is_known(books):
    """It is no machine, and hears the message once the doubt has lasted long enough."""
    attempt, events = books["nobody"]
    assert attempt.outcome is Outcome.ANSWERED
    assert attempt.answerer in {None, Answerer.UNKNOWN}
    assert {one.split()[0] for one in details(events, EventKind.HEARD)} <= {"silence"}
    assert set(details(events, EventKind.PROMPT_STARTED)) == {"en/thanks"}


@pytest.mark.parametrize(
    ("name", "outcome", "heard"),
    [
        ("busy", Outcome.BUSY, "busy busy"),
        ("vacant", Outcome.INVALID, "sit vacant"),
        ("off", Outcome.UNREACHABLE, "announcement switched_off:viettel:off"),
        ("off-480", Outcome.UNREACHABLE, "announcement switched_off:viettel:off"),
        ("off-486", Outcome.UNREACHABLE, "announcement switched_off:viettel:off"),
    ],
)
def test_row_67_what_is_heard_before_the_answer_says_what_became_of_the_call(
    books, name, outcome, heard
):
    """And the call is ended at once."""
    attempt, events = books[name]
    assert attempt.outcome is outcome
    assert attempt.answered_ms == 0
    assert attempt.answerer is None
    assert details(events, EventKind.HEARD)[0].startswith(heard)
    assert attempt.ended_ms - attempt.begun_ms < RING_S * 1_000, "not at the ring limit"
