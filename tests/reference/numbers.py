"""The slow twin of `fastpath.numbers`, written from docs/numbering.md with strings and regexes.

It reads the plan's TOML by itself, so it also holds `dialerd.core.numbering` to its layout.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

INVISIBLE = re.compile("[\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
CONTROL = "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]"
SEPARATORS = "\t .\\-/()\\[\\]_\xa0\xb7\u2000-\u200a\u2010-\u2015\u202f\u205f\u2212\u3000"
GROUP = re.compile(rf"(\+?)[{SEPARATORS}]*([0-9](?:[{SEPARATORS}]*[0-9])*)")
SCIENTIFIC = re.compile(r"[0-9][eE][+-]?[0-9]")
DIAL_STRING = re.compile(r"[0-9][*#]|[*#][0-9]|[0-9][,;!@pPwWtT]+[0-9]")
FLOAT = re.compile(r"([1-9][0-9]{7,})\.0")
FULL_WIDTH = {c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)}


class Reading(NamedTuple):
    """What a text is read as; `value` is 0 when it is no number of the plan."""

    value: int = 0
    rule: str = ""
    carrier: str = ""
    reason: str = ""
    converted: bool = False


def is_foreign_digit(c: str) -> bool:
    return c.isdigit() and not c.isascii()


class SlowNumbering:
    """Reads numbers by a parsed plan."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.country = plan["country_code"]
        self.today = {  # prefix without the 0 -> (length, rule, carrier)
            text[1:]: (plan["mobile"]["digits"] - 1, f"mobile:{text}", carrier["name"])
            for carrier in plan["mobile"]["carrier"]
            for text in carrier["prefixes"]
        }
        for text in plan["landline"]["codes"]:
            self.today[text[1:]] = (plan["landline"]["digits"] - 1, f"landline:{text}", "")

    def read(self, text: str) -> Reading:
        if len(text) > 65_536:
            return Reading(reason="oversize")
        text = INVISIBLE.sub("", text).translate(FULL_WIDTH)
        for c in text:
            if re.match(CONTROL, c):
                return Reading(reason="control")
            if is_foreign_digit(c):
                return Reading(reason="script")
        if SCIENTIFIC.search(text):
            return Reading(reason="scientific")
        if DIAL_STRING.search(text):
            return Reading(reason="dial_string")
        groups = [self.digits(plus, body) for plus, body in GROUP.findall(text)]
        if not groups:
            blank = not text.strip("\t \xa0" + "".join(map(chr, range(0x2000, 0x200B))))
            return Reading(reason="empty" if blank and self.only_spaces(text) else "no_number")
        long = [group for group in groups if len(group[1]) >= 7]
        if len(long) > 1:
            return Reading(reason="several")
        if not long and len(groups) > 1:
            return Reading(reason="too_short")
        plus, digits = (long or groups)[0]
        if len(digits) > 17:
            return Reading(reason="too_long")
        return self.finish(self.resolve(plus, digits))

    @staticmethod
    def only_spaces(text: str) -> bool:
        return not text.strip("\t \xa0")

    @staticmethod
    def digits(plus: str, body: str) -> tuple[bool, str]:
        if not plus and (found := FLOAT.fullmatch(body)) and len(body) <= 19:
            return False, found[1]
        return bool(plus), re.sub("[^0-9]", "", body)

    def finish(self, found: Reading) -> Reading:
        """Ported numbers, then the list of destinations."""
        if not found.value:
            return found
        digits = str(found.value)
        carrier = self.plan["ported"].get("0" + digits.removeprefix(self.country))
        if carrier and digits.startswith(self.country):
            found = found._replace(carrier=carrier, rule=found.rule + "+ported")
        allowed = (prefix[1:] for prefix in self.plan["destinations"]["allow"])
        if not found.reason and not any(digits.startswith(prefix) for prefix in allowed):
            found = found._replace(reason="destination")
        return found

    def resolve(self, plus: bool, digits: str) -> Reading:
        if plus:
            return self.abroad(digits)
        if digits.startswith("00"):
            return self.abroad(digits[2:])
        if digits.startswith("0"):
            return self.national(digits[1:])
        home = digits.startswith(self.country) and len(digits) > len(self.country)
        if len(digits) > 10 and home:
            return self.abroad(digits)
        found = self.national(digits)
        if not found.reason:
            return found._replace(rule=found.rule + "+zero")
        if not found.rule and home and (never := self.abroad(digits)).rule:
            return never
        return found

    def abroad(self, digits: str) -> Reading:
        if not digits:
            return Reading(reason="too_short")
        if digits.startswith("0"):
            return Reading(reason="country")
        if digits.startswith(self.country) and len(digits) > len(self.country):
            rest = digits.removeprefix(self.country)
            return self.national(rest.removeprefix("0"))
        if len(digits) < 7:
            return Reading(reason="too_short")
        if len(digits) > 15:
            return Reading(reason="too_long")
        return Reading(int(digits), "international")

    def national(self, digits: str) -> Reading:
        """A national significant number, without its 0."""
        if len(digits) > 15:
            return Reading(reason="too_long")
        for never in self.plan["never"]:
            if digits in never.get("numbers", ()):
                return Reading(reason=never["name"], rule=f"{never['name']}:{digits}")
        if len(digits) < 4:
            return Reading(reason="too_short")
        for never in self.plan["never"]:
            for prefix in never.get("prefixes", ()):
                if digits.startswith(prefix.removeprefix("0")):
                    return Reading(reason=never["name"], rule=f"{never['name']}:{prefix}")
        rules = self.rules_for(digits[:4])
        fitting = [rule for rule in rules if rule[1] == len(digits)]
        if not fitting:
            if not rules:
                return Reading(reason="prefix")
            longer = any(length > len(digits) for _, length, _ in rules)
            return Reading(reason="too_short" if longer else "too_long")
        prefix, _, read = max(fitting, key=lambda rule: len(rule[0]))
        return read(prefix, digits)

    def rules_for(self, head: str) -> list[tuple[str, int, Any]]:
        """(prefix, length, how to read it) of all that begins like this; those of today first."""
        found: list[tuple[str, int, Any]] = [
            (prefix, length, self.current)
            for prefix, (length, _, _) in self.today.items()
            if head.startswith(prefix)
        ]
        for name, table in self.plan["migration"].items():
            for old, new in table["codes"].items():
                if head.startswith(old[1:]):
                    length = self.today[new[1:]][0] - len(new) + len(old)
                    refused = old in table.get("ambiguous", ()) and old not in table.get(
                        "convert", ()
                    )
                    read = self.refuse(old) if refused else self.convert(name, old, new)
                    found.append((old[1:], length, read))
        return found

    def current(self, prefix: str, digits: str) -> Reading:
        _, rule, carrier = self.today[prefix]
        return Reading(int(self.country + digits), rule, carrier)

    def refuse(self, old: str) -> Any:
        return lambda prefix, digits: Reading(rule=f"ambiguous:{old}", reason="ambiguous")

    def convert(self, name: str, old: str, new: str) -> Any:
        def read(prefix: str, digits: str) -> Reading:
            now = self.national(new[1:] + digits[len(prefix) :])
            if now.reason or now.converted:
                return Reading(reason="prefix")  # 04 00... would become 024 00..., an old 0240
            return now._replace(rule=f"{name}:{old}>{new}", converted=True)

        return read
