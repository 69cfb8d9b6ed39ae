"""Pools to and from their rows."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from engine.pools.cpmm import ConstantProductPool
from engine.pools.dlmm import DlmmPool
from engine.pools.listed import ListedPool, PoolKind
from engine.tokens import Token, TokenList, is_launched

_STATE: dict[PoolKind, TypeAdapter[Any]] = {
    PoolKind.CONSTANT_PRODUCT: TypeAdapter(ConstantProductPool),
    PoolKind.DLMM: TypeAdapter(DlmmPool),
}


def to_item(pool: ListedPool) -> dict[str, Any]:
    """Return what a statement takes for a pool, ready for JSON."""
    return {
        "id": pool.id,
        "venue": pool.venue,
        "kind": pool.kind,
        "token_x": pool.token_x.mint,
        "token_y": pool.token_y.mint,
        "state": json.loads(_STATE[pool.kind].dump_json(pool.state)),
        "fees_x": pool.fees_x,
        "fees_y": pool.fees_y,
        "launched_token": asdict(pool.token_x) if is_launched(pool.token_x) else None,
    }


def tokens_of(rows: Iterable[Mapping[str, Any]]) -> list[Token]:
    """Return the tokens that came to the devnet with these rows of the table `pools`."""
    came = (row["launched_token"] for row in rows)
    return [Token(**json.loads(token)) for token in came if token is not None]


def from_row(row: Mapping[str, Any], tokens: TokenList) -> ListedPool:
    """Return the pool of a row of the table `pools`, whose JSON is text."""
    return ListedPool(
        id=row["id"],
        venue=row["venue"],
        token_x=tokens.find(row["token_x"]),
        token_y=tokens.find(row["token_y"]),
        state=_STATE[PoolKind(row["kind"])].validate_json(row["state"]),
        fees_x=int(row["fees_x"]),
        fees_y=int(row["fees_y"]),
    )
