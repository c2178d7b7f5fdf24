"""Settings of a process: its database, where it listens, what it runs and writes."""

import re
import sys
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator

from app.runtime import plain_text
from app.runtime.base_urls import base_url
from app.runtime.db.urls import check_files, read_database_url
from app.settings.fields import Group
from app.web.clients import IPNetwork

_HOST: Final = re.compile("[0-9A-Za-z.:%_-]{1,255}")


class DatabaseSettings(Group):
    """Where records are kept."""

    url: SecretStr | None = Field(
        None,
        alias="ASSAY_DATABASE_URL",
        description="PostgreSQL 15 or later; none: the embedded server under ASSAY_DATA_DIR",
    )
    data_dir: Path = Field(
        Path(".assay"), alias="ASSAY_DATA_DIR", description="files of the embedded PostgreSQL"
    )

    @field_validator("url")
    @classmethod
    def _asyncpg_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        check_files(read_database_url(value.get_secret_value()))
        rest = value.get_secret_value().partition("://")[2]
        return SecretStr(f"postgresql+asyncpg://{rest}")

    @property
    def postgres_folder(self) -> Path:
        """Return where the embedded PostgreSQL keeps its files."""
        return self.data_dir / "postgres"


class ServerSettings(Group):
    """What a process listens on, runs and writes."""

    host: str = Field(
        "127.0.0.1", alias="ASSAY_HOST", description="where dev, serve and worker listen"
    )
    port: int = Field(8000, ge=0, le=65535, alias="ASSAY_PORT")
    public_url: str | None = Field(
        None,
        alias="ASSAY_PUBLIC_URL",
        description="where people reach this server: links to it begin so; none: the address that"
        " a request came to",
    )
    trusted_proxies: tuple[IPNetwork, ...] = Field(
        (),
        alias="ASSAY_TRUSTED_PROXIES",
        description="comma-separated addresses or networks whose X-Forwarded-For is believed",
    )
    open_registration: bool = Field(
        True, alias="ASSAY_OPEN_REGISTRATION", description="whether POST /api/register is open"
    )
    run_worker: bool = Field(
        True, alias="ASSAY_RUN_WORKER", description="run the loops inside serve"
    )
    metrics: bool = Field(True, alias="ASSAY_METRICS", description="serve /metrics")
    log_format: Literal["console", "json"] = Field(
        default_factory=lambda: "console" if sys.stderr.isatty() else "json",
        alias="ASSAY_LOG_FORMAT",
    )

    @field_validator("public_url")
    @classmethod
    def _secure(cls, value: str | None) -> str | None:
        return None if value is None else base_url(value)

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: str | Sequence[object]) -> tuple[IPNetwork, ...]:
        parts = plain_text.parts(value) if isinstance(value, str) else value
        try:
            return tuple(ip_network(str(part), strict=False) for part in parts)
        except ValueError:
            raise ValueError("must be addresses or networks, as in 10.0.0.0/8,::1") from None

    @field_validator("host")
    @classmethod
    def _host_name(cls, value: str) -> str:
        if not _HOST.fullmatch(value):
            raise ValueError("must be an address or a name to listen on")
        return value
