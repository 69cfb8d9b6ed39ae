"""Take a valid order: once for each client order id, durably, then hand it to the workers."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from uuid_utils.compat import uuid7

from api.graphql.context import ACCOUNT, Info, Services
from api.graphql.errors import InvalidArgument, or_overloaded
from api.graphql.order_types import Order, OrderPayload
from api.graphql.types import UserError
from engine.errors import EngineError, ErrorCode
from engine.orders.request import OrderRequest, require_client_order_id
from engine.orders.status import OrderType
from engine.swaps.simulation import NO_FAULTS
from engine.tokens import TokenList, is_launched
from models.orders import tables as models
from models.orders.step import NewOrder

MOST_AT_ONCE = 100
"""The most orders that one mutation places or cancels."""


class OrderInput(Protocol):
    """What a client asks for, whatever the type of its order."""

    client_order_id: str | None

    @property
    def token_names(self) -> tuple[str, str]:
        """The symbols or mints it names."""

    def to_request(self, tokens: TokenList) -> OrderRequest:
        """Return the order it asks for, or raise EngineError with the input at fault."""


async def place(input: OrderInput, info: Info) -> OrderPayload:
    """Accept the order asked for, or say why not.

    Only what was asked decides whether it is the same again. Whatever depends on time or load is
    asked of new orders alone: a retry gets its order, whatever has changed meanwhile.
    """
    # Ids of one time lie together in the indexes: new orders touch few pages of them.
    services, id = info.context.services, uuid7()
    try:
        request = input.to_request(await services.pools.tokens(*input.token_names))
        own_id = require_client_order_id(
            str(id) if input.client_order_id is None else input.client_order_id
        )
    except EngineError as error:
        return refused(error)
    try:
        services.capacity.require_room()
        await services.admission.require(request, now=datetime.now(UTC))
    except EngineError as error:
        before = await services.orders.by_client_order_id(ACCOUNT, own_id)
        return refused(error) if before is None else _asked_before(before, request, info)
    order, is_new = await services.door.accept(
        _new_order(id, own_id, request, info.context.request_id, services)
    )
    if not is_new:
        return _asked_before(order, request, info)
    await _announce(order, services)
    return OrderPayload(order=Order.from_model(order, info), replayed=False, user_errors=[])


async def place_all(inputs: Sequence[OrderInput], info: Info) -> list[OrderPayload]:
    """Accept each of these orders, or say why not, each as if it were alone: in one statement."""
    if not 1 <= len(inputs) <= MOST_AT_ONCE:
        raise InvalidArgument(f"`inputs` is a list of 1 to {MOST_AT_ONCE}.")
    payloads = await asyncio.gather(
        *(or_overloaded(place(input, info), refused) for input in inputs)
    )
    for n, payload in enumerate(payloads):
        for error in payload.user_errors:
            if error.field and error.field[0] == "input":
                error.field = ["inputs", str(n), *error.field[1:]]
    return payloads


def refused(
    error: EngineError, order: models.Order | None = None, info: Info | None = None
) -> OrderPayload:
    """Return the payload of a refusal, with the order it is about where there is one."""
    return OrderPayload(
        order=None if order is None or info is None else Order.from_model(order, info),
        replayed=False,
        user_errors=[UserError.from_engine(error)],
    )


def _new_order(
    id: UUID, client_order_id: str, request: OrderRequest, request_id: str, services: Services
) -> NewOrder:
    """Return the order as it is stored: what the request and its swap say, column by column."""
    swap = request.swap
    waits = request.type is not OrderType.MARKET
    asked = {
        name: getattr(request if hasattr(request, name) else swap, name) for name in _FROM_REQUEST
    }
    launched = tuple(t for t in (swap.token_in, swap.token_out) if is_launched(t))
    return NewOrder.model_construct(
        **asked,
        id=id,
        account=ACCOUNT,
        client_order_id=client_order_id,
        request_digest=request.digest,
        request_id=request_id,
        token_in=swap.token_in.mint,
        token_out=swap.token_out.mint,
        life_ms=services.settings.waiting_order_life_ms if waits else None,
        launched_tokens=launched or None,
        simulation=None if request.simulation == NO_FAULTS else request.simulation,
    )


_OWN = frozenset(
    {
        *("id", "account", "client_order_id", "request_digest", "request_id", "token_in"),
        *("token_out", "life_ms", "launched_tokens", "simulation"),
    }
)
_FROM_REQUEST = tuple(name for name in NewOrder.model_fields if name not in _OWN)


async def _announce(order: models.Order, services: Services) -> None:
    """Hand a stored order to the workers; that it may be lost on the way is the sweep's to mend."""
    services.announcer.announce(order)


def _asked_before(order: models.Order, request: OrderRequest, info: Info) -> OrderPayload:
    if order.request_digest == request.digest:
        return OrderPayload(order=Order.from_model(order, info), replayed=True, user_errors=[])
    error = EngineError(
        ErrorCode.IDEMPOTENCY_CONFLICT,
        "This clientOrderId belongs to an order with other input.",
        field=("input", "clientOrderId"),
    )
    return refused(error, order, info)
