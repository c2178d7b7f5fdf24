"""Query parameters: a name that nobody knows is refused, for a misspelt filter filters nothing."""

from typing import Final

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app.web.request_errors import UnknownQueryParameter

# The Credits API gives it no parameters, and ignores what it does not know.
_SPECIFIED: Final = "check_self_status"
_METHODS: Final = frozenset({"GET", "PATCH", "DELETE"})


def refuse_unknown_query(request: Request) -> None:
    """Refuse a query with a name that the route does not know, or that is there twice.

    Raises UnknownQueryParameter.
    """
    if not request.scope["query_string"] or request.method not in _METHODS:
        return
    sent = [name for name, _ in request.query_params.multi_items()]
    route: APIRoute = request.scope["route"]
    if route.name == _SPECIFIED:
        return
    known = _names_in(route.dependant)
    if len(set(sent)) < len(sent) or not known.issuperset(sent):
        raise UnknownQueryParameter(known)


def _names_in(dependant: Dependant) -> frozenset[str]:
    """Return the parameters of a function and of the dependencies that it has."""
    own = frozenset(parameter.alias for parameter in dependant.query_params)
    return own.union(*(_names_in(one) for one in dependant.dependencies))
