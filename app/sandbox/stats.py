"""What the sandbox counted: requests, refusals, breaches of a limit, faults that it played."""

from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter

from app.sandbox.limits import Endpoint
from app.sandbox.vendors import Vendor
from app.sandbox.views import EsploraEndpoint, View


@dataclass
class EndpointCounts:
    """Counts of one endpoint.

    `over_limit`: requests beyond the documented limit; `refused_012`: all that were answered with
    AEONTO-ERROR-012, the faults among them; `largest_window`: the most requests that any window
    held (order_create and order_create_pp share theirs); `missing_slash`: redirected to the slash.
    """

    requests: int = 0
    over_limit: int = 0
    refused_012: int = 0
    largest_window: int = 0
    missing_slash: int = 0


@dataclass
class Stats:
    """All counts since the sandbox was first started, or reset.

    `esplora`: requests of each view; `vendors`: those of each vendor, by endpoint.
    """

    endpoints: dict[Endpoint, EndpointCounts] = field(
        default_factory=lambda: {endpoint: EndpointCounts() for endpoint in Endpoint}
    )
    faults: dict[str, int] = field(default_factory=dict)
    esplora: dict[View, dict[EsploraEndpoint, int]] = field(
        default_factory=lambda: {view: dict.fromkeys(EsploraEndpoint, 0) for view in View}
    )

    vendors: dict[Vendor, dict[str, int]] = field(
        default_factory=lambda: {vendor: {} for vendor in Vendor}
    )

    def arrived(self, endpoint: Endpoint, *, in_window: int, over_limit: bool) -> None:
        """Count a request, with what its window now holds."""
        counts = self.endpoints[endpoint]
        counts.requests += 1
        counts.over_limit += over_limit
        counts.largest_window = max(counts.largest_window, in_window)

    def asked(self, view: View, endpoint: EsploraEndpoint) -> None:
        """Count a request to a view of the chain."""
        counts = self.esplora[view]
        counts[endpoint] = counts.get(endpoint, 0) + 1

    def asked_vendor(self, vendor: Vendor, endpoint: str) -> None:
        """Count a request to a vendor."""
        counts = self.vendors[vendor]
        counts[endpoint] = counts.get(endpoint, 0) + 1

    def played(self, kind: str) -> None:
        """Count a fault."""
        self.faults[kind] = self.faults.get(kind, 0) + 1


STATS: Final = TypeAdapter(Stats)
