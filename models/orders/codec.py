"""Orders to and from what asyncpg takes and gives: derived from the columns' types."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import class_mapper

from models.columns import Atoms, Json, Name
from models.orders.step import NewOrder
from models.orders.tables import Order, OrderEventRow

ORDER_COLUMNS: dict[str, Column[Any]] = {
    name: column
    for name, column in Order.__table__.columns.items()  # type: ignore[attr-defined]
    if column.computed is None
}
"""Those that are read and written; what Postgres derives of them is for its indexes alone."""

EVENT_COLUMNS: dict[str, Column[Any]] = dict(OrderEventRow.__table__.columns.items())  # type: ignore[attr-defined]

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_NEW_ORDER = class_mapper(Order).class_manager.new_instance
_NOTHING: dict[str, Any] = dict.fromkeys(ORDER_COLUMNS)


def sql_type(name: str) -> str:
    """Return the Postgres type of a column of an order or of an event, e.g. ``NUMERIC(20, 0)``."""
    return _column(name).type.compile(_DIALECT)


def encode(name: str, values: list[Any]) -> list[Any]:
    """Return a column's values as asyncpg takes them in an array of `array_type(name)`."""
    encoder = _encoder(_column(name).type)
    if encoder is None:
        return values
    return [None if value is None else encoder(value) for value in values]


def array_type(name: str) -> str:
    """Return the type of an array of a column's values; an array among them goes as its text."""
    type_ = _column(name).type
    return "text[]" if isinstance(type_, ARRAY) else f"{sql_type(name)}[]"


def decode(name: str, value: Any) -> Any:
    """Return a column's value, not None, as asyncpg gave it."""
    decoder = _decoder(_column(name).type)
    return value if decoder is None else decoder(value)


def order_of(record: Mapping[str, Any]) -> Order:
    """Return a row as the ORM would load it: validation and change tracking are not for rows."""
    order: Order = _NEW_ORDER()
    known = order.__dict__
    known.update(record)
    for name, decoder in _DECODERS:
        value = known[name]
        if value is not None:
            known[name] = decoder(value)
    return order


def accepted_order(new: NewOrder, record: Mapping[str, Any]) -> Order:
    """Return an order just accepted: what was asked, and what the statement added to it."""
    order: Order = _NEW_ORDER()
    order.__dict__.update(_NOTHING)
    order.__dict__.update({name: value for name, value in new.__dict__.items() if name in _NOTHING})
    order.__dict__.update(record)
    return order


def _column(name: str) -> Column[Any]:
    found = ORDER_COLUMNS.get(name)
    return EVENT_COLUMNS[name] if found is None else found


def _encoder(type_: Any) -> Callable[[Any], Any] | None:
    if isinstance(type_, Json):
        return type_.to_json
    if isinstance(type_, Name):
        return str
    if isinstance(type_, ARRAY):
        return _array_text
    return None


def _array_text(values: list[str]) -> str:
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def _decoder(type_: Any) -> Callable[[Any], Any] | None:
    if isinstance(type_, Json):
        return type_.from_json
    if isinstance(type_, Name):
        return type_.enum
    if isinstance(type_, Atoms):
        return int
    return None


_DECODERS = [
    (name, decoder)
    for name, column in ORDER_COLUMNS.items()
    if (decoder := _decoder(column.type)) is not None
]
