"""Take a valid order: once for each client order id, durably, then hand it to the workers."""

from collections.abc import Callable, Sequence
from uuid import UUID

from uuid_utils.compat import uuid7

from api.graphql.context import ACCOUNT, Info, Services
from api.graphql.inputs import SimulateInput
from api.graphql.order_types import Order, OrderPayload
from api.graphql.types import UserError
from engine.errors import EngineError, ErrorCode
from engine.orders.event import OrderEvent
from engine.orders.market import require_client_order_id, require_route, require_simulated
from engine.orders.request import OrderRequest
from engine.orders.status import OrderType
from engine.swaps.simulation import NO_FAULTS, Simulation
from engine.tokens import TOKENS, is_known
from models.orders import tables as models
from models.orders.step import NewOrder
from tasks.route_order import route_order
from wiring.logs import get_logger

Validate = Callable[[], OrderRequest]

log = get_logger(__name__)


async def place(client_order_id: str | None, validate: Validate, info: Info) -> OrderPayload:
    """Accept the order that `validate` returns, or answer with the EngineError it raises."""
    services = info.context.services
    id = uuid7()
    try:
        own_id = require_client_order_id(str(id) if client_order_id is None else client_order_id)
        asked = await _valid(validate, services)
        _require_capacity(services)
        if asked.type is not OrderType.SNIPER:
            await require_route(asked.swap, services.venues)
    except EngineError as error:
        return refused(error)
    new = _new_order(id, own_id, asked, info.context.request_id, services)
    order, is_new = await services.orders.accept(new, lease_ms=services.settings.step_lease_ms)
    if not is_new and order.request_digest != new.request_digest:
        return _conflict(order, info)
    if is_new:
        await _announce(order, services)
    return OrderPayload(order=Order.from_model(order, info), replayed=not is_new, user_errors=[])


def refused(
    error: EngineError, order: models.Order | None = None, info: Info | None = None
) -> OrderPayload:
    """Return the payload of a refusal, with the order it is about where there is one."""
    return OrderPayload(
        order=None if order is None or info is None else Order.from_model(order, info),
        replayed=False,
        user_errors=[UserError.from_engine(error)],
    )


def asked_faults(
    simulate: SimulateInput | None, venue_ids: Sequence[str], services: Services
) -> Simulation:
    """Return the faults asked for; EngineError FORBIDDEN where a venue allowed is a real one."""
    simulation = simulate.to_engine() if simulate else NO_FAULTS
    if simulation != NO_FAULTS:
        require_simulated(venue_ids, services.venues)
    return simulation


async def _valid(validate: Validate, services: Services) -> OrderRequest:
    try:
        return validate()
    except EngineError as error:
        if error.code is not ErrorCode.UNKNOWN_TOKEN:
            raise
    await services.ledger.book()  # it may have been launched since this process last looked
    return validate()


def _require_capacity(services: Services) -> None:
    most = services.settings.max_orders_in_progress
    if services.orders_in_progress >= most:
        raise EngineError(
            ErrorCode.OVERLOADED, "Too many orders are in progress.", context={"most": most}
        )


def _new_order(
    id: UUID, client_order_id: str, asked: OrderRequest, request_id: str, services: Services
) -> NewOrder:
    swap = asked.swap
    waits = asked.type is not OrderType.MARKET
    launched = tuple(
        token
        for token in (swap.token_in, swap.token_out)
        if token not in TOKENS and is_known(token.mint)
    )
    return NewOrder(
        id=id,
        account=ACCOUNT,
        client_order_id=client_order_id,
        request_digest=asked.digest,
        request_id=request_id,
        type=asked.type,
        token_in=swap.token_in.mint,
        token_out=swap.token_out.mint,
        amount_in=swap.amount_in,
        slippage_bps=asked.slippage_bps,
        min_amount_out=asked.min_amount_out,
        max_price_impact_bps=swap.max_price_impact_bps,
        limit_price=asked.limit_price,
        max_price=asked.max_price,
        min_liquidity=asked.min_liquidity,
        expires_at=asked.expires_at,
        life_ms=services.settings.waiting_order_life_ms if waits else None,
        launched_tokens=launched or None,
        venues=swap.venues,
        allow_split=swap.allow_split,
        simulation=None if asked.simulation == NO_FAULTS else asked.simulation,
    )


async def _announce(order: models.Order, services: Services) -> None:
    """Hand a stored order to the workers and tell its followers; either may fail harmlessly."""
    services.sender.send(route_order.message(str(order.id)))
    first = OrderEvent(
        order_id=order.id,
        sequence=order.sequence,
        status=order.status,
        previous_status=None,
        attempt=order.attempts,
        occurred_at=order.created_at,
    )
    await services.updates.publish([first])
    log.info("order.accepted", order_id=str(order.id), attempt=0)


def _conflict(order: models.Order, info: Info) -> OrderPayload:
    error = EngineError(
        ErrorCode.IDEMPOTENCY_CONFLICT,
        "This clientOrderId belongs to an order with other input.",
        field=("input", "clientOrderId"),
    )
    return refused(error, order, info)
