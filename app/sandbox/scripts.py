"""The output scripts behind bitcoin addresses, written as Esplora shows them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.addresses import BitcoinNetwork, bitcoin_network, encode_base58check
from app.addresses.base58 import decode_base58check
from app.addresses.bech32 import decode_segwit

_HASH_BYTES: Final = 20
_SEGWIT_PREFIXES: Final = ("bc1", "tb1", "bcrt1")
# "List of address prefixes", Bitcoin wiki.
_PAY_TO_SCRIPT_HASH: Final = (b"\x05", b"\xc4")
_PUBLIC_KEY_HASH: Final = {BitcoinNetwork.MAINNET: b"\x00"}
_TESTNET_PUBLIC_KEY_HASH: Final = b"\x6f"
_OP_NUMBER: Final = 0x50  # OP_1 is 0x51
_SEGWIT_TYPES: Final = {(0, 20): "v0_p2wpkh", (0, 32): "v0_p2wsh", (1, 32): "v1_p2tr"}


@dataclass(frozen=True, slots=True)
class Script:
    """An output script: in hex, in words, its type in Esplora's terms, its address if it has one."""

    hex: str
    asm: str
    type: str
    address: str | None


@lru_cache(maxsize=1024)
def script_of(address: str) -> Script:
    """Write the script that pays an address. Raises InvalidAddress."""
    bitcoin_network(address)
    if address.lower().startswith(_SEGWIT_PREFIXES):
        return _segwit(address.lower())
    body = decode_base58check(address)
    version, digest = body[:-_HASH_BYTES], body[-_HASH_BYTES:].hex()
    push = f"OP_PUSHBYTES_20 {digest}"
    if version in _PAY_TO_SCRIPT_HASH:
        return Script(f"a914{digest}87", f"OP_HASH160 {push} OP_EQUAL", "p2sh", address)
    asm = f"OP_DUP OP_HASH160 {push} OP_EQUALVERIFY OP_CHECKSIG"
    return Script(f"76a914{digest}88ac", asm, "p2pkh", address)


def _segwit(address: str) -> Script:
    _, version, program = decode_segwit(address)
    size = len(program)
    opcode = _OP_NUMBER + version if version else 0
    word = f"OP_PUSHNUM_{version}" if version else "OP_0"
    return Script(
        f"{opcode:02x}{size:02x}{program.hex()}",
        f"{word} OP_PUSHBYTES_{size} {program.hex()}",
        _SEGWIT_TYPES.get((version, size), "unknown"),
        address,
    )


def data_script(data: bytes) -> Script:
    """Write a script that carries at most 75 bytes and pays nobody."""
    size = len(data)
    asm = f"OP_RETURN OP_PUSHBYTES_{size} {data.hex()}"
    return Script(f"6a{size:02x}{data.hex()}", asm, "op_return", None)


def key_address(like: str, digest: bytes) -> str:
    """Write 20 bytes as an address of the network that `like` is of; nobody has its key."""
    version = _PUBLIC_KEY_HASH.get(bitcoin_network(like), _TESTNET_PUBLIC_KEY_HASH)
    return encode_base58check(version, digest)
