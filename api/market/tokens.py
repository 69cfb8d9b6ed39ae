"""Find the tokens that arguments name, as clients may see them."""

from api.graphql.context import Services
from api.graphql.errors import InvalidArgument
from engine.errors import EngineError
from engine.tokens import Token, is_mint, stranger


async def require_token(symbol_or_mint: str, services: Services) -> Token:
    """Return a token, launched ones too; InvalidArgument where nobody knows it."""
    known = await services.pools.tokens(symbol_or_mint)
    try:
        return known.find(symbol_or_mint)
    except EngineError as error:
        raise InvalidArgument(str(error)) from None


async def require_token_or_mint(symbol_or_mint: str, services: Services) -> Token:
    """Return a token, or what stands for a mint that nobody knows yet; else InvalidArgument."""
    known = await services.pools.tokens(symbol_or_mint)
    if symbol_or_mint not in known and is_mint(symbol_or_mint):
        return stranger(symbol_or_mint)
    return await require_token(symbol_or_mint, services)
