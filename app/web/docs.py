"""The documentation: /docs and /redoc, whole without internet, and /llms.txt for language models.

`static/` holds Swagger UI and ReDoc with their licences; their scripts and styles are served here.
"""

from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse
from starlette.staticfiles import StaticFiles

_STATIC: Final = Path(__file__).resolve().parent.parent / "static"
# Both pages style elements from scripts, and ReDoc searches in a worker that it makes itself.
_SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Addresses are relative, so that the pages work behind a proxy's path.
_SWAGGER_UI: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Assay: API</title>
<link rel="icon" href="static/swagger-ui/favicon-32x32.png">
<link rel="stylesheet" href="static/swagger-ui/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="static/swagger-ui/swagger-ui-bundle.js"></script>
<script src="static/docs.js"></script>
</body>
</html>
"""
_REDOC: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Assay: API reference</title>
<link rel="icon" href="static/swagger-ui/favicon-32x32.png">
<link rel="stylesheet" href="static/redoc.css">
</head>
<body>
<redoc spec-url="openapi.json"></redoc>
<script src="static/redoc/redoc.standalone.js"></script>
</body>
</html>
"""


def install(app: FastAPI) -> None:
    """Serve /docs, /redoc, /llms.txt and /static. Give FastAPI `docs_url=None, redoc_url=None`."""
    app.add_route("/docs", _swagger_ui, include_in_schema=False)
    app.add_route("/redoc", _redoc, include_in_schema=False)
    app.add_route("/llms.txt", _llms_text, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")


async def _swagger_ui(_request: Request) -> HTMLResponse:
    return HTMLResponse(_SWAGGER_UI, headers=_SECURITY_HEADERS)


async def _redoc(_request: Request) -> HTMLResponse:
    return HTMLResponse(_REDOC, headers=_SECURITY_HEADERS)


async def _llms_text(_request: Request) -> FileResponse:
    return FileResponse(_STATIC / "llms.txt", media_type="text/plain; charset=utf-8")
