"""Whether a server shows the network that it is asked about: told by the first block of its chain.

Testnet, testnet4 and signet write addresses alike, and regtest writes its base58 addresses so, too.
A first block that is not in this table is that of a private chain, and nobody's mistake.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.addresses import BitcoinNetwork

_MAINNET: Final = frozenset({BitcoinNetwork.MAINNET})
_TESTNET: Final = frozenset({BitcoinNetwork.TESTNET})
_REGTEST: Final = frozenset({BitcoinNetwork.TESTNET, BitcoinNetwork.REGTEST})
_NONE: Final[frozenset[BitcoinNetwork]] = frozenset()

# By the hash of block 0: what it is called, and the networks of the addresses that are used there.
_FIRST_BLOCKS: Final[Mapping[str, tuple[str, frozenset[BitcoinNetwork]]]] = MappingProxyType(
    {
        "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f": ("mainnet", _MAINNET),
        "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943": ("testnet", _TESTNET),
        "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043": ("testnet4", _TESTNET),
        "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6": ("signet", _TESTNET),
        "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206": ("regtest", _REGTEST),
        "12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2": ("Litecoin", _NONE),
        "1a91e3dace36e2be3bf030a65679fe821aa1d6ef92e7c9902eb318182c355691": ("Dogecoin", _NONE),
        "1466275836220db2944ca059a3a10ef6fd2ea684b0688d2c379296888a206003": ("Liquid", _NONE),
    }
)


def other_network(first_block_hash: str, wanted: BitcoinNetwork) -> str | None:
    """Name the network that a first block belongs to, where it is not the one that is wanted."""
    name, networks = _FIRST_BLOCKS.get(first_block_hash, ("", frozenset({wanted})))
    return None if wanted in networks else name
