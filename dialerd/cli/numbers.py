"""`dialerd numbers`: how a phone number is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dialerd.cli.common import config_option, output_option, print_json, print_table

if TYPE_CHECKING:
    from fastpath.numbers import Analysis, Numbering


def load_numbering(config_path: str | None) -> Numbering:
    """The plan of the configuration; without any configuration the one that comes with dialerd.

    Raises:
        TomlError: the configuration or the plan cannot be used.
    """
    from dialerd.config import Config, ConfigError, find_config, load
    from dialerd.plan_file import read_numbering

    try:
        found = find_config(config_path)
    except ConfigError:
        settings = Config().numbering
    else:
        settings = load(found, secrets=False).numbering
    return read_numbering(settings.plan, settings.destinations)


@click.command("numbers")
@click.argument("texts", metavar="NUMBER...", nargs=-1, required=True)
@config_option
@output_option
def numbers(texts: tuple[str, ...], config_path: str | None, output: str) -> None:
    """Explain how numbers are read: E.164, carrier, the rule that matched, and may it be dialed.

    A rule is named after its table in the numbering plan: mobile:091, landline:024,
    mobile-2018:0168>038 (an old number and what it became), emergency:113, ... "+zero" means that
    a leading 0 was put back, "+ported" that the carrier is from the override table.
    """
    numbering = load_numbering(config_path)
    found = [numbering.analyse(text) for text in texts]
    if output == "json":
        print_json([as_json(analysis) for analysis in found])
        return
    head = ("input", "e164", "national", "carrier", "rule", "dialable")
    print_table(head, [_row(analysis) for analysis in found])


def as_json(analysis: Analysis) -> dict[str, Any]:
    """What `--json` shows of one number; null where there is nothing to say."""
    return {
        "input": analysis.input,
        "e164": analysis.e164,
        "national": analysis.national,
        "carrier": analysis.carrier,
        "rule": analysis.rule,
        "dialable": analysis.dialable,
        "reason": analysis.reason,
    }


def _row(analysis: Analysis) -> tuple[str, ...]:
    cells = (analysis.e164, analysis.national, analysis.carrier, analysis.rule)
    verdict = "yes" if analysis.dialable else f"no, {analysis.reason}"
    return (analysis.input, *(cell or "-" for cell in cells), verdict)
