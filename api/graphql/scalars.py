"""Scalars and enums of the API."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NewType, TypeVar

import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.schema.config import StrawberryConfig

from engine.amounts import format_amount, format_decimal
from engine.errors import MEANING, RETRY_CLASS_MEANING, ErrorCode, RetryClass
from engine.orders.status import STATUS_MEANING, TYPE_MEANING, OrderStatus, OrderType
from engine.pools.listed import POOL_KIND_MEANING, PoolKind
from engine.tokens import Token

T = TypeVar("T")

DecimalText = NewType("DecimalText", str)
"""A decimal as text. Input is checked by the rules of the field it is for, not here."""


def atoms(value: int, token: Token) -> DecimalText:
    """Return atoms as the API shows them: whole units of the token."""
    return DecimalText(format_amount(value, token))


def decimal(value: Decimal) -> DecimalText:
    """Return a number as the API shows it."""
    return DecimalText(format_decimal(value))


def _parse_decimal(value: Any) -> DecimalText:
    # A JSON number has been through a float before it gets here; only text and integers are exact.
    if isinstance(value, str):
        return DecimalText(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return DecimalText(str(value))
    raise GraphQLError('A Decimal is a string, such as "0.25".')


def _parse_instant(value: Any) -> datetime:
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise GraphQLError(
        'A DateTime is an RFC 3339 instant with its offset, such as "2026-01-31T12:00:00Z".'
    )


def _serialize_instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _literal(parse: Callable[[Any], T]) -> Callable[..., T]:
    """Return what parses a literal, so that its error says where in the document it stands."""

    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> T:
        try:
            return parse(value_from_ast_untyped(node, variables))
        except GraphQLError as error:
            raise GraphQLError(error.message, node) from None

    return parse_literal


CONFIG = StrawberryConfig(
    scalar_map={
        DecimalText: strawberry.scalar(
            name="Decimal",
            description='Exact base-10 number carried as a string, e.g. "0.25". '
            "No exponent, no float.",
            serialize=str,
            parse_value=_parse_decimal,
            parse_literal=_literal(_parse_decimal),
            specified_by_url="https://www.w3.org/TR/xmlschema11-2/#decimal",
        ),
        datetime: strawberry.scalar(
            name="DateTime",
            description="RFC 3339 instant in UTC.",
            serialize=_serialize_instant,
            parse_value=_parse_instant,
            parse_literal=_literal(_parse_instant),
            specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        ),
    }
)


def _describe(enum: type[StrEnum], description: str, meaning: dict[Any, str]) -> None:
    """Register an enum of the engine; its members' meanings become their descriptions."""
    strawberry.enum(enum, description=description)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = meaning[enum[value.name]]


_describe(OrderType, "What makes an order execute.", TYPE_MEANING)
_describe(OrderStatus, "Where an order stands in its life.", STATUS_MEANING)
_describe(RetryClass, "What a client should do about an error.", RETRY_CLASS_MEANING)
_describe(ErrorCode, "The reason of a refusal or a failure.", MEANING)
_describe(PoolKind, "How a pool prices.", POOL_KIND_MEANING)
