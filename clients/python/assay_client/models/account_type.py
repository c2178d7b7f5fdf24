from enum import StrEnum


class AccountType(StrEnum):
    ACCOUNT_TYPE_ACCESSCODE = "AccessCode"
    ACCOUNT_TYPE_USER = "User"

    def __str__(self) -> str:
        return str(self.value)
