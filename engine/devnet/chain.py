"""What a slot does: the due transactions in order, then the market, all through the same pools.

Pure: the pools, the transactions, the slot and the rules decide everything. Run twice, it comes to
the same, to the atom.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.devnet.chance import happens
from engine.devnet.launch import scheduled_launch
from engine.devnet.market import Market
from engine.errors import EngineError, ErrorCode
from engine.pools.book import chain_seconds
from engine.pools.listed import ListedPool
from engine.swaps.fill import Fill, HopFill, spend
from engine.swaps.paths import Path
from engine.swaps.simulation import RELIABLE, Fault, VenueFaults
from engine.swaps.transaction import Hop, SwapTransaction, TransactionState, TransactionStatus
from engine.tokens import Token

CHAIN = "devnet"


@dataclass(frozen=True, slots=True)
class Rules:
    """What repeats a run: the seed, whether the market moves, and how reliable each venue is."""

    seed: str
    market_moves: bool = True
    launch_every_slots: int = 0
    faults: Mapping[str, VenueFaults] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trade:
    """A fill on the chain, and its slot."""

    slot: int
    fill: Fill


class Chain:
    """The pools, slot by slot. Keeps what happened to them, for whoever writes it down."""

    def __init__(self, pools: Mapping[str, ListedPool], rules: Rules) -> None:
        self.pools = dict(pools)
        self.trades: list[Trade] = []
        self.launched: list[ListedPool] = []
        self.market_gains: Counter[str] = Counter()
        """Atoms by mint that the market's own traders gained; what they paid is below zero."""
        self._rules = rules
        self._market = Market(rules.seed)

    @property
    def changed(self) -> list[ListedPool]:
        """The pools that traded, as they are now."""
        return [self.pools[id] for id in sorted({trade.fill.pool.id for trade in self.trades})]

    def launch(self, slot: int) -> None:
        """Open the pool that the seed has for this slot, if it has one."""
        every = self._rules.launch_every_slots
        if every == 0 or slot % every:
            return
        pool = scheduled_launch(self._rules.seed, slot)
        if pool.id not in self.pools:
            self.pools[pool.id] = pool
            self.launched.append(pool)

    def move_market(self, slot: int) -> None:
        """Let the market's own traders trade, as the seed has it for this slot."""
        if not self._rules.market_moves:
            return
        for order in self._market.orders(slot, self.pools):
            pool = self.pools[order.pool]
            try:
                result = pool.quote(order.amount_in, order.direction, chain_seconds(slot))
            except EngineError:
                continue  # a pool that ran dry: its trader comes back another time
            fill = Fill(pool, order.direction, result)
            self._happen([HopFill((fill,))], slot)
            self.market_gains[pool.pays(order.direction).mint] -= result.amount_in
            self.market_gains[pool.buys(order.direction).mint] += result.amount_out

    def execute(self, transaction: SwapTransaction, slot: int) -> TransactionStatus:
        """Execute a transaction in `slot`: all of its hops or, unless it LANDED, nothing."""
        if slot > transaction.last_valid_slot:
            return TransactionStatus(TransactionState.EXPIRED, code=ErrorCode.TRANSACTION_EXPIRED)
        if self._is_dropped(transaction):
            return TransactionStatus(TransactionState.DROPPED, code=ErrorCode.TRANSACTION_DROPPED)
        try:
            path = self._path(transaction, slot)
        except EngineError as error:
            return TransactionStatus(TransactionState.REVERTED, slot=slot, code=error.code)
        self._happen(path.hops, slot)
        return TransactionStatus(
            TransactionState.LANDED,
            amount_out=path.amount_out,
            fee=path.fee,
            slot=slot,
            route=path.route,
        )

    def _path(self, transaction: SwapTransaction, slot: int) -> Path:
        """Return what the transaction comes to; EngineError with the code it reverts with."""
        self._require_listed(transaction)
        if transaction.fault is Fault.SLIPPAGE:
            raise EngineError(ErrorCode.SLIPPAGE_EXCEEDED, "Asked for.")
        amount, hops = transaction.amount_in, []
        for hop in transaction.hops:
            weights = [(self.pools[share.pool], share.weight) for share in hop.shares]
            bought = self._bought(hop)
            hops.append(spend(amount, weights, bought, chain_seconds(slot)))
            amount = hops[-1].amount_out
        if amount < transaction.min_amount_out:
            raise EngineError(ErrorCode.SLIPPAGE_EXCEEDED, "Below the floor.")
        return Path(tuple(hops))

    def _require_listed(self, transaction: SwapTransaction) -> None:
        """Raise VENUE_REJECTED unless each pool exists, trades its hop's tokens, and comes once."""
        used: set[str] = set()
        paid = transaction.token_in
        for hop in transaction.hops:
            for share in hop.shares:
                pool = self.pools.get(share.pool)
                mints = pool and {pool.token_x.mint, pool.token_y.mint}
                if mints != {paid, hop.token_out} or share.weight < 1 or share.pool in used:
                    raise EngineError(ErrorCode.VENUE_REJECTED, "It names no such pool.")
                used.add(share.pool)
            paid = hop.token_out
        if not used or transaction.amount_in < 1:
            raise EngineError(ErrorCode.VENUE_REJECTED, "It swaps nothing.")

    def _bought(self, hop: Hop) -> Token:
        pool = self.pools[hop.shares[0].pool]
        return pool.token_x if pool.token_x.mint == hop.token_out else pool.token_y

    def _is_dropped(self, transaction: SwapTransaction) -> bool:
        if transaction.fault is Fault.DROPPED_TRANSACTION:
            return True
        rate = self._rules.faults.get(transaction.venue, RELIABLE).drop_rate
        return happens(rate, self._rules.seed, "drop", transaction.terms)

    def _happen(self, hops: Sequence[HopFill], slot: int) -> None:
        for hop in hops:
            for fill in hop.fills:
                self.pools[fill.pool.id] = fill.after
                self.trades.append(Trade(slot, fill))
