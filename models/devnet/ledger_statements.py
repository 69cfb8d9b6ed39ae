"""Every SQL statement about slots and transactions."""

from sqlalchemy import text

SLOT_NOW = """
(devnet.slot + floor(extract(epoch FROM now() - devnet.slot_began_at) * 1000 / :slot_ms))::int
"""
"""The slot it is by the clock, whether or not the slots up to it have been run yet."""


def slot_now(slot_ms: str) -> str:
    """Return SLOT_NOW with another place for the length of a slot, such as ``$1::int``."""
    return SLOT_NOW.replace(":slot_ms", slot_ms)


SLOT = f"SELECT {slot_now('$1::int')} FROM devnet"

# A transaction is taken while it is valid, once; an expired one never, so that a sender that
# slept through its validity cannot wake up and trade.
SUBMIT = f"""
INSERT INTO ledger_transactions
    (signature, payload, venue, memo, token_in, token_out, amount_in, land_slot)
SELECT s.signature, s.payload, s.venue, s.memo, s.token_in, s.token_out, s.amount_in,
    {slot_now("$1::int")} + s.landing_slots
FROM unnest($2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::numeric[], $9::int[], $10::int[]) WITH ORDINALITY AS s(signature, payload, venue, memo,
    token_in, token_out, amount_in, last_valid_slot, landing_slots, n) CROSS JOIN devnet
WHERE {slot_now("$1::int")} <= s.last_valid_slot
ORDER BY s.n
ON CONFLICT (signature) DO NOTHING
RETURNING signature
"""

KNOWN = "SELECT signature FROM ledger_transactions WHERE signature = ANY($1::text[])"

# With the slot even where none is known: whether unknown means dead depends on it.
STATUSES = """
SELECT devnet.slot AS now, t.signature, t.outcome, t.code, t.amount_out, t.fee, t.slot,
    t.route::text AS route
FROM devnet LEFT JOIN ledger_transactions t ON t.signature = ANY($1::text[])
"""

# Skipped and not waited for: after the wait the slots would have been run.
BEGIN_SLOT = text("""
SELECT slot, revision, slot_began_at,
    floor(extract(epoch FROM now() - slot_began_at) * 1000 / :slot_ms)::int AS passed
FROM devnet FOR UPDATE SKIP LOCKED
""")

DUE = text("""
SELECT signature, payload, land_slot FROM ledger_transactions
WHERE outcome IS NULL AND land_slot <= :slot ORDER BY land_slot, position
""")

SETTLE = text("""
UPDATE ledger_transactions t SET outcome = s.outcome, code = s.code, amount_out = s.amount_out,
    fee = s.fee, slot = s.slot, route = s.route
FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS s(
    signature text, outcome text, code text, amount_out numeric, fee numeric, slot int,
    route jsonb)
WHERE t.signature = s.signature AND t.outcome IS NULL
""")

MARKET_GAINS = text("""
INSERT INTO market_balances
SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS g(mint text, atoms numeric)
ON CONFLICT (mint) DO UPDATE SET atoms = market_balances.atoms + excluded.atoms
""")

CANDLES = text("""
INSERT INTO candles
SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb)) AS c(
    token_x text, token_y text, opened_at timestamptz, open numeric, high numeric, low numeric,
    close numeric, volume_x numeric, volume_y numeric)
ON CONFLICT (token_x, token_y, opened_at) DO UPDATE SET
    high = greatest(candles.high, excluded.high), low = least(candles.low, excluded.low),
    close = excluded.close, volume_x = candles.volume_x + excluded.volume_x,
    volume_y = candles.volume_y + excluded.volume_y
""")

# By whole slots and not to now: what has begun of the next one stays begun.
END_SLOT = text("""
UPDATE devnet SET slot = slot + :passed, revision = :revision,
    slot_began_at = slot_began_at + CAST(:passed AS bigint) * :slot_ms * interval '1 ms'
""")
