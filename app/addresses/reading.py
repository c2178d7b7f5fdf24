"""Reading an address of a currency: its form, the chains on which it may be, or why it is none."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.addresses.chains import CHAINS, EVM_CHAINS, Chain
from app.addresses.coins import COINS
from app.addresses.evm import decode_icap, encode_evm, is_padded
from app.addresses.faults import InvalidAddress
from app.addresses.forms import HEDERA, Form
from app.addresses.networks import is_of_test_network
from app.addresses.prefixes import read_prefix

# The longest form in use, a Zcash unified address with three receivers, has 213 characters.
MAX_ADDRESS_LENGTH: Final = 256
SUPPORTED: Final[tuple[str, ...]] = tuple(sorted(COINS))
# What the addresses of all chains have in common, for a currency whose forms are not known.
_OF_ANY_CHAIN: Final = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9:._-]{20,}")
_NAMES: Final = (".eth", ".sol", ".crypto", ".bnb", ".ton", ".xyz", ".trx")


class AddressForm(StrEnum):
    """What the text of an address shows by itself."""

    VALID = "valid"
    INVALID = "invalid"
    NOT_CHECKABLE = "not_checkable"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True)
class Reading:
    """An address that was read: `plain` is it without what stood before it.

    `chains` are those of the currency on which it may be an account; none for a currency that
    nobody knows.
    """

    form: AddressForm
    plain: str
    chains: tuple[str, ...] = ()


def read_address(currency: str, address: str) -> Reading:
    """Read an address of a currency (a ticker, in any case).

    VALID for a form whose checksum is right. NOT_CHECKABLE for a form of the currency that has no
    checksum: one that is mistyped looks the same. NOT_CHECKED for a currency that is not
    SUPPORTED, and for the forms of a supported one that are known to exist but not checked.
    Raises InvalidAddress, whose text is the reason, for anything else, and for what cannot be an
    address of any currency: more than MAX_ADDRESS_LENGTH characters, or characters beyond ASCII.
    """
    if not address.isascii():
        raise InvalidAddress("it has a character beyond ASCII")
    if len(address) > MAX_ADDRESS_LENGTH:
        raise InvalidAddress(f"its length is wrong: no address has more than {MAX_ADDRESS_LENGTH}")
    chains = COINS.get(currency.upper())
    if chains is None:
        return Reading(AddressForm.NOT_CHECKED, address)
    prefixed = read_prefix(address)
    if prefixed.fault is not None:
        raise InvalidAddress(prefixed.fault)
    if prefixed.chain is not None:
        if prefixed.chain not in chains:
            raise InvalidAddress("its prefix names a network on which the currency does not live")
        chains = (prefixed.chain,)
    return _read(chains, prefixed.address)


def check_address(currency: str, address: str) -> AddressForm:
    """Judge the form of an address of a currency, as `read_address` does; INVALID for none."""
    try:
        return read_address(currency, address).form
    except InvalidAddress:
        return AddressForm.INVALID


def refuse_test_network(currency: str, address: str) -> None:
    """Raise InvalidAddress for an address of a test network, where nothing has a value."""
    if is_of_test_network(currency, read_prefix(address).address):
        raise InvalidAddress("it is one of a test network")


def refuse_other_text(currency: str, address: str) -> None:
    """Raise InvalidAddress for a text that is like no address, of a currency that is not SUPPORTED.

    A list may spell an address of such a currency in any way. A question must look like one, so
    that nobody pays for a word or a URL.
    """
    if currency.upper() in COINS or HEDERA.matches(address):
        return
    if not _OF_ANY_CHAIN.fullmatch(address):
        raise InvalidAddress(
            "an address has letters and digits, 20 characters or more, and of others only : . _ -"
        )


def plain_address(currency: str, address: str) -> str:
    """Return an address as the wallets of its chain write it; what is none stays as it is."""
    try:
        return read_address(currency, address).plain
    except InvalidAddress:
        return address


def chains_of(currency: str, address: str) -> tuple[str, ...]:
    """Return the chains of a currency on which an address may be an account; none for none."""
    try:
        return read_address(currency, address).chains
    except InvalidAddress:
        return ()


def currencies_of(address: str) -> tuple[str, ...]:
    """Return the supported currencies of which this is a VALID address, none if it is of none.

    For the person whose address belongs to another currency than was said.
    """
    return tuple(
        currency for currency in SUPPORTED if check_address(currency, address) is AddressForm.VALID
    )


def _read(names: tuple[str, ...], address: str) -> Reading:
    """Read an address of one of these chains, by the form that says the most about it."""
    by_chain = {id(CHAINS[name]): CHAINS[name] for name in names}  # one of all EVM chains
    for grade, part in _PARTS:
        found = {
            key
            for key, chain in by_chain.items()
            if any(form.matches(address) for form in getattr(chain, part))
        }
        if found:
            chains = tuple(name for name in names if id(CHAINS[name]) in found)
            return Reading(grade, _plain(address, chains), chains)
    raise InvalidAddress(_reason(list(by_chain.values()), address))


_PARTS: Final = (
    (AddressForm.VALID, "checked"),
    (AddressForm.NOT_CHECKABLE, "uncheckable"),
    (AddressForm.NOT_CHECKED, "unchecked"),
)
_EVM_NAMES: Final = frozenset(names[0] for names in EVM_CHAINS.values())


def _plain(address: str, chains: tuple[str, ...]) -> str:
    if chains[0] in _EVM_NAMES:
        if address.startswith("XE"):
            return encode_evm(decode_icap(address))
        return f"0x{address[-40:]}"
    return address


def _reason(chains: list[Chain], address: str) -> str:
    """Say why a text is no address of these chains: as the form does that it was meant to have."""
    if is_padded(address):
        return "its length is wrong: it is an Ethereum address filled up to 32 bytes"
    if address.lower().endswith(_NAMES):
        return "it is a name, not an address: look up the address that it stands for"
    meant = [form for one in chains for form in one.forms if form.begins.match(address)]
    if not meant:
        return "it has not the beginning, the length or the characters of one"
    return min(meant, key=lambda form: _distance(form, address)).reason(address)


def _distance(form: Form, address: str) -> tuple[int, int]:
    """Say how far a text is from a form, by its length; of equals the form with fewer is nearer."""
    away = min((abs(length - len(address)) for length in form.lengths), default=0)
    return away, len(form.lengths) or MAX_ADDRESS_LENGTH
