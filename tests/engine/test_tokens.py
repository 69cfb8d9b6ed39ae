"""What symbols and mints mean, and what is no mint."""

import pytest

from engine.errors import EngineError, ErrorCode
from engine.tokens import GENESIS, SOL, TOKENS, USDC, Token, TokenList, base58, is_mint, stranger

NEW = Token("NEW", base58(bytes(range(1, 33))), 6, "New")


@pytest.mark.parametrize("raw", [bytes(32), b"\xff" * 32, bytes(range(32)), b"\0" * 31 + b"\1"])
def test_thirty_two_bytes_in_base58_are_a_mint(raw: bytes) -> None:
    assert is_mint(base58(raw))


@pytest.mark.parametrize(
    "text",
    [
        "2" * 32,  # 24 bytes
        "z" * 44,  # 33 bytes
        "1" * 33,
        base58(b"\xff" * 31),
        base58(b"\xff" * 33),
        SOL.mint[:-1] + "0",  # no digit of base58
        "",
        "SOL",
    ],
)
def test_what_is_not_thirty_two_bytes_is_no_mint(text: str) -> None:
    assert not is_mint(text)


def test_every_token_of_the_devnet_has_a_mint() -> None:
    assert all(is_mint(token.mint) for token in TOKENS)


def test_a_stranger_is_never_taken_for_a_token_that_is_known() -> None:
    mint = "USDC" + "2" * 40

    unknown = stranger(mint)

    assert unknown.symbol == "USDC…2222"
    assert unknown.symbol not in GENESIS
    assert GENESIS.of_mint(mint) == unknown


def test_a_list_that_knows_more_is_another_list() -> None:
    more = GENESIS.with_launched([NEW])

    assert (more.find("NEW"), more.find(NEW.mint), more.of_mint(USDC.mint)) == (NEW, NEW, USDC)
    assert "NEW" not in GENESIS
    assert list(more) == [*TOKENS, NEW]
    assert more.with_launched([NEW]) is more


def test_what_a_name_stands_for_never_changes() -> None:
    pretender = Token("SOL", NEW.mint, 0, "Not Solana")

    assert TokenList([pretender]).find("SOL") == SOL


def test_an_unknown_token_is_refused_by_its_field() -> None:
    with pytest.raises(EngineError) as refusal:
        GENESIS.find("NOPE", field=("input", "tokenIn"))

    assert (refusal.value.code, refusal.value.field) == (
        ErrorCode.UNKNOWN_TOKEN,
        ("input", "tokenIn"),
    )
