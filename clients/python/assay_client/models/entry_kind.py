from enum import StrEnum


class EntryKind(StrEnum):
    ENTRY_KIND_ADJUSTMENT = "adjustment"
    ENTRY_KIND_ASSESSMENT = "assessment"
    ENTRY_KIND_PURCHASE = "purchase"
    ENTRY_KIND_REFUND = "refund"
    ENTRY_KIND_TRANSFER = "transfer"

    def __str__(self) -> str:
        return str(self.value)
