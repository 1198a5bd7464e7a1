"""Calls that an earlier process left behind, ended by the lines it kept."""

from __future__ import annotations

import random

import pytest

from sip.accounts.auth import Credentials
from sip.calls.journal import Keep
from sip.calls.orphan import Cleared, Old, Orphans
from sip.limits import FORKS_MAX, ORPHANS_PER_STEP, SECOND
from tests.sip.net import ANSWER, THEM, Us, invite, peer_bye, reply

CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth"\r\n'


class Before:
    """A process that is gone: the line it kept last, the INVITE it sent, what it acknowledged."""

    def __init__(self, seed: int = 1, **changes):
        us = self.us = Us(seed=seed)
        self.line = us.endpoint.invite(invite(journaled=True, **changes), us.now_ns).line
        self.leg = changes.get("leg", 1)
        us.endpoint.go_on(self.leg, us.now_ns)
        us.pump()
        self.sent = us.last()

    def hears(self, code, **parts):
        self.us.receive(reply(self.sent, code, **parts))
        for event in self.us.told():
            if isinstance(event, Keep):
                self.line = event.line
        return self

    def answered(self, **parts):
        return self.hears(180, **parts).hears(200, body=ANSWER, **parts)


class After(Us):
    """The process that follows."""

    def __init__(self, *lines, credentials=None):
        super().__init__(seed=99)
        self.orphans = Orphans(self.endpoint.layer)
        olds = [Old(n, line, credentials) for n, line in enumerate(lines, 1)]
        self.orphans.end(olds, self.now_ns)
        self.pump()

    def how(self):
        return [(event.number, event.how) for event in self.told()]


def methods(us):
    return [m.method or m.status for m in us.take()]


def test_who_was_answered_gets_an_ack_and_a_bye():
    before = Before().answered(contact="<sip:c@192.0.2.9:5099>")
    after = After(before.line)
    assert {s.target for s in after.sent} == {("192.0.2.9", 5099, 0)}
    ack, bye = after.take()
    assert (ack.method, bye.method) == ("ACK", "BYE")
    for message in (ack, bye):
        assert message.uri == b"sip:c@192.0.2.9:5099"
        assert message.call_id == before.sent.call_id
        assert message.from_tag == before.sent.from_tag
        assert message.to_tag == b"them"
    assert ack.cseq == before.sent.cseq
    assert bye.cseq > before.sent.cseq + 1_000, "what was sent meanwhile has lower numbers"
    assert after.told() == []
    after.receive(reply(bye, 200))
    assert after.how() == [(1, "hung up")]
    assert after.run(40_000) == []
    assert after.empty()


def test_the_route_set_is_travelled_as_before():
    records = "Record-Route: <sip:a@192.0.2.7;lr>\r\nRecord-Route: <sip:s@192.0.2.8>\r\n"
    before = Before().answered(contact="<sip:c@192.0.2.9>", extra=records)
    before.us.endpoint.go_on(1, before.us.now_ns)
    before.us.pump()
    before.us.release()
    ours = before.us.last()
    after = After(before.line)
    _, bye = after.take()
    assert (bye.uri, bye.get_all("Route")) == (ours.uri, ours.get_all("Route"))
    assert bye.uri == b"sip:s@192.0.2.8"


@pytest.mark.parametrize("code", [200, 481, 408, 0])
def test_a_call_that_is_gone_at_the_far_end_is_hung_up_too(code):
    after = After(Before().answered().line)
    bye = after.take()[-1]
    if code:
        after.receive(reply(bye, code))
    else:
        again = [m.method for _, m in after.run(33_000)]
        assert set(again) == {"BYE"}
        assert len(again) == 10  # timer E: 0.5, 1, 2, then each 4 s
    assert after.how() == [(1, "hung up")]


def test_a_bye_that_is_refused_is_told_as_such():
    after = After(Before().answered().line)
    after.receive(reply(after.take()[-1], 403))
    (told,) = after.told()
    assert (told.how, told.why) == ("lost", "its BYE was answered 403")


def test_a_challenged_bye_goes_again_with_credentials():
    after = After(Before().answered().line, credentials=Credentials("u", "p"))
    first = after.take()[-1]
    after.receive(reply(first, 401, extra=CHALLENGE))
    (second,) = after.take()
    assert b"Authorization: Digest" in second.data
    assert second.cseq == first.cseq + 1
    after.receive(reply(second, 200))
    assert after.how() == [(1, "hung up")]


def test_a_challenge_without_credentials_is_lost():
    after = After(Before().answered().line)
    after.receive(reply(after.take()[-1], 401, extra=CHALLENGE))
    assert after.how() == [(1, "lost")]


