"""Watches what a call's progress says about its number, by the rules of the card's carrier."""

from __future__ import annotations

from gsm.call import Call
from gsm.events import Cause, Reached
from gsm.floor import Floor
from gsm.reachability import judge, next_ns


class Reaching:
    """Of one port."""

    def __init__(self, floor: Floor) -> None:
        """No call yet."""
        self.floor = floor

    def watch(self, call: Call, now_ns: int) -> None:
        """Look again when a rule may hold by time alone."""
        rules = self.floor.carrier.reach if self.floor.carrier else ()
        due = next_ns(rules, call.dialing_ns or now_ns, now_ns)
        if due is not None:
            self.floor.at("reach", due, lambda at: self.judge(call, at))

    def judge(self, call: Call, now_ns: int, ended_ns: int | None = None) -> None:
        """Tell the first rule that holds, once a call; of one that is over `concluded` does."""
        carrier = self.floor.carrier
        if carrier is None or call.dialing_ns is None or call.reached:
            return
        if call.answered_ns is not None or call.incoming:
            return
        rules = carrier.reach
        if call.unseen():  # it may ring for all we know
            rules = tuple(rule for rule in rules if rule.when != "no_alerting")
        rule = judge(rules, call.dialing_ns, call.alerting_ns, ended_ns, now_ns)
        if rule is not None:
            call.reached = rule.verdict
            told = Reached(call.leg, rule.verdict, rule.name)
            if ended_ns is None:
                self.floor.tell(told)
            else:
                call.guess = told
        elif ended_ns is None and call.ended_ns is None:
            self.watch(call, now_ns)


def concluded(call: Call, cause: Cause, floor: Floor) -> None:
    """Tell what the end of a call was taken for, unless the network gave another cause for it."""
    guess, call.guess = call.guess, None
    if guess is None:
        return
    if cause is Cause.NETWORK or guess.verdict in ("reachable", cause.value):
        floor.tell(guess)
