"""A carrier as data (`conf/gsm/carriers/*.toml`): codes, answers, what its signalling tells."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import structs

from gsm.dialect import MANY, Table, doc

_CODE = r"^[0-9*#+]{0,64}$(?!\n)"


class ReachRule(Table, frozen=True):
    """`[[carrier.reach]]`: what a call's states say about its number; the first that holds."""

    name: Annotated[str, doc("Shown in reports.", max_length=64)]
    when: Annotated[
        Literal["alerting", "no_alerting", "ended_before_alerting"],
        doc(
            "alerting: it rang within the time; no_alerting: it did not; ended_before_alerting: it "
            "was over before it rang, after `from_s` to `within_s`."
        ),
    ]
    verdict: Literal["reachable", "unreachable", "rejected"]
    within_s: Annotated[float, doc("Seconds since the call was dialing.", ge=0, le=120)]
    from_s: Annotated[float, doc("Not before this.", ge=0, le=120)] = 0.0


class Answers(Table, frozen=True, kw_only=True):
    """`[answers]`: how the networks of a file answer, where a carrier says nothing else."""

    number: Annotated[str, doc("Group `number`: the card's own.", max_length=500)] = ""
    balance: Annotated[str, doc("Group `balance`: digits with separators.", max_length=500)] = ""
    valid: Annotated[str, doc("Groups `day`, `month`, `year`: the last day.", max_length=500)] = ""
    minutes: Annotated[str, doc("Group `minutes`: left of the package.", max_length=500)] = ""
    package: Annotated[str, doc("Group `package`: its name.", max_length=500)] = ""
    reach: Annotated[tuple[ReachRule, ...], doc("The first that holds.", max_length=MANY)] = ()


class Carrier(Answers, frozen=True, kw_only=True):
    """`[[carrier]]`: known by the beginning of its cards' IMSI, or by the network's name.

    Besides these keys it may have those of `[answers]` for itself.
    """

    name: Annotated[str, doc("As numbering plans call it.", min_length=1, max_length=64)]
    imsi: Annotated[tuple[str, ...], doc("Beginnings of its IMSIs (MCC and MNC).", max_length=MANY)]
    balance_code: Annotated[str, doc("Asks for the balance.", pattern=_CODE)] = ""
    package_code: Annotated[str, doc("Asks for the package.", pattern=_CODE)] = ""


class Carriers(Table, frozen=True):
    """One file."""

    answers: Answers = Answers()
    carrier: Annotated[tuple[Carrier, ...], doc("The carriers.", max_length=MANY)] = ()

    def whole(self) -> tuple[Carrier, ...]:
        """The carriers, each with what the file says of all where it says nothing of its own."""
        common = structs.asdict(self.answers)
        return tuple(
            structs.replace(
                one, **{key: value for key, value in common.items() if not getattr(one, key)}
            )
            for one in self.carrier
        )
