"""The table of statuses in the OpenAPI document: what each means, when it is final, how often to ask."""

from typing import Final

STATUS_TABLE: Final = """\
How far an order is: AEON.to's words, and `FAILED` and `CANCELLED`. `settled` says whether that is
final: `true`, with its credits, `false`, without, or null, not yet. What is `false` only an operator
can still change.

| status | means | `settled` in AEON | `settled` in bitcoin | ask again after |
|---|---|---|---|---|
| `TO_BE_CREATED` | AEON.to has not accepted it yet | null | does not occur | 5 s |
| `UNPAID` | it waits for the payment | null | null | 5 s |
| `UNDERPAID` | a part of the price has come | null | null | 5 s |
| `PAID_UNCONFIRMED` | all has come, and waits for confirmations | null | null | 10 s |
| `PAID` | all is confirmed | null; `true` where the server grants credits here | `true` | 10 s; once `true`, no more |
| `BTC_SENT` | AEON.to has paid the merchant | `true` | does not occur | no more |
| `TIMED_OUT` | the time to pay is over | null for 24 hours, in which AEON.to may honour a late payment; then `false` | null: what comes later buys credits, until `payment.late_until` at the price of the order | 1 min for half an hour, then 1 h |
| `NOT_FOUND` | AEON.to no longer knows it | null for 24 hours; then `false` | does not occur | 1 h |
| `FAILED` | AEON.to refused it, or an operator closed it | `false` | `false` | no more |
| `CANCELLED` | its buyer cancelled it | `false` if AEON.to had not accepted it, else as `TIMED_OUT` | as `TIMED_OUT` | 1 h |
"""
