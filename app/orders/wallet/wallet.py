"""The merchant's wallet, watch-only: a public descriptor, and the addresses that it describes.

Descriptors are those of BIP 380 to 386 and 389, their keys those of BIP 32, or of SLIP 132 where
a key stands alone. libwally derives; what is accepted is decided here.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Self

import wallycore
from typing_extensions import override

from app.addresses import (
    BitcoinNetwork,
    InvalidAddress,
    canonical_bitcoin_address,
    encode_base58check,
)
from app.addresses.base58 import decode_base58check
from app.orders.wallet.refusals import refusal_of

# BIP 32: from 2^31 on, children are hardened, and not to be had from a public key.
MAX_INDEX: Final = 2**31 - 1

_BASE58: Final = "[1-9A-HJ-NP-Za-km-z]"
_PRIVATE: Final = (
    re.compile(r"(?:^|[^1-9A-HJ-NP-Za-km-z])[a-z]prv", re.IGNORECASE),
    # WIF, and keys under a passphrase (BIP 38)
    re.compile(rf"(?<!{_BASE58})(?:[5KL9c]{_BASE58}{{50,51}}|6P{_BASE58}{{56}})(?!{_BASE58})"),
    re.compile(r"^\s*(?:0x)?[0-9a-f]{64}\s*$", re.IGNORECASE),
    re.compile(r"^\s*(?:[^\W\d_]+[\s,]+){11,}[^\W\d_]+\s*$"),  # seed words, of any language
)
_NUMBER: Final = r"(?:0|[1-9][0-9]{0,9})"
_DESCRIPTOR: Final = re.compile(
    rf"""(?P<body>
        (?P<kind>wpkh|tr)\(
        (?P<origin>\[[0-9a-fA-F]{{8}}(?:/{_NUMBER}['h]?)*\])?
        (?P<key>[xt]pub{_BASE58}+)
        (?P<path>(?:/(?:{_NUMBER}|<{_NUMBER};{_NUMBER}>))*)/\*
        \))
        (?:\#(?P<checksum>.*))?""",
    re.VERBOSE,
)
_PAIR: Final = re.compile(r"<([0-9]+);[0-9]+>")
# BIP 44: addresses for change. A pair's first branch is the receiving one (BIP 389).
_CHANGE_BRANCH: Final = re.compile(r"<1;|/1/\*")
_LAST_STEP: Final = re.compile(r"/([0-9]+['h]?)\]")
_LONE_KEY: Final = re.compile(rf"[xtzv]pub{_BASE58}+")

# BIP 32: version, depth, the parent's fingerprint with the child's number, chain code, key.
_VERSION_BYTES: Final = 4
_DEPTH: Final = slice(4, 5)
_PARENT: Final = slice(5, 13)
_NUMBER_AS_CHILD: Final = slice(9, 13)
# Purpose, coin, account, then the branch (BIP 44): 0 receives, 1 is for change.
_DEPTH_OF_BRANCH: Final = b"\x04"
_CHANGE_KEY: Final = b"\0\0\0\x01"
_HARDENED: Final = 0x80
# SLIP 132 says BIP 84 by a version of its own: zpub for xpub, vpub for tpub.
_PLAIN_VERSIONS: Final = {
    bytes.fromhex("04b24746"): bytes.fromhex("0488b21e"),
    bytes.fromhex("045f1cf6"): bytes.fromhex("043587cf"),
}
_NETWORKS: Final = {"xpub": BitcoinNetwork.MAINNET, "tpub": BitcoinNetwork.TESTNET}
_WALLY_NETWORKS: Final = {
    BitcoinNetwork.MAINNET: wallycore.WALLY_NETWORK_BITCOIN_MAINNET,
    BitcoinNetwork.TESTNET: wallycore.WALLY_NETWORK_BITCOIN_TESTNET,
}

_PRIVATE_KEY: Final = (
    "holds a private key or seed words, which can spend: Assay takes public keys only"
)
_CHANGE: Final = (
    "is of the change branch (1): a wallet takes change there, and pays itself; give the receive"
    " branch, KEY/0/* or KEY/<0;1>/*"
)
_BRANCH_ALONE: Final = (
    "is the key of one branch, not of an account: write wpkh(KEY/*) or tr(KEY/*), if its addresses"
    " are those that your wallet receives at"
)


class WalletRefused(ValueError):
    """A text is not a wallet that we may watch; the message is the reason, without the text."""


@dataclass(frozen=True, repr=False)
class Wallet:
    """A single-key wallet whose addresses we can derive, and whose coins we cannot spend.

    `descriptor` is the one spelling of its receive branch: without the key's origin, with its
    checksum. Whoever has it can list all addresses: it belongs in no log. `network` is TESTNET
    for signet, too, which writes keys and addresses alike; there is no wallet on regtest.
    `kind_assumed`: it was read from an xpub or tpub alone, which do not say of which kind its
    addresses are.
    """

    descriptor: str
    network: BitcoinNetwork
    kind_assumed: bool = field(default=False, compare=False)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a descriptor, or a key that stands alone and is then the account of BIP 84.

        A pair of branches, `<0;1>`, means the first, which receives. Raises WalletRefused.
        """
        text = text.strip()
        if any(pattern.search(text) for pattern in _PRIVATE):
            raise WalletRefused(_PRIVATE_KEY)
        kind_assumed = False
        if _LONE_KEY.fullmatch(text):
            kind_assumed = text[0] in "xt"
            key = _public_key(text)
            _check_account(key)
            text = f"wpkh({key}/0/*)"
        parts = _DESCRIPTOR.fullmatch(text)
        if parts is None:
            raise WalletRefused(refusal_of(text))
        key = _public_key(parts["key"])
        network = _NETWORKS[key[:4]]
        checksum = _checksum(parts["body"], network)
        if parts["checksum"] not in (None, checksum):
            raise WalletRefused("its checksum is wrong: a character was lost or changed")
        if _is_change(parts["origin"] or "", key, parts["path"]):
            raise WalletRefused(_CHANGE)
        path = _PAIR.sub(r"\1", parts["path"])
        receiving = f"{parts['kind']}({key}{path}/*)"
        return cls(f"{receiving}#{_checksum(receiving, network)}", network, kind_assumed)

    @property
    def wallet_id(self) -> str:
        """Name the wallet by its first address, so that all spellings are one wallet."""
        return hashlib.sha256(self.address(0).encode()).hexdigest()[:16]

    def address(self, index: int) -> str:
        """Return the receiving address of an index from 0 to MAX_INDEX.

        Raises ValueError for any other.
        """
        if not 0 <= index <= MAX_INDEX:
            raise ValueError(f"an index is from 0 to {MAX_INDEX}")
        body, _, _ = self.descriptor.partition("#")
        # From a text with a `*`, libwally does not derive the last index.
        parsed = _parse(body.replace("*", str(index)), self.network)
        address: str = wallycore.descriptor_to_address(parsed, 0, 0, 0, 0)
        return address

    def is_own(self, address: str, indexes: range) -> bool:
        """Say whether an address, in any spelling, is one of these indexes of a branch we know.

        These are the receiving one and, where that is branch 0, the one for change beside it.
        """
        wanted = canonical_bitcoin_address(address)
        return any(wanted in self._addresses(body, indexes) for body in self._branches())

    def _branches(self) -> Iterator[str]:
        body, _, _ = self.descriptor.partition("#")
        yield body
        if body.endswith("/0/*)"):
            yield body.removesuffix("/0/*)") + "/1/*)"

    def _addresses(self, body: str, indexes: range) -> list[str]:
        addresses: list[str] = wallycore.descriptor_to_addresses(
            _parse(body, self.network), 0, 0, indexes.start, 0, len(indexes)
        )
        return addresses

    @override
    def __repr__(self) -> str:
        """Name the wallet without telling its addresses."""
        return f"Wallet({self.wallet_id} on {self.network})"


def _public_key(key: str) -> str:
    """Return an extended public key as BIP 32 spells it. Raises WalletRefused."""
    try:
        raw = decode_base58check(key)
    except InvalidAddress as fault:
        raise WalletRefused(f"its key is mistyped: {fault}") from None
    # libwally lets it pass; BIP 32 (test vector 5) does not.
    if raw[_DEPTH] == b"\0" and any(raw[_PARENT]):
        raise WalletRefused("its key is not valid: it has no parent, and names one")
    version, rest = raw[:_VERSION_BYTES], raw[_VERSION_BYTES:]
    return encode_base58check(_PLAIN_VERSIONS.get(version, version), rest)


def _check_account(key: str) -> None:
    """Refuse a key that stands alone and is one branch's. Raises WalletRefused."""
    raw = decode_base58check(key)
    hardened = raw[_NUMBER_AS_CHILD][0] & _HARDENED
    if raw[_DEPTH] == _DEPTH_OF_BRANCH and not hardened:
        change = raw[_NUMBER_AS_CHILD] == _CHANGE_KEY
        raise WalletRefused(_CHANGE if change else _BRANCH_ALONE)


def _is_change(origin: str, key: str, path: str) -> bool:
    """Say whether addresses are those for change: by the path, or by what the key itself is."""
    if _CHANGE_BRANCH.search(f"{path}/*"):
        return True
    if path:
        return False
    raw = decode_base58check(key)
    steps = _LAST_STEP.search(origin)
    if raw[_DEPTH] != _DEPTH_OF_BRANCH:
        return False
    return raw[_NUMBER_AS_CHILD] == _CHANGE_KEY or (steps is not None and steps[1] == "1")


def _parse(body: str, network: BitcoinNetwork) -> object:
    """Let libwally read a descriptor without checksum. Raises WalletRefused."""
    try:
        parsed: object = wallycore.descriptor_parse(body, None, _WALLY_NETWORKS[network], 0)
    except ValueError:
        raise WalletRefused("its key, or the path before or after it, is not valid") from None
    return parsed


def _checksum(body: str, network: BitcoinNetwork) -> str:
    checksum: str = wallycore.descriptor_get_checksum(_parse(body, network), 0)
    return checksum
