"""Settings of webhooks: how their secrets are kept, and where beside the internet they may go."""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Final

from pydantic import Field, SecretStr, field_validator

from app.runtime import plain_text
from app.settings.fields import Group
from app.webhooks.rules.public_addresses import IPNetwork

_KEY_LENGTH: Final = range(32, 257)


class WebhookSettings(Group):
    """Webhooks."""

    key: SecretStr | None = Field(
        None,
        alias="ASSAY_WEBHOOK_KEY",
        description="what seals the secrets of webhook endpoints in the database; several,"
        " comma-separated: the first seals, any opens; none: they are stored as they are",
    )
    allowed_networks: tuple[IPNetwork, ...] = Field(
        (),
        alias="ASSAY_WEBHOOK_ALLOWED_NETWORKS",
        description="comma-separated networks that are not public, and that webhooks may go to"
        " all the same",
    )

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys, the one that seals first."""
        return () if self.key is None else plain_text.parts(self.key.get_secret_value())

    @field_validator("key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        keys = plain_text.parts(value.get_secret_value())
        if not keys or not all(len(key) in _KEY_LENGTH for key in keys):
            raise ValueError("must be keys of 32 to 256 characters, random ones")
        return value

    @field_validator("allowed_networks", mode="before")
    @classmethod
    def _networks(cls, value: str | Sequence[object]) -> tuple[IPNetwork, ...]:
        parts = plain_text.parts(value) if isinstance(value, str) else value
        try:
            return tuple(ip_network(str(part)) for part in parts)
        except ValueError:
            raise ValueError("must be networks, as in 10.1.0.0/16,fd12::/32") from None
