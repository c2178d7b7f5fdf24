"""The examples of the OpenAPI document: requests and answers of a journey that the service made.

`python -m tests.support.example_journey` writes `examples.json`, and a test makes the journey again.
"""

import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

JsonObject = dict[str, Any]


def document_examples(operations: Iterable[JsonObject]) -> None:
    """Give each operation of the journey the request that was sent, and the answer that came."""
    examples = json.loads(files("app.web").joinpath("examples.json").read_text(encoding="utf-8"))
    for operation in operations:
        example = examples.get(operation["operationId"], {})
        for name, value in example.items():
            body = operation["requestBody"] if name == "request" else operation["responses"][name]
            body["content"]["application/json"]["example"] = value
