"""What an import did."""

from __future__ import annotations

from collections import Counter

import msgspec

from dialerd.importer.batch import DUPLICATE, ELSEWHERE, Batch


class Summary(msgspec.Struct):
    """The books of one import: rows = valid + duplicate + rejected + blank.

    `valid` rows were added to the list, `converted` of them held an old number. `elsewhere` rows
    hold a number of another list too: `left_out` of them are among the duplicates, the others were
    added. `reasons` counts the rejected ones by the word before the colon. `resumed` is the row
    behind which an earlier run had stopped, 0 when this one began with the first.

    `further` are further numbers of the people added, from `other_columns`; `known` of them were
    left out because somebody of the list has them, `unusable` cells hold no number.
    """

    file: str
    list_name: str
    list_id: int = 0
    dry_run: bool = False
    encoding: str = ""
    delimiter: str = ""
    header: bool = False
    phone_column: str = ""
    columns: tuple[str, ...] = ()
    rows: int = 0
    valid: int = 0
    converted: int = 0
    duplicate: int = 0
    elsewhere: int = 0
    left_out: int = 0
    resumed: int = 0
    rejected: int = 0
    blank: int = 0
    reasons: dict[str, int] = {}
    carriers: dict[str, int] = {}
    reject_file: str | None = None
    other_columns: tuple[str, ...] = ()
    further: int = 0
    known: int = 0
    unusable: int = 0

    def add(self, batch: Batch) -> None:
        """Count a batch whose duplicates have been dropped."""
        self.valid += len(batch.contacts)
        self.converted += sum(batch.conversions)
        self.blank += batch.blank
        self.unusable += batch.unusable
        if self.other_columns:
            self.further += sum(len(one.others) for one in batch.contacts)
        self.rows += len(batch.contacts) + len(batch.rejects) + batch.blank
        for carrier, count in Counter(one.carrier for one in batch.contacts).items():
            name = carrier or "landline"
            self.carriers[name] = self.carriers.get(name, 0) + count
        for reject in batch.rejects:
            if reject.reason in {DUPLICATE, ELSEWHERE}:
                self.duplicate += 1
                self.left_out += reject.reason == ELSEWHERE
            else:
                self.rejected += 1
                code = reject.reason.partition(":")[0]
                self.reasons[code] = self.reasons.get(code, 0) + 1
