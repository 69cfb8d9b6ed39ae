"""The two venues of the devnet, as the entry points `order_engine.venues` name them."""

from engine.venues.simulated import SimulatedVenue
from wiring.plugins import VenueContext


def raydium(context: VenueContext) -> SimulatedVenue:
    """Open the venue of the devnet's constant-product pools."""
    return _open("raydium", "Raydium", context)


def meteora(context: VenueContext) -> SimulatedVenue:
    """Open the venue of the devnet's DLMM pools."""
    return _open("meteora", "Meteora", context)


def _open(id: str, name: str, context: VenueContext) -> SimulatedVenue:
    settings = context.settings
    return SimulatedVenue(
        id,
        name,
        context.ledger,
        settings.rules,
        quote_latency_ms=settings.quote_latency_ms,
        quote_validity_slots=settings.quote_validity_slots,
        validity_slots=settings.validity_slots,
    )
