"""A runnable stand-in for AEON.to, with buttons for paying, delaying and failing.

It knows the specification alone (`golden/`), never our client of it: a misreading must not pass
on both sides. Nothing here moves real coins, and every answer says SANDBOX.
"""

from app.sandbox.server import create_sandbox
from app.sandbox.serving import serve_sandbox

__all__ = ["create_sandbox", "serve_sandbox"]
