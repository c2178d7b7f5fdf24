from enum import StrEnum


class ExportFormat(StrEnum):
    EXPORT_FORMAT_CSV = "csv"
    EXPORT_FORMAT_JSONL = "jsonl"

    def __str__(self) -> str:
        return str(self.value)