def test_a_repeated_answer_of_an_answered_call_gets_its_ack_for_32_s():
    before = Before().answered()
    after = After(before.line)
    ack, bye = after.take()
    after.receive(reply(bye, 200))
    for _ in range(3):
        after.run(10_000)
        after.receive(reply(before.sent, 200, body=ANSWER))
        (again,) = after.take()
        assert again.data == ack.data
    after.run(2_100)
    after.receive(reply(before.sent, 200, body=ANSWER))
    assert after.take() == []
    assert after.empty()


def test_another_branch_that_answers_late_is_hung_up_too():
    before = Before().answered()
    after = After(before.line)
    after.receive(reply(after.take()[-1], 200))
    after.told()
    after.receive(reply(before.sent, 200, tag="second", body=ANSWER))
    ack, bye = after.take()
    assert (ack.method, ack.to_tag, bye.method, bye.to_tag) == ("ACK", b"second", "BYE", b"second")
    after.receive(reply(bye, 200))
    assert after.told() == []  # it has been told of
    after.run(40_000)
    assert after.empty()


def test_no_more_branches_than_there_can_be():
    before = Before().hears(180)
    after = After(before.line)
    after.take()
    for n in range(FORKS_MAX + 4):
        after.receive(reply(before.sent, 200, tag=f"t{n}", body=ANSWER))
    assert methods(after).count("BYE") == FORKS_MAX


def test_who_rang_is_cancelled_on_the_branch_of_the_invite():
    before = Before(routes=("<sip:192.0.2.77;lr>",)).hears(180)
    after = After(before.line)
    (cancel,) = after.take()
    sent = before.sent
    assert cancel.method == "CANCEL"
    assert (cancel.uri, cancel.branch, cancel.cseq) == (sent.uri, sent.branch, sent.cseq)
    assert (cancel.from_value, cancel.to_value) == (sent.from_value, sent.to_value)
    assert cancel.get_all("Via") == sent.get_all("Via")
    assert cancel.get_all("Route") == sent.get_all("Route")
    after.receive(reply(cancel, 200))
    after.receive(reply(sent, 487))
    (ack,) = after.take()
    assert (ack.method, ack.branch, ack.to_tag) == ("ACK", sent.branch, b"them")
    assert after.how() == [(1, "cancelled")]
    after.receive(reply(sent, 487))  # repeated: acknowledged again
    assert methods(after) == ["ACK"]
    after.run(40_000)
    assert after.empty()


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up():
    before = Before().hears(180)
    after = After(before.line)
    after.receive(reply(after.take()[0], 200))
    after.receive(reply(before.sent, 200, body=ANSWER, contact="<sip:c@192.0.2.9>"))
    ack, bye = after.take()
    assert (ack.method, ack.cseq, bye.method, bye.cseq) == ("ACK", 1, "BYE", 2)
    assert bye.uri == b"sip:c@192.0.2.9"
    after.receive(reply(bye, 200))
    assert after.how() == [(1, "hung up")]


def test_a_cancel_that_nobody_answers_is_repeated_and_then_it_is_over():
    after = After(Before().hears(180).line)
    assert [m.method for _, m in after.run(33_000)] == ["CANCEL"] * 10
    assert after.how() == [(1, "cancelled")]
    assert after.empty()


def test_what_was_never_heard_of_is_not_cancelled_but_listened_for():
    """9.1: no CANCEL before a provisional response; and its INVITE is not sent again."""
    before = Before()
    after = After(before.line)
    assert after.run(60_000) == []
    assert after.take() == []
    after.receive(reply(before.sent, 180))
    assert methods(after) == ["CANCEL"]


def test_what_was_never_heard_of_is_hung_up_when_it_answers():
    before = Before()
    after = After(before.line)
    after.run(90_000)
    after.receive(reply(before.sent, 200, body=ANSWER))
    assert methods(after) == ["ACK", "BYE"]


def test_what_is_never_heard_of_ends_by_itself():
    after = After(Before().line)
    assert after.run(301_000) == []
    assert after.how() == [(1, "silent")]
    assert after.empty()


@pytest.mark.parametrize("heard", [False, True])
def test_a_refusal_is_acknowledged_and_its_end(heard):
    before = Before()
    if heard:
        before.hears(100)
    after = After(before.line)
    after.take()
    after.receive(reply(before.sent, 486))
    assert methods(after) == ["ACK"]
    assert after.how() == [(1, "cancelled" if heard else "refused")]
    after.run(40_000)
    assert after.empty()


