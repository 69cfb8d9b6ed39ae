"""Transactions: the same bytes carry the same signature, others never do."""

from dataclasses import replace

import pytest

from engine.errors import EngineError, ErrorCode
from engine.swaps.simulation import Fault
from engine.swaps.transaction import Hop, PoolShare, SwapTransaction, decode, sign

SWAP = SwapTransaction(
    venue="raydium",
    token_in="So1",
    amount_in=2**64 - 1,
    hops=(Hop("EPj", (PoolShare("raydium:SOL-USDC", 3), PoolShare("meteora:SOL-USDC", 2**64))),),
    min_amount_out=1,
    memo="order",
    nonce=1,
    last_valid_slot=150,
)
BASE58 = set("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")


def test_signing_twice_gives_the_same_bytes_and_signature() -> None:
    assert sign(SWAP) == sign(replace(SWAP))


def test_another_attempt_has_another_signature() -> None:
    assert sign(SWAP).signature != sign(replace(SWAP, nonce=2)).signature


def test_a_signature_looks_like_one_of_solana() -> None:
    signature = sign(SWAP).signature

    assert set(signature) <= BASE58
    assert 86 <= len(signature) <= 88


@pytest.mark.parametrize("fault", [None, Fault.SLIPPAGE])
def test_the_instruction_can_be_read_back_from_the_bytes(fault: Fault | None) -> None:
    swap = replace(SWAP, fault=fault)

    assert decode(sign(swap).payload) == swap


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b"\xff", b'{"hops": [], "fault": null}'])
def test_other_bytes_are_no_transaction(payload: bytes) -> None:
    with pytest.raises(EngineError) as refused:
        decode(payload)

    assert refused.value.code is ErrorCode.VENUE_REJECTED


def test_its_terms_do_not_say_whose_it_is() -> None:
    assert replace(SWAP, memo="another").terms == SWAP.terms
    assert replace(SWAP, nonce=2).terms != SWAP.terms
