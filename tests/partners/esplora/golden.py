"""Answers in the shapes of the Esplora HTTP API, with values of our own."""

from datetime import UTC, datetime
from typing import Final

BASE_URL: Final = "https://esplora.example/api/"
TXID: Final = "7c1d" * 16
OTHER_TXID: Final = "3b9e" * 16
BLOCK_HASH: Final = "00000000" + "5e" * 28
BLOCK_TIME: Final = datetime(2024, 11, 14, 16, 0, tzinfo=UTC)
HEIGHT: Final = 870_000
ADDRESS: Final = "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM"
OTHER_ADDRESS: Final = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
UNKNOWN: Final = "Transaction not found"

CONFIRMED: Final = """{
    "txid": "7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d",
    "version": 2,
    "locktime": 869990,
    "vin": [
        {
            "txid": "1f2e3d4c1f2e3d4c1f2e3d4c1f2e3d4c1f2e3d4c1f2e3d4c1f2e3d4c1f2e3d4c",
            "vout": 1,
            "prevout": {
                "scriptpubkey": "0014751e76e8199196d454941c45d1b3a323f1433bd6",
                "scriptpubkey_asm": "OP_0 OP_PUSHBYTES_20 751e76e8199196d454941c45d1b3a323f1433bd6",
                "scriptpubkey_type": "v0_p2wpkh",
                "scriptpubkey_address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
                "value": 30001500
            },
            "scriptsig": "",
            "scriptsig_asm": "",
            "witness": ["3044", "02aa"],
            "is_coinbase": false,
            "sequence": 4294967293
        },
        {
            "txid": "2a2b2c2d2a2b2c2d2a2b2c2d2a2b2c2d2a2b2c2d2a2b2c2d2a2b2c2d2a2b2c2d",
            "vout": 0,
            "prevout": null,
            "scriptsig": "",
            "scriptsig_asm": "",
            "is_coinbase": false,
            "sequence": 4294967295
        }
    ],
    "vout": [
        {
            "scriptpubkey": "76a9140d3f1b1c0d3f1b1c0d3f1b1c0d3f1b1c0d3f1b1c88ac",
            "scriptpubkey_asm": "OP_DUP OP_HASH160 OP_PUSHBYTES_20 0d3f OP_EQUALVERIFY OP_CHECKSIG",
            "scriptpubkey_type": "p2pkh",
            "scriptpubkey_address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
            "value": 10000000
        },
        {
            "scriptpubkey": "6a0474657374",
            "scriptpubkey_asm": "OP_RETURN OP_PUSHBYTES_4 74657374",
            "scriptpubkey_type": "op_return",
            "value": 0
        },
        {
            "scriptpubkey": "0014751e76e8199196d454941c45d1b3a323f1433bd6",
            "scriptpubkey_asm": "OP_0 OP_PUSHBYTES_20 751e76e8199196d454941c45d1b3a323f1433bd6",
            "scriptpubkey_type": "v0_p2wpkh",
            "scriptpubkey_address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "value": 20000000
        }
    ],
    "size": 372,
    "weight": 838,
    "fee": 1500,
    "status": {
        "confirmed": true,
        "block_height": 870000,
        "block_hash": "000000005e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e",
        "block_time": 1731600000
    }
}"""

UNCONFIRMED_STATUS: Final = '{"confirmed": false}'
UNCONFIRMED_STATUS_WITH_NULLS: Final = (
    '{"confirmed": false, "block_height": null, "block_hash": null, "block_time": null}'
)

# The smallest reply that says all that is read, beside a field that is not.
COINBASE: Final = """{
    "txid": "7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d7c1d",
    "vin": [{"is_coinbase": true, "prevout": null, "sequence": 4294967295}],
    "vout": [{"value": 312500000}],
    "adjustedVsize": 120.25,
    "status": {"confirmed": false}
}"""

# A page of an address: what waits comes first, then what is in blocks.
HISTORY: Final = f"""[
    {{
        "txid": "3b9e3b9e3b9e3b9e3b9e3b9e3b9e3b9e3b9e3b9e3b9e3b9e3b9e3b9e3b9e3b9e",
        "version": 2,
        "locktime": 0,
        "vin": [
            {{
                "txid": "1f2e3d4c1f2e3d4c1f2e3d4c1f2e3d4c1f2e3d4c1f2e3d4c1f2e3d4c1f2e3d4c",
                "vout": 0,
                "prevout": {{
                    "scriptpubkey": "0014751e76e8199196d454941c45d1b3a323f1433bd6",
                    "scriptpubkey_asm": "OP_0 OP_PUSHBYTES_20 751e",
                    "scriptpubkey_type": "v0_p2wpkh",
                    "scriptpubkey_address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
                    "value": 1000
                }},
                "scriptsig": "",
                "scriptsig_asm": "",
                "witness": ["3044", "02aa"],
                "is_coinbase": false,
                "sequence": 4294967295
            }}
        ],
        "vout": [
            {{
                "scriptpubkey": "76a9140d3f1b1c0d3f1b1c0d3f1b1c0d3f1b1c0d3f1b1c88ac",
                "scriptpubkey_asm": "OP_DUP OP_HASH160 OP_PUSHBYTES_20 0d3f",
                "scriptpubkey_type": "p2pkh",
                "scriptpubkey_address": "12Cyjf3qV6qLyXdzpLSLPdRFPUVidvnzFM",
                "value": 600
            }}
        ],
        "size": 191,
        "weight": 437,
        "fee": 400,
        "status": {{"confirmed": false}}
    }},
    {CONFIRMED}
]"""
