"""The chains on which assets live, and the forms of their addresses.

Version bytes and prefixes are those of each chain's own parameters, test networks included.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.addresses import cryptonote, forms
from app.addresses.bitcoin import HASH_BYTES
from app.addresses.forms import Form, base58_hash, bech32, cryptonote_form, segwit

_KEY_BYTES: Final = 32


@dataclass(frozen=True)
class Chain:
    """The forms that have a checksum, those without one, and others that are known by their look."""

    checked: tuple[Form, ...]
    uncheckable: tuple[Form, ...] = ()
    unchecked: tuple[Form, ...] = ()

    @property
    def forms(self) -> tuple[Form, ...]:
        """All of them."""
        return (*self.checked, *self.uncheckable, *self.unchecked)


_EVM: Final = Chain((forms.EVM, forms.ICAP), (forms.EVM_ONE_CASE,))

# By the number of the chain (EIP-155): our name, and the short names of EIP-3770.
EVM_CHAINS: Final[Mapping[int, tuple[str, ...]]] = {
    1: ("ethereum", "eth"),
    10: ("optimism", "oeth"),
    14: ("flare", "flr"),
    25: ("cronos", "cro"),
    40: ("telos", "telosevm"),
    50: ("xdc", "xdc"),
    56: ("bnb", "bnb"),
    61: ("ethereum-classic", "etc"),
    100: ("gnosis", "gno"),
    122: ("fuse", "fuse"),
    128: ("heco", "heco"),
    130: ("unichain", "unichain"),
    137: ("polygon", "matic", "pol"),
    143: ("monad", "mon"),
    146: ("sonic", "sonic"),
    169: ("manta", "manta"),
    204: ("opbnb", "obnb"),
    250: ("fantom", "ftm"),
    288: ("boba", "boba"),
    324: ("zksync", "zksync"),
    480: ("world-chain", "wc"),
    999: ("hyperevm",),
    1030: ("conflux", "cfx"),
    1088: ("metis", "metis-andromeda"),
    1101: ("polygon-zkevm", "zkevm"),
    1116: ("core", "core"),
    1284: ("moonbeam", "mbeam"),
    1285: ("moonriver", "mriver"),
    1329: ("sei", "sei"),
    2222: ("kava-evm", "kava"),
    5000: ("mantle", "mantle"),
    8217: ("kaia", "kaia-mainnet"),
    8453: ("base", "base"),
    9745: ("plasma", "plasma"),
    34443: ("mode", "mode"),
    42161: ("arbitrum", "arb1"),
    42170: ("arbitrum-nova", "arb-nova"),
    42220: ("celo", "celo"),
    43114: ("avalanche", "avax"),
    57073: ("ink", "ink"),
    59144: ("linea", "linea"),
    80094: ("berachain", "berachain"),
    81457: ("blast", "blastmainnet"),
    534352: ("scroll", "scr"),
    7777777: ("zora", "zora"),
    1313161554: ("aurora", "aurora"),
}

CHAINS: Final[Mapping[str, Chain]] = {
    **{names[0]: _EVM for names in EVM_CHAINS.values()},
    "aeon": Chain(
        (
            cryptonote_form(
                "[WXUVST][mnz]",
                plain={
                    cryptonote.AEON_MAINNET_STANDARD,
                    cryptonote.AEON_MAINNET_SUBADDRESS,
                    cryptonote.AEON_TESTNET_STANDARD,
                    cryptonote.AEON_TESTNET_SUBADDRESS,
                    cryptonote.AEON_STAGENET_STANDARD,
                    cryptonote.AEON_STAGENET_SUBADDRESS,
                },
                integrated={
                    cryptonote.AEON_MAINNET_INTEGRATED,
                    cryptonote.AEON_TESTNET_INTEGRATED,
                    cryptonote.AEON_STAGENET_INTEGRATED,
                },
            ),
        )
    ),
    "algorand": Chain((forms.ALGORAND,)),
    "aptos": Chain((), (), (forms.HEX_32,)),
    "beacon": Chain((bech32(("bnb", "tbnb"), (HASH_BYTES,)),)),
    # Tokens of Polkadot and its relatives; their explorers show SS58 alone.
    "asset-hub": Chain((forms.SS58,)),
    "bitcoin": Chain((forms.BITCOIN_SEGWIT, forms.BITCOIN_BASE58)),
    "bitcoin-cash": Chain((forms.CASH_ADDRESS, base58_hash("[13mn2]", "00", "05", "6f", "c4"))),
    "cardano": Chain((forms.SHELLEY, forms.BYRON), (forms.SHELLEY_HEX,)),
    # An account, and the same one as the operator of a validator.
    "cosmos": Chain((bech32(("cosmos", "cosmosvaloper"), (HASH_BYTES, _KEY_BYTES)),)),
    "dash": Chain((base58_hash("[Xy78]", "4c", "10", "8c", "13", lengths=(34, 35)),)),
    "dogecoin": Chain((base58_hash("[DA9nm2]", "1e", "16", "71", "c4", "6f", lengths=(33, 34)),)),
    "hedera": Chain((), (), (forms.HEDERA,)),
    "liquid": Chain(
        (forms.LIQUID_SEGWIT, forms.LIQUID, forms.LIQUID_CONFIDENTIAL), (), (forms.LIQUID_BLECH32,)
    ),
    # P2SH moved from 05 to 32 (c4 to 3a on the test network); both are in use.
    "litecoin": Chain(
        (
            segwit("ltc", "tltc", "rltc"),
            forms.MWEB,
            base58_hash("[LM3mn2Q]", "30", "05", "32", "6f", "c4", "3a", lengths=(33, 34, 35)),
        )
    ),
    "monero": Chain(
        (cryptonote_form("[4857A9B]", plain={18, 42, 53, 63, 24, 36}, integrated={19, 54, 25}),)
    ),
    "near": Chain((), (forms.NEAR_IMPLICIT,), (forms.NEAR,)),
    # The chains of Cosmos on which Circle or a bridge issues stablecoins.
    "noble": Chain(
        (
            bech32(
                ("noble", "osmo", "dydx", "inj", "sei", "neutron", "kava", "axelar", "secret"),
                (HASH_BYTES, _KEY_BYTES),
            ),
        )
    ),
    "polkadot": Chain((forms.SS58,), (forms.HEX_KEY,)),
    "ripple": Chain((forms.RIPPLE,)),
    "solana": Chain((), (forms.SOLANA,)),
    "starknet": Chain((), (), (forms.HEX_32,)),
    "stellar": Chain((forms.STELLAR,)),
    "sui": Chain((), (), (forms.HEX_32,)),
    # tz1 to tz4, contracts (KT1) and smart rollups (sr1).
    "tezos": Chain(
        (
            base58_hash(
                "tz|KT1|sr1",
                *("06a19f", "06a1a1", "06a1a4", "06a1a6", "025a79", "067c75"),
                lengths=(36,),
            ),
        )
    ),
    "ton": Chain((forms.TON,), (forms.TON_RAW,)),
    "tron": Chain((forms.TRON,), (forms.TRON_HEX,)),
    "zcash": Chain(
        (
            base58_hash("t", "1cb8", "1cbd", "1d25", "1cba", lengths=(35, 36)),
            forms.ZCASH_TEX,
            forms.ZCASH_SHIELDED,
        )
    ),
}
