"""Column types that keep the domain's types across the database."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import DateTime, Dialect, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

TIMESTAMP = DateTime(timezone=True)


class Name(TypeDecorator[StrEnum]):
    """A member of an enum, kept as its name with a CHECK rather than as a Postgres enum type.

    A new status then needs a new CHECK, not an ALTER TYPE.
    """

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.enum(value)


class Atoms(TypeDecorator[int]):
    """An integer up to 2^64-1, which no Postgres integer type holds: NUMERIC(20, 0)."""

    impl = Numeric(20, 0)
    cache_ok = True

    def process_result_value(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)


class Json(TypeDecorator[Any]):
    """A value of a pydantic type, kept as JSONB."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    def __init__(self, type_: Any) -> None:
        super().__init__()
        self.type_ = type_
        self._adapter: TypeAdapter[Any] = TypeAdapter(type_)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self._adapter.dump_python(value, mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self._adapter.validate_python(value, strict=False)

    def to_json(self, value: Any) -> str:
        """Return the value as JSON text, for a driver that takes it so."""
        return self._adapter.dump_json(value).decode()

    def from_json(self, text: str) -> Any:
        """Return the value of JSON text, from a driver that gives it so."""
        return self._adapter.validate_json(text)
