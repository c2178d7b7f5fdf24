"""The members of Esplora's answers: transactions, outputs, sums of an address, blocks."""

import hashlib
from collections.abc import Iterable
from typing import Final

from app.sandbox.chain import Block, Input, Output, Transaction
from app.sandbox.scripts import Script
from app.sandbox.views import Sight

_REPLACEABLE: Final = 0xFFFFFFFD  # BIP 125
_FINAL: Final = 0xFFFFFFFF
_NO_TXID: Final = "0" * 64
_WEIGHT_PER_BYTE: Final = 4  # of transactions without witness, BIP 141
_BASE_BYTES: Final = 10
_INPUT_BYTES: Final = 148
_OUTPUT_BYTES: Final = 34
_HEADER_BYTES: Final = 80
_EASIEST_BITS: Final = 0x207FFFFF  # of a chain that anybody can mine


def transaction(sight: Sight, shown: Transaction) -> dict[str, object]:
    """Show a transaction."""
    return {
        "txid": shown.txid,
        "version": 2,
        "locktime": 0,
        "vin": [_input(spending) for spending in shown.inputs] or [_new_coins(shown)],
        "vout": [_output(output) for output in shown.outputs],
        "size": _size(shown),
        "weight": _size(shown) * _WEIGHT_PER_BYTE,
        "fee": shown.fee,
        "status": status(sight.confirming(shown.txid)),
    }


def _size(shown: Transaction) -> int:
    inputs = max(len(shown.inputs), 1)
    return _BASE_BYTES + inputs * _INPUT_BYTES + len(shown.outputs) * _OUTPUT_BYTES


def _input(spending: Input) -> dict[str, object]:
    return {
        "txid": spending.txid,
        "vout": spending.vout,
        "prevout": _output(spending.prevout),
        "scriptsig": "",
        "scriptsig_asm": "",
        "is_coinbase": False,
        "sequence": _REPLACEABLE,
    }


def _new_coins(shown: Transaction) -> dict[str, object]:
    number = shown.number.to_bytes(4).hex()
    return {
        "txid": _NO_TXID,
        "vout": _FINAL,
        "prevout": None,
        "scriptsig": f"04{number}",
        "scriptsig_asm": f"OP_PUSHBYTES_4 {number}",
        "witness": [_NO_TXID],
        "is_coinbase": True,
        "sequence": _FINAL,
    }


def _output(output: Output) -> dict[str, object]:
    return {**_script(output.script), "value": output.satoshi}


def _script(script: Script) -> dict[str, object]:
    members: dict[str, object] = {
        "scriptpubkey": script.hex,
        "scriptpubkey_asm": script.asm,
        "scriptpubkey_type": script.type,
    }
    if script.address is not None:
        members["scriptpubkey_address"] = script.address
    return members


def status(block: Block | None) -> dict[str, object]:
    """Show where a transaction is: in a block, or in none."""
    if block is None:
        return {"confirmed": False}
    return {
        "confirmed": True,
        "block_height": block.height,
        "block_hash": block.hash,
        "block_time": block.time,
    }


def outspend(sight: Sight, spend: tuple[Transaction, int] | None) -> dict[str, object]:
    """Show what spends an output."""
    if spend is None:
        return {"spent": False}
    spender, vin = spend
    where = status(sight.confirming(spender.txid))
    return {"spent": True, "txid": spender.txid, "vin": vin, "status": where}


def sums(history: Iterable[Transaction], script: str) -> dict[str, object]:
    """Add up what transactions pay to a script (in hex), and spend from it."""
    history = list(history)
    funded = [out.satoshi for one in history for out in one.outputs if out.script.hex == script]
    spent = [
        spending.prevout.satoshi
        for one in history
        for spending in one.inputs
        if spending.prevout.script.hex == script
    ]
    return {
        "funded_txo_count": len(funded),
        "funded_txo_sum": sum(funded),
        "spent_txo_count": len(spent),
        "spent_txo_sum": sum(spent),
        "tx_count": len(history),
    }


def utxo(sight: Sight, funding: Transaction, vout: int) -> dict[str, object]:
    """Show an output that nothing spends."""
    return {
        "txid": funding.txid,
        "vout": vout,
        "status": status(sight.confirming(funding.txid)),
        "value": funding.outputs[vout].satoshi,
    }


def block(shown: Block, before: Block | None) -> dict[str, object]:
    """Show a block, and the hash of the one before it."""
    size = _HEADER_BYTES + len(shown.txids) * (_BASE_BYTES + _INPUT_BYTES + _OUTPUT_BYTES)
    return {
        "id": shown.hash,
        "height": shown.height,
        "version": 0x20000000,
        "timestamp": shown.time,
        "tx_count": len(shown.txids),
        "size": size,
        "weight": size * _WEIGHT_PER_BYTE,
        "merkle_root": hashlib.sha256("".join(shown.txids).encode()).hexdigest(),
        "previousblockhash": before.hash if before else None,
        "mediantime": shown.time,
        "nonce": 0,
        "bits": _EASIEST_BITS,
        "difficulty": 0,
    }
