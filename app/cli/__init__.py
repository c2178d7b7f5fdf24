"""The `assay` command: every way to start Assay, and an operator's tools."""

import typer

from app.cli.aeonto import aeonto
from app.cli.bitcoin import bitcoin
from app.cli.demo import demo
from app.cli.dev import dev
from app.cli.lists import lists
from app.cli.operator import access_code, api_key, audit, credit, order, user
from app.cli.receipts import receipt_key, verify_receipt
from app.cli.serving import migrate, openapi, sandbox, serve, worker
from app.cli.simulate import simulate_days

main = typer.Typer(
    help="Assay sells prepaid credits for cryptocurrency and spends them on risk assessments.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (dev, serve, worker, migrate, sandbox, demo, audit, openapi):
    main.command()(command)
main.command("simulate")(simulate_days)
main.command("verify")(verify_receipt)
main.add_typer(aeonto, name="aeonto")
main.add_typer(user, name="user")
main.add_typer(access_code, name="access-code")
main.add_typer(api_key, name="api-key")
main.add_typer(receipt_key, name="receipt-key")
main.add_typer(credit, name="credits")
main.add_typer(order, name="orders")
main.add_typer(lists, name="lists")
main.add_typer(bitcoin, name="bitcoin")
