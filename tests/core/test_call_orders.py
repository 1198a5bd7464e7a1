"""Any order of events on one call: it never raises, and ends with exactly one Finish."""

from hypothesis import given
from hypothesis import strategies as st

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.call import ADVANCING, ENDED
from dialerd.core.ops import BeginDial
from dialerd.core.records import SPOKEN, EventKind, Outcome
from tests.core.build import T0, call, finishes, only, ops
from tests.core.world import NS

STEPS = st.one_of(
    st.builds(ev.Ringing, st.sampled_from([1, 2]), st.booleans()),
    st.builds(ev.Answered, st.sampled_from([1, 2])),
    st.builds(
        ev.Released,
        st.sampled_from([1, 2, 3]),
        st.sampled_from(list(Outcome)),
        st.sampled_from([0, 200, 486, 503]),
        st.just(0),
        st.sampled_from(["us", "them", "timeout"]),
        st.booleans(),
    ),
    st.builds(ev.Digit, st.sampled_from([1, 2]), st.sampled_from(list("0129*#A"))),
    st.builds(ev.MediaLost, st.sampled_from([1, 2])),
    st.builds(ev.PlayEnded, st.sampled_from([1, 2]), st.integers(0, 6)),
    st.builds(
        ev.Recorded,
        st.sampled_from([1, 2]),
        st.just("d/x.wav"),
        st.floats(0, 10),
        st.integers(44, 9_999),
        st.just(2),
    ),
    st.sampled_from(["tick", "hang_up", "give_up", "advance"]),
    st.floats(0, 60),
)


@given(st.lists(STEPS, max_size=60))
def test_any_order_of_events_ends_with_one_finish(steps):
    out = []
    one = call(out)
    one.dial("a", "any", 1, T0)
    now_ns, leg = T0, 1
    for step in steps:
        match step:
            case float():
                now_ns += round(step * NS)
            case "tick":
                one.tick(now_ns)
            case "hang_up":
                one.hang_up(now_ns)
            case "give_up":
                one.give_up(now_ns)
            case "advance":
                if one.state is ADVANCING:
                    leg += 1
                    one.dial(f"t{leg}", "any", leg, now_ns)
            case _:
                one.handle(step, now_ns)
    for _ in range(50):  # left alone, its deadlines end it
        if one.state is ENDED:
            break
        now_ns = max(now_ns, one.deadline_ns)
        one.tick(now_ns)
    assert one.state is ENDED
    (finish,) = finishes(out)
    assert out.index(next(e for e in out if isinstance(e, fx.Write) and finish in e.ops)) == max(
        i for i, e in enumerate(out) if isinstance(e, fx.Write)
    )
    assert [e.kind for e in finish.events].count(EventKind.RELEASED) == 1
    assert (finish.outcome in SPOKEN) == bool(finish.answered_ms)
    assert finish.heard == bool(only(out, fx.Play))
    assert len(only(out, fx.Dial)) == len(ops(out, BeginDial)) == one._legs
    releases = [e.leg for e in only(out, fx.Release)]
    assert len(releases) == len(set(releases))
    last_release = max((i for i, e in enumerate(out) if isinstance(e, fx.Release)), default=None)
    if last_release is not None:
        assert not [e for e in out[last_release:] if isinstance(e, fx.Play | fx.StopPlay | fx.Dial)]
