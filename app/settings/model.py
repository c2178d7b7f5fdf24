"""All settings, in groups. The alias of a field is the environment variable that it is read from."""

from collections.abc import Mapping
from typing import Any, Final, Self

from pydantic import Field
from pydantic.fields import FieldInfo

from app.settings.assessments import (
    AssessmentSettings,
    ChainalysisSettings,
    CrystalSettings,
    ListSettings,
)
from app.settings.fields import Group
from app.settings.process import DatabaseSettings, ServerSettings
from app.settings.sales import (
    AeontoSettings,
    BitcoinSettings,
    EsploraSettings,
    OrderSettings,
    PaymentPageSettings,
)
from app.settings.webhooks import WebhookSettings


class Settings(Group):
    """What an operator may set."""

    database: DatabaseSettings = DatabaseSettings()
    server: ServerSettings = Field(default_factory=ServerSettings)
    orders: OrderSettings = OrderSettings()
    payment_pages: PaymentPageSettings = PaymentPageSettings()
    aeonto: AeontoSettings = AeontoSettings()
    esplora: EsploraSettings = EsploraSettings()
    bitcoin: BitcoinSettings = BitcoinSettings()
    assessments: AssessmentSettings = AssessmentSettings()
    lists: ListSettings = ListSettings()
    crystal: CrystalSettings = CrystalSettings()
    chainalysis: ChainalysisSettings = ChainalysisSettings()
    webhooks: WebhookSettings = WebhookSettings()

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Self:
        """Return settings in which these variables are set.

        Raises pydantic's ValidationError; the last part of a place in it is the variable.
        """
        return cls.model_validate(
            {
                group: {name: values[name] for name in fields if name in values}
                for group, fields in _VARIABLES.items()
            }
        )

    @property
    def given(self) -> dict[str, object]:
        """Return the variables that are set, with their values."""
        found: dict[str, object] = {}
        for group in _VARIABLES:
            found |= getattr(self, group).model_dump(by_alias=True, exclude_unset=True)
        return found

    def replaced(self, values: Mapping[str, object]) -> Self:
        """Return settings in which these variables have other values."""
        return self.of({**self.given, **values})


def _fields_of(group: FieldInfo) -> dict[str, FieldInfo]:
    kind: Any = group.annotation
    return {str(field.alias): field for field in kind.model_fields.values()}


_VARIABLES: Final = {name: _fields_of(group) for name, group in Settings.model_fields.items()}


def variables() -> dict[str, FieldInfo]:
    """Return every environment variable, and the field that it is read into."""
    return {name: field for fields in _VARIABLES.values() for name, field in fields.items()}