def test_a_bye_of_the_far_end_finds_no_call():
    before = Before().answered()
    after = After(before.line)
    after.take()
    after.receive(peer_bye(after, before.sent))
    assert after.last().status == 481


def test_an_answer_with_a_route_that_cannot_be_travelled_is_hung_up_where_it_came_from():
    before = Before().hears(180)
    after = After(before.line)
    after.take()
    broken = "Record-Route: <>\r\n"
    after.receive(reply(before.sent, 200, body=ANSWER, extra=broken))
    assert {s.target for s in after.sent} == {THEM}
    assert methods(after) == ["ACK", "BYE"]


@pytest.mark.parametrize("line", [b"", b"\xc1", b"rubbish", b"\x90"])
def test_a_line_that_cannot_be_read_is_told_and_stops_nobody(line):
    after = After(line, Before().hears(180).line)
    (told,) = after.told()
    assert (told.number, told.how) == (1, "lost")
    assert told.why
    assert methods(after) == ["CANCEL"]


@pytest.mark.parametrize("place", range(0, 300, 7))
def test_a_damaged_line_raises_nothing(place):
    """The store's checksum would have told; yet nothing of a file may raise, or add a line."""
    for line in (Before().hears(180).line, Before().answered().line):
        whole = [send.data.count(b"\n") for send in After(line).sent]
        for flip in (0x5A, 0x67, 0x2A, 0x2D):
            broken = bytearray(line)
            broken[place % len(broken)] ^= flip
            sent = [send.data.count(b"\n") for send in After(bytes(broken)).sent]
            assert sent in ([], whole)


def test_thousands_are_ended_in_steps_and_those_that_talk_first():
    ringing = Before().hears(180).line
    talking = Before().answered().line
    count = 4 * ORPHANS_PER_STEP
    after = After(*([ringing] * count), *([talking] * count))
    first = after.take()
    assert len(first) == 2 * ORPHANS_PER_STEP
    assert {m.method for m in first} == {"ACK", "BYE"}
    assert len(after.orphans) == 2 * count - ORPHANS_PER_STEP
    later = after.run(7 * 20 + 20)
    assert len(after.orphans) == 0
    said = [m.method for _, m in later]
    assert said.count("BYE") == 3 * ORPHANS_PER_STEP
    assert said.count("CANCEL") == count
    assert said.index("CANCEL") == len(said) - count


def test_500_have_left_within_half_a_second_of_virtual_time():
    lines = [Before(seed=n).answered().line for n in range(1_000, 1_250)]
    lines += [Before(seed=n).hears(180).line for n in range(1_250, 1_500)]
    after = After(*lines)
    began_ns = after.now_ns
    done = {m.branch for m in after.take() if m.method in {"BYE", "CANCEL"}}
    done |= {m.branch for _, m in after.run(500) if m.method in {"BYE", "CANCEL"}}
    assert len(done) == 500
    assert after.now_ns - began_ns <= SECOND // 2


def test_new_calls_go_on_beside_them():
    before = Before().hears(180)
    after = After(before.line)
    after.take()
    after.endpoint.invite(invite(2, call_id="new@192.0.2.1"), after.now_ns)
    after.pump()
    sent = after.last()
    after.receive(reply(sent, 200, body=ANSWER))
    after.receive(reply(before.sent, 487))
    assert methods(after)[1:] == ["ACK", "ACK"]


@pytest.mark.parametrize("seed", range(60))
def test_whatever_comes_each_is_told_of_once_and_nothing_is_left(seed):
    rng = random.Random(seed)
    befores = []
    for n in range(4):
        before = Before(seed=n)
        for code in rng.choice([(), (100,), (180,), (180, 200)]):
            before.hears(code, body=ANSWER if code == 200 else b"")
        befores.append(before)
    after = After(*(before.line for before in befores))
    asked = []
    for _ in range(30):
        asked += [m for m in after.take() if m.method in {"BYE", "CANCEL"}]
        choice = rng.randrange(4)
        if choice == 0:
            tag = rng.choice(["them", "b", "c"])
            code = rng.choice([100, 180, 200, 200, 487, 503])
            after.receive(reply(rng.choice(befores).sent, code, tag=tag))
        elif choice == 1 and asked:
            after.receive(reply(rng.choice(asked), rng.choice([100, 200, 481, 500])))
        else:
            after.run(rng.choice([1, 400, 4_000]))
    after.run(700_000)
    told = [event for event in after.told() if isinstance(event, Cleared)]
    assert sorted(event.number for event in told) == [1, 2, 3, 4]
    assert after.empty()
