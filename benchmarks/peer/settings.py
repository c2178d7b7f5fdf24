"""Settings of the peer; BENCHMARK_DSN names its database."""

import os
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

_DSN: Final = urlsplit(os.environ["BENCHMARK_DSN"])
_OPTIONS: Final = parse_qs(_DSN.query)

SECRET_KEY: Final = "of a benchmark that listens on loopback"  # noqa: S105
ALLOWED_HOSTS: Final = ["127.0.0.1"]
INSTALLED_APPS: Final = ["rest_framework", "benchmarks.peer"]
ROOT_URLCONF: Final = "benchmarks.peer.urls"
USE_TZ: Final = True
DEFAULT_AUTO_FIELD: Final = "django.db.models.BigAutoField"
DATABASES: Final[dict[str, dict[str, Any]]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _DSN.path.lstrip("/"),
        "USER": _DSN.username,
        "PASSWORD": unquote(_DSN.password or ""),
        "HOST": _OPTIONS["host"][0],
        "PORT": _OPTIONS["port"][0],
        "CONN_MAX_AGE": None,
    }
}
REST_FRAMEWORK: Final = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["benchmarks.peer.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
}
