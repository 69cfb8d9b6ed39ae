import { nameOf } from "../state/market";

/** A token's symbol, or a part of its mint with the whole of that on hover. */
export function TokenName({ token }: { token: { mint: string } }) {
  const name = nameOf(token);
  return <span title={name.includes("…") ? token.mint : undefined}>{name}</span>;
}
