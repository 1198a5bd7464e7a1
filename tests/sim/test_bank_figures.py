"""What a bank did in a run, told by its ledger."""

from __future__ import annotations

from dialerd.sim.bank_figures import Away, BankFigures, bank_figures
from dialerd.sim.ledger import Ended, Entry, Seen, join, merged, renamed


def call(n: int, at_ms: int, slot: str, *, answered: bool = False) -> list[Entry]:
    user = f"8492000000{n}"
    what = "answered" if answered else "rejected"
    return [
        Seen(at_ms, "v", f"1-{n}", user, slot),
        Ended(at_ms + 9, "v", f"1-{n}", user, what, "called", answered_ms=at_ms * answered,
              rtp_received=50 * answered),
    ]  # fmt: skip


BOOKS = join(
    call(1, 1_000, "slot00", answered=True) + call(2, 2_000, "slot01") + call(3, 9_000, "slot00")
)


def test_calls_round_a_port_are_those_of_the_others_meanwhile():
    away = Away("slot00", 1_500, 4_000)
    found = bank_figures(BOOKS, 2, 1, away, seen=True)
    assert found == BankFigures(
        ports=2, ready_max=1, calls=3, answered=1, rtp_received=50, lost="slot00", lost_s=2.5,
        lost_seen=True, lost_calls=0, around=1,
    )  # fmt: skip


def test_a_call_by_the_port_itself_would_be_seen():
    found = bank_figures(BOOKS, 2, 2, Away("slot01", 1_500), seen=False)
    assert (found.lost_calls, found.around, found.lost_s) == (1, 1, 0.0)


def test_a_run_in_which_no_port_was_lost():
    found = bank_figures(BOOKS, 2, 2, None, seen=False)
    assert (found.lost, found.around, found.calls) == ("", 0, 3)


def test_ledgers_are_merged_by_time_with_what_is_wrong_in_them():
    other = join([*call(4, 1_500, "slot01"), None])
    both = merged(BOOKS, other)
    assert [one.seen.call_id for one in both.calls] == ["1-1", "1-4", "1-2", "1-3"]
    assert both.damaged == 1


def test_a_call_is_renamed_whole():
    again = renamed(BOOKS.calls[0], "x")
    assert again.ended is not None
    assert (again.seen.call_id, again.ended.call_id) == ("x", "x")
    assert BOOKS.calls[0].seen.call_id == "1-1"
