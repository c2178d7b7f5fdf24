"""The `assay` command: every way to start Assay, and an operator's tools.

Nothing is imported here but the table: a command loads its own module, and that what it needs.
"""

from app.cli.lazy import Entry, lazy_group

main = lazy_group(
    "Assay sells prepaid credits for cryptocurrency and spends them on risk assessments.",
    {
        "dev": Entry(
            "app.cli.dev:dev",
            "Run everything embedded: PostgreSQL, the SANDBOX, the server; then show one journey.",
        ),
        "serve": Entry(
            "app.cli.serving:serve",
            "Serve the HTTP API, with the loops unless ASSAY_RUN_WORKER is false.",
        ),
        "worker": Entry(
            "app.cli.serving:worker",
            "Run the loops alone, beside `assay serve` with ASSAY_RUN_WORKER=false.",
        ),
        "migrate": Entry(
            "app.cli.migrating:migrate",
            "Bring the database's schema up to date. Safe to run from several places at once.",
        ),
        "sandbox": Entry(
            "app.cli.sandbox:sandbox",
            "Run the SANDBOX alone: a stand-in for AEON.to and Esplora in which no coin is real.",
            {
                "pay": Entry(
                    "app.cli.sandbox_controls:pay",
                    "Pay an order in its coin: all that remains, a part of it, or more.",
                ),
                "confirm": Entry(
                    "app.cli.sandbox_controls:confirm",
                    "Confirm the payment of an order: in AEON at AEON.to, in bitcoin by blocks.",
                ),
                "send": Entry(
                    "app.cli.sandbox_controls:send",
                    "Let AEON.to send the bitcoin of an order in AEON that is paid.",
                ),
                "expire": Entry(
                    "app.cli.sandbox_controls:expire",
                    "Let the time to pay an order end now.",
                ),
                "purge": Entry(
                    "app.cli.sandbox_controls:purge",
                    "Let AEON.to forget an order in AEON: it says NOT_FOUND.",
                ),
                "replace": Entry(
                    "app.cli.sandbox_controls:replace",
                    "Replace the last unconfirmed payment of an order in bitcoin by another transaction.",
                ),
                "double-spend": Entry(
                    "app.cli.sandbox_controls:double_spend",
                    "Spend the coins of the last unconfirmed payment of an order in bitcoin elsewhere, in a block.",
                ),
                "reorganise": Entry(
                    "app.cli.sandbox_controls:reorganise",
                    "Replace the last blocks of the bitcoin chain by one more than that.",
                ),
                "mine": Entry(
                    "app.cli.sandbox_controls:mine",
                    "Mine blocks of the bitcoin chain, the first with all that waits.",
                ),
                "auto": Entry(
                    "app.cli.sandbox_controls:auto",
                    "Pay orders in both coins by themselves, and let blocks come; or stop both.",
                ),
            },
        ),
        "demo": Entry(
            "app.cli.demo:demo",
            "Buy credits and spend one, step by step, against a running server.",
        ),
        "audit": Entry(
            "app.cli.audit:audit",
            "Check the money rules on the database; exit with 1 if one is broken.",
            {
                "acknowledge": Entry(
                    "app.cli.audit:acknowledge",
                    "Let a breach of an earlier version stay, with a reason; `assay audit` then"
                    " lists it apart.",
                ),
            },
        ),
        "doctor": Entry(
            "app.cli.doctor:doctor",
            "Check a deployment, and say what to do about each fault; exit with 1 if there is a"
            " problem.",
        ),
        "benchmark-data": Entry(
            "app.cli.benchmark_data:benchmark_data",
            "Fill a new database with many rows that break no rule, to measure Assay on it.",
        ),
        "openapi": Entry("app.cli.openapi:openapi", "Print the OpenAPI document."),
        "simulate": Entry(
            "app.cli.simulate:simulate_days",
            "Play simulated days of the worker, with crashes and faults; exit with 1 if a rule"
            " breaks.",
        ),
        "verify": Entry(
            "app.cli.receipts:verify_receipt",
            "Check a receipt, offline unless --keys is a URL; exit with 1, and say why, if it is"
            " wrong.",
        ),
    },
)
main.add_typer(
    lazy_group(
        "Ask AEON.to, one request at a time.",
        {
            "parameters": Entry(
                "app.cli.aeonto:parameters", "Show the price and the limits of new orders."
            ),
            "check-price": Entry(
                "app.cli.aeonto:check_price", "Show what AMOUNT_BTC costs in AEON now."
            ),
            "create": Entry(
                "app.cli.aeonto:create",
                "Create an order of AMOUNT_BTC to ADDRESS. Each call makes another one.",
            ),
            "create-pp": Entry(
                "app.cli.aeonto:create_pp",
                "Create an order from a payment protocol URL. Each call makes another one.",
            ),
            "status": Entry("app.cli.aeonto:status", "Show how the order UUID is doing."),
        },
    ),
    name="aeonto",
)
main.add_typer(
    lazy_group(
        "Users.",
        {
            "create": Entry(
                "app.cli.users:create_user", "Make a user, also when registration is closed."
            ),
            "list": Entry(
                "app.cli.users:list_users",
                "List users, newest first, with how many keys and sessions of each are good now.",
            ),
            "disable": Entry(
                "app.cli.users:disable_user",
                "Refuse a user's password and keys, and end its sessions, until it is enabled.",
            ),
            "enable": Entry(
                "app.cli.users:enable_user",
                "Let a disabled user in again, by its password and by keys that were not revoked.",
            ),
            "end-sessions": Entry(
                "app.cli.users:end_sessions",
                "End every session of a user, or of all; their passwords open new ones.",
            ),
        },
    ),
    name="user",
)
main.add_typer(
    lazy_group(
        "Access codes.",
        {
            "create": Entry(
                "app.cli.access_codes:create_access_code", "Issue an access code for a user."
            ),
            "list": Entry(
                "app.cli.access_codes:list_access_codes",
                "List access codes, newest first; one that expired is inactive, too.",
            ),
            "deactivate": Entry(
                "app.cli.access_codes:deactivate_access_code",
                "Take an access code out of use, for good: its credits go back to its issuer.",
            ),
        },
    ),
    name="access-code",
)
main.add_typer(
    lazy_group(
        "API keys.",
        {
            "create": Entry(
                "app.cli.api_keys:create_api_key", "Make an API key; it is shown only here."
            ),
            "list": Entry(
                "app.cli.api_keys:list_api_keys",
                "List API keys, newest first, without their secrets.",
            ),
            "revoke": Entry(
                "app.cli.api_keys:revoke_api_key",
                "Revoke an API key at once, or all of an account, and the keys that they made.",
            ),
        },
    ),
    name="api-key",
)
main.add_typer(
    lazy_group(
        "Make the key that signs receipts.",
        {
            "create": Entry(
                "app.cli.receipts:create_receipt_key",
                "Print a new private key, for ASSAY_RECEIPT_KEY. It is kept nowhere else.",
            ),
        },
    ),
    name="receipt-key",
)
main.add_typer(
    lazy_group(
        "Credits.",
        {
            "adjust": Entry(
                "app.cli.credits:adjust_credits",
                "Add or take credits of an account, with a reason.",
            ),
        },
    ),
    name="credits",
)
main.add_typer(
    lazy_group(
        "Orders.",
        {
            "list": Entry(
                "app.cli.orders:list_orders", "List orders of all accounts, newest first."
            ),
            "show": Entry(
                "app.cli.orders:show_order", "Show an order, its payment and its history."
            ),
            "cancel": Entry(
                "app.cli.orders:cancel_order",
                "Cancel an order that nobody paid; money that still comes is seen, and counts.",
            ),
            "settle": Entry(
                "app.cli.orders:settle_order", "End an order that AEON.to no longer answers for."
            ),
            "limit": Entry(
                "app.cli.orders:limit_orders",
                "Set how many unpaid orders one account may have open at once.",
            ),
        },
    ),
    name="orders",
)
main.add_typer(
    lazy_group(
        "Lists of addresses.",
        {
            "import": Entry(
                "app.cli.lists:import_command",
                "Import a list as the next version of its source, unless it has not changed.",
            ),
            "show": Entry(
                "app.cli.lists:show", "Show every version of every list, and what it changed."
            ),
            "check": Entry(
                "app.cli.lists:check",
                "Look up every listed address, every one no longer listed, and random ones.",
            ),
        },
    ),
    name="lists",
)
main.add_typer(
    lazy_group(
        "Being paid in bitcoin.",
        {
            "addresses": Entry(
                "app.cli.bitcoin:show_addresses",
                "Show what ASSAY_BITCOIN_DESCRIPTOR hands out, to be compared with the wallet. No"
                " database.",
            ),
            "passed-over": Entry(
                "app.cli.bitcoin:show_passed_over",
                "Show the addresses that no order gets, why, and what money was there.",
            ),
            "advance": Entry(
                "app.cli.bitcoin:advance",
                "Leave out the addresses before an index, as after a restore from a backup.",
            ),
        },
    ),
    name="bitcoin",
)
