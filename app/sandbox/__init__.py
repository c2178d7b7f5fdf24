"""A runnable stand-in for AEON.to and the bitcoin chain, with buttons for all that may happen.

It knows the specifications alone (docs/specifications.md; shapes in `golden/`), never our clients of
them: a misreading must not pass on both sides. Nothing here moves real coins, and every answer says
SANDBOX.
"""

from app.sandbox.server import create_sandbox
from app.sandbox.serving import esplora_urls, serve_sandbox

__all__ = ["create_sandbox", "esplora_urls", "serve_sandbox"]
