"""`assay dev` never stands its sandbox beside a real partner."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import main as cli


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("ASSAY_AEONTO_BASE_URL", "https://aeon.to/api/v3/aeon2btc/"),
        ("ASSAY_ESPLORA_URL", "https://blockstream.info/api/"),
    ],
)
def test_real_partner_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, url)
    result = CliRunner().invoke(cli, ["dev"])
    assert result.exit_code == 2
    assert f"{variable}: must not be set for `assay dev`" in result.stderr
    assert list(tmp_path.iterdir()) == []
