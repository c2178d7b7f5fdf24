"""Whether lists name addresses such as the one that is asked about at all.

That an address is not on a list says nothing where the list has no address of its kind.
"""

from collections.abc import Iterable
from typing import Final

from app.addresses import chains_of, one_ticker
from app.addresses.chains import EVM_CHAINS
from app.addresses.coins import COINS
from app.addresses.spelling import left_out_of
from app.lists.rules.listings import ListVersion

_EVM: Final = frozenset(names[0] for names in EVM_CHAINS.values())


def names_such(versions: Iterable[ListVersion], currency: str, address: str) -> bool:
    """Say whether a version names addresses of the currency, or of a chain that it shares.

    An asset of several chains counts for the accounts of Ethereum alone: which of its other chains
    a list means is not known. A version whose assets are not known is believed to.
    """
    chains = frozenset(chains_of(currency, address))
    return any(
        version.assets is None or any(_is_such(asset, currency, chains) for asset in version.assets)
        for version in versions
    )


def not_covered(
    versions: Iterable[ListVersion], currency: str, address: str, *, what: str = "list"
) -> list[str]:
    """Say that no version names such addresses, as a limit of an answer; nothing if one does."""
    if names_such(versions, currency, address):
        return []
    return [f"no {what} in force names any {currency.upper()} address: it could not be found"]


def not_joined(address: str) -> list[str]:
    """Say which accounts of an address were not looked for, as a limit of an answer."""
    return [f"{account} was not looked for" for account in left_out_of(address)]


def _is_such(asset: str, currency: str, chains: frozenset[str]) -> bool:
    if one_ticker(asset) == one_ticker(currency):
        return True
    its = frozenset(COINS.get(asset.upper(), ()))
    if its & _EVM and chains & _EVM:
        return True
    return len(its) == 1 and its <= chains
