"""What a venue promises of the transactions it builds, takes and reports.

A docstring is the promise as people read it. They are checked in the order of SWAP_PROMISES: the
last ones look at what the earlier ones sent.
"""

import asyncio
from contextlib import suppress

from cli.venue_check.trial import (
    FILLED,
    Broken,
    Built,
    Promise,
    Trial,
    require,
    require_route,
    unknown_signatures,
)
from engine.errors import EngineError
from engine.swaps.transaction import SignedTransaction, TransactionState

_SENDINGS = 10


async def signatures_are_of_bytes(trial: Trial) -> None:
    """Equal bytes have equal signatures; another memo or nonce gives another transaction."""
    quote = await trial.quote()
    floor = quote.amount_out * 9 // 10
    built = [
        await trial.venue.build(quote, min_amount_out=floor, memo=memo, nonce=nonce)
        for memo, nonce in ((trial.memo, 901), (trial.memo, 901), (trial.memo, 902), ("me", 901))
    ]
    signatures, payloads = {b.signature for b in built}, {b.payload for b in built}
    pairs = {(b.signature, b.payload) for b in built}
    require(len(signatures) == len(payloads) == len(pairs), "signatures do not follow the bytes")
    for other, what in ((built[2], "nonce"), (built[3], "memo")):
        require(other.signature != built[0].signature, f"another {what} has the same signature")


async def building_sends_nothing(trial: Trial) -> None:
    """What is built and not submitted stays unknown, and has a last valid slot to come."""
    trial.unsent = await trial.build()
    require(await trial.status(trial.unsent) is None, "it is known before it was submitted")
    last = trial.unsent.signed.last_valid_slot
    require(last > trial.slot, f"it was valid until slot {last}, and it is {trial.slot} already")


async def statuses_come_in_bulk(trial: Trial) -> None:
    """256 signatures are answered at once, and unknown ones are left out."""
    signatures = unknown_signatures()
    report = await trial.report(signatures)
    require(not report.statuses, f"it knows {len(report.statuses)} signatures nobody ever signed")


async def slots_pass(trial: Trial) -> None:
    """The slot it reports passes, and never falls back."""
    await trial.wait_past((await trial.report(unknown_signatures(1))).slot)


async def a_swap_is_confirmed(trial: Trial) -> None:
    """A submitted swap is confirmed while it is valid, at its floor or above."""
    built = await trial.build()
    await trial.venue.submit(built.signed)
    await _confirmed(trial, built)


async def sending_again_changes_nothing(trial: Trial) -> None:
    """Sent ten times at once, and again when it has landed, a transaction has one outcome."""
    built = await trial.build()
    try:
        await asyncio.gather(*(trial.venue.submit(built.signed) for _ in range(_SENDINGS)))
        await _confirmed(trial, built)
        before = await trial.status(built)
        await trial.venue.submit(built.signed)
    except EngineError as error:
        raise Broken(f"sending again is refused with {error.code}: {error}") from error
    require(await trial.status(built) == before, "another sending changed the outcome")


async def floors_hold(trial: Trial) -> None:
    """A floor above the market is never filled."""
    floor = 2 * (await trial.quote()).amount_out
    try:
        built = await trial.build(floor)
        with suppress(EngineError):
            await trial.venue.submit(built.signed)
    except EngineError:
        return  # refused before there was anything to send
    status = await trial.end_of(built)
    require(status is None or status.state not in FILLED, "it was filled")


async def foreign_bytes_are_refused(trial: Trial) -> None:
    """Bytes that are no transaction are refused with an EngineError, or come to nothing."""
    [signature] = unknown_signatures(1)
    now = (await trial.report([signature])).slot
    foreign = Built(SignedTransaction(signature, b"no transaction", last_valid_slot=now), 0)
    with suppress(EngineError):
        await trial.venue.submit(foreign.signed)
    status = await trial.end_of(foreign)
    require(status is None or status.state not in FILLED, "they were filled")


async def late_transactions_are_dead(trial: Trial) -> None:
    """Sent only after its last valid slot, a transaction is never filled."""
    require(trial.unsent is not None, "nothing could be built")
    assert trial.unsent is not None
    await trial.wait_past(trial.unsent.signed.last_valid_slot)
    require(await trial.status(trial.unsent) is None, "it is known and was never submitted")
    with suppress(EngineError):
        await trial.venue.submit(trial.unsent.signed)
    status = await trial.end_of(trial.unsent)
    require(status is None or status.state not in FILLED, "it was filled")


async def outcomes_are_final(trial: Trial) -> None:
    """When all validity is over, every outcome is still what it was, and sending changes none."""
    require(bool(trial.ended), "no transaction has come to an end")
    await trial.wait_past(max(built.signed.last_valid_slot for built, _ in trial.ended))
    for built, before in trial.ended:
        if before is not None and before.state is TransactionState.CONFIRMED:
            await trial.venue.submit(built.signed)
            require(await trial.status(built) == before, "a confirmed swap is another one now")
        else:
            status = await trial.status(built)
            require(status is None or status.state not in FILLED, "what was dead is filled now")


async def _confirmed(trial: Trial, built: Built) -> None:
    status = await trial.end_of(built)
    require(status is not None, "its validity ended and nobody knows it")
    assert status is not None
    why = f"it ended {status.state} with {status.code}"
    require(status.state is TransactionState.CONFIRMED, why)
    if status.route:
        require_route(status.route, trial.swap, trial.venue.id, status.amount_out or 0)


SWAP_PROMISES: tuple[Promise, ...] = (
    signatures_are_of_bytes,
    building_sends_nothing,
    statuses_come_in_bulk,
    slots_pass,
    a_swap_is_confirmed,
    sending_again_changes_nothing,
    floors_hold,
    foreign_bytes_are_refused,
    late_transactions_are_dead,
    outcomes_are_final,
)
