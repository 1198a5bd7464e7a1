"""What an import did."""

from __future__ import annotations

import msgspec

from dialerd.importer.batch import DUPLICATE, Batch


class Summary(msgspec.Struct):
    """The books of one import: rows = valid + duplicate + rejected + blank.

    `valid` rows were added to the list, `converted` of them held an old number. `reasons` counts
    the rejected ones by the word before the colon.
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
    rejected: int = 0
    blank: int = 0
    reasons: dict[str, int] = {}
    carriers: dict[str, int] = {}
    reject_file: str | None = None

    def add(self, batch: Batch) -> None:
        """Count a batch whose duplicates have been dropped."""
        self.valid += len(batch.contacts)
        self.converted += sum(batch.conversions)
        self.blank += batch.blank
        self.rows += len(batch.contacts) + len(batch.rejects) + batch.blank
        for contact in batch.contacts:
            carrier = contact.carrier or "landline"
            self.carriers[carrier] = self.carriers.get(carrier, 0) + 1
        for reject in batch.rejects:
            if reject.reason == DUPLICATE:
                self.duplicate += 1
            else:
                self.rejected += 1
                code = reject.reason.partition(":")[0]
                self.reasons[code] = self.reasons.get(code, 0) + 1
