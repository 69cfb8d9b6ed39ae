"""The schema: exported, described to the last enum value, and as the design names things."""

from pathlib import Path
from typing import Any, cast

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    print_ast,
)

from api.roots.schema import schema

SCHEMA = build_schema(schema.as_str())
OURS = {name: type_ for name, type_ in SCHEMA.type_map.items() if not name.startswith("__")}
BUILT_IN = {"String", "Int", "Float", "Boolean", "ID"}


def fields_of(name: str) -> dict[str, Any]:
    return cast(GraphQLObjectType | GraphQLInputObjectType, SCHEMA.type_map[name]).fields


def test_the_exported_schema_is_the_one_in_the_code() -> None:
    assert Path("schema.graphql").read_text() == schema.as_str() + "\n"


@pytest.mark.parametrize("name", sorted(set(OURS) - BUILT_IN))
def test_every_type_field_argument_and_value_is_described(name: str) -> None:
    type_ = OURS[name]
    missing = [] if type_.description else [name]
    if isinstance(type_, GraphQLEnumType):
        missing += [f"{name}.{v}" for v, value in type_.values.items() if not value.description]
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        for field_name, field in type_.fields.items():
            missing += [] if field.description else [f"{name}.{field_name}"]
            for argument_name, argument in getattr(field, "args", {}).items():
                if not argument.description:
                    missing.append(f"{name}.{field_name}({argument_name})")

    assert missing == []


@pytest.mark.parametrize(
    ("type_", "field", "expected"),
    [
        ("Query", "order", "Order"),
        ("Query", "orderByClientOrderId", "Order"),
        ("Query", "orders", "OrderConnection!"),
        ("Query", "quote", "QuotePayload!"),
        ("Query", "tokens", "[Token!]!"),
        ("Query", "venues", "[Venue!]!"),
        ("Mutation", "executeMarketOrder", "OrderPayload!"),
        ("Subscription", "orderStatus", "OrderEvent!"),
        ("Order", "amountIn", "Decimal!"),
        ("Order", "slot", "Int"),
        ("Order", "events", "[OrderEvent!]!"),
        ("OrderEvent", "previousStatus", "OrderStatus"),
        ("UserError", "retryAfterMs", "Int"),
    ],
)
def test_names_and_types_are_those_of_the_design(type_: str, field: str, expected: str) -> None:
    assert str(fields_of(type_)[field].type) == expected


def test_defaults_are_those_of_the_design() -> None:
    order_status = SCHEMA.subscription_type.fields["orderStatus"]
    orders = SCHEMA.query_type.fields["orders"]
    slippage = fields_of("ExecuteMarketOrderInput")["slippageBps"]

    assert order_status.args["after"].ast_node.default_value.value == "0"
    # No number: a `first` that is given must differ from one that is not.
    assert print_ast(orders.args["first"].ast_node.default_value) == "null"
    assert slippage.ast_node.default_value.value == "50"
