"""`assay openapi`: the document of the HTTP API."""

import json

import typer

from app.main import create_app
from app.settings import Settings


def openapi() -> None:
    """Print the OpenAPI document."""
    document = create_app(Settings()).openapi()
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
