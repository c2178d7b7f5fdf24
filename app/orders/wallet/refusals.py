"""Why a text is not a wallet that Assay may watch, in words for whoever gave it.

The grammar of `app.orders.wallet.wallet` has refused the text already; here is only looked for the
reason that is most likely. No reason repeats the text.
"""

import re
from typing import Final

_ALLOWED: Final = (
    "must be wpkh(KEY/0/*) or tr(KEY/0/*), where KEY is an xpub or tpub, with its origin before it"
    " or without; or an xpub, tpub, zpub or vpub alone, which means wpkh(KEY/0/*)"
)
_BASE58: Final = "[1-9A-HJ-NP-Za-km-z]"
_KEY: Final = rf"(?:\[[^\]]*\])?[a-zA-Z]pub{_BASE58}+"

# The first that is found is told. SLIP 132 has a prefix of its own for each script.
_REASONS: Final = tuple(
    (re.compile(pattern, re.ASCII), reason)
    for pattern, reason in (
        (r'^\s*[\[{]\s*["{\]}]|^\s*\{', "This is JSON: give the text of one descriptor in it"),
        (r"^\s*(['\"]).*\1\s*$", "This has quotes around it"),
        (
            r"(?i)\b(?:sorted)?multi(?:_a)?\(|\bmusig\(|\bthresh\(",
            "This is of several keys (multisig)",
        ),
        (
            rf"\b[YZUV]pub{_BASE58}",
            "This key is of several (multisig): SLIP 132 says so by Y or Z, U or V",
        ),
        (
            rf"(?:^|[(\]])[yu]pub{_BASE58}",
            "This key is of P2SH-wrapped SegWit (ypub or upub, BIP 49), which is not supported",
        ),
        (r"(?i)\bsh\(\s*wpkh\(", "This is P2SH-wrapped SegWit, sh(wpkh), which is not supported"),
        (r"(?i)\bpkh\(", "This is legacy P2PKH, pkh, which is not supported"),
        (r"(?i)\bcombo\(", "This has several kinds of addresses (combo)"),
        (r"(?i)\baddr\(", "This is a single address (addr), and each order needs its own"),
        (r"(?i)\braw\(", "This is a single script (raw), and each order needs its own"),
        (r"(?i)\b(?:rawtr|rawnode|unspendable|sp)\(", "Its function is not supported"),
        (r"(?i)\bw?sh\(", "This pays a script (sh or wsh), which is not supported"),
        (r"^\s*[A-Z]+\(", "Functions of descriptors are written in small letters"),
        (r"(?s)\S\s*[\r\n]\s*\S", "This has several lines: give one descriptor"),
        (r"\S\s+\S", "This has a blank in it"),
        (
            r"^tr\([^,]*,",
            "This has a tree of scripts (tr with a second part), which is not supported",
        ),
        (r"^pk\(", "This pays a bare key (pk), which is not supported"),
        (
            rf"\((?:\[[^\]]*\])?[zv]pub{_BASE58}",
            "In a descriptor the key is written as xpub or tpub, not zpub or vpub (BIP 380)",
        ),
        (
            r"^\w+\((?:\[[^\]]*\])?(?:0[23][0-9a-f]{64}|[0-9a-f]{64})",
            "This is one key without a range of addresses",
        ),
        (
            r"\*['hH]|\]?[a-z]pub[^)]*['hH](?:[/>;)]|$)",
            "This derives hardened keys (' or h after the key), which needs the private key",
        ),
        (r"\*.*\*|\*/", "Its * must stand once, at the end of the path"),
        (r"<[0-9;]*;[0-9;]*;", "This has more than two branches between < and >"),
        (rf"^{_KEY}/", "A key with a path needs wpkh( ) or tr( ) around it"),
        (rf"^\w+\({_KEY}(?:/[^*]*)?\)", "This is one address: the path lacks its wildcard, /*"),
        (rf"^\w+\({_KEY}[^)]*$", "Its closing parenthesis is missing"),
        (r"^\w+\(\[", "The origin before its key, in [ ], is not as BIP 380 writes it"),
        (
            r"^(?:bc1|tb1|bcrt1|[123mn])[0-9a-zA-Z]{25,90}$",
            "This is a single address, and each order needs its own",
        ),
        (
            rf"^[A-Za-z]{{2}}[a-z]{{2}}{_BASE58}{{100,}}$",
            "This is a key of another kind of address or of another coin",
        ),
    )
)


def refusal_of(text: str) -> str:
    """Return what is allowed, and what the text is instead where that can be told."""
    found = next((reason for pattern, reason in _REASONS if pattern.search(text)), None)
    return _ALLOWED if found is None else f"{_ALLOWED}. {found}"
