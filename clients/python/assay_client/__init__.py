"""Client of Assay's HTTP API.

`assay_client.api` has a module for each endpoint, `assay_client.models` what they take and answer;
both are generated. This module and `assay_client.webhooks` are written by hand.
"""

from .client import AuthenticatedClient, Client

__all__ = ["AuthenticatedClient", "Client", "connect"]


def connect(base_url: str, api_key: str) -> AuthenticatedClient:
    """Return a client that shows an API key with every request."""
    return AuthenticatedClient(
        base_url=base_url, token=api_key, prefix="", auth_header_name="X-API-KEY"
    )
