"""Open a pool on the devnet."""

import json
from typing import Any

from gql import gql
from rich.console import Console

from cli.client.connection import change
from cli.client.figures import price_text

_LAUNCH = gql("""
mutation Launch($input: LaunchPoolInput!) {
  launchPool(input: $input) {
    pool {
      id kind venue { id name } tokenX { symbol mint decimals } tokenY { symbol }
      reserveX reserveY spotPrice feeBps
    }
    userErrors { code message field }
  }
}
""")


async def launch_pool(asked: dict[str, Any], url: str, *, as_json: bool) -> int:
    """Print the pool; return the exit status."""
    pool = (await change(url, _LAUNCH, input=asked))["pool"]
    out = Console(highlight=False, markup=False, soft_wrap=True)
    if as_json:
        out.print(json.dumps(pool))
        return 0
    token, quote = pool["tokenX"]["symbol"], pool["tokenY"]["symbol"]
    out.print(
        f"pool {pool['id']}  {pool['reserveX']} {token} and {pool['reserveY']} {quote}"
        f"  price {price_text(pool['spotPrice'])} {quote}/{token}  fee {pool['feeBps']} bps"
    )
    return 0
