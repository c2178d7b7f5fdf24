"""Keys of the test vectors that the BIPs publish, and the spellings of one key."""

from typing import Final

from app.addresses import encode_base58check
from app.addresses.base58 import decode_base58check

# BIP 84, account 0 of the seed "abandon ... about".
BIP84_ZPUB: Final = (
    "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mG"
    "DtKsAYz2oz2AGutZYs"
)
# BIP 86, account 0 of the same seed.
BIP86_XPUB: Final = (
    "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yf"
    "dDEHGCtMMj92pReUsQ"
)
# BIP 32, test vector 1: the seed's private key.
BIP32_XPRV: Final = (
    "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGt"
    "RBeJgk33yuGBxrMPHi"
)

# SLIP 132.
VERSIONS: Final = {
    "xpub": "0488b21e",
    "ypub": "049d7cb2",
    "zpub": "04b24746",
    "Zpub": "02aa7ed3",
    "tpub": "043587cf",
    "upub": "044a5262",
    "vpub": "045f1cf6",
    "Vpub": "02575483",
    "xprv": "0488ade4",
    "yprv": "049d7878",
    "zprv": "04b2430c",
    "Zprv": "02aa7a99",
    "tprv": "04358394",
    "uprv": "044a4e28",
    "vprv": "045f18bc",
    "Vprv": "02575048",
}


def spelled(key: str, prefix: str) -> str:
    """Return an extended key under another version, its content untouched."""
    found = encode_base58check(bytes.fromhex(VERSIONS[prefix]), decode_base58check(key)[4:])
    assert found.startswith(prefix)
    return found
