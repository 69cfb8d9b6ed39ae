"""Transactions: the same bytes carry the same signature, others never do."""

from dataclasses import replace

from engine.transaction import SwapTransaction, decode, sign

SWAP = SwapTransaction(
    venue="raydium",
    pool="raydium:SOL-USDC",
    token_in="So1",
    token_out="EPj",
    amount_in=2**64 - 1,
    min_amount_out=1,
    memo="order",
    nonce=1,
    last_valid_slot=150,
)
BASE58 = set("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")


def test_signing_twice_gives_the_same_bytes_and_signature():
    assert sign(SWAP) == sign(replace(SWAP))


def test_another_attempt_has_another_signature():
    assert sign(SWAP).signature != sign(replace(SWAP, nonce=2)).signature


def test_a_signature_looks_like_one_of_solana():
    signature = sign(SWAP).signature

    assert set(signature) <= BASE58
    assert 86 <= len(signature) <= 88


def test_the_instruction_can_be_read_back_from_the_bytes():
    assert decode(sign(SWAP).payload) == SWAP
