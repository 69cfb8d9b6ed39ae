import type { RouteLeg } from "../api/types";

const WHOLE_BPS = 10_000;

/** Write a route: parts of a split with their shares, one hop after another. */
export function via(route: RouteLeg[]): string {
  return hops(route)
    .map((legs) => legs.map((leg) => named(leg, legs.length > 1)).join(" + "))
    .join(" → ");
}

/** Group the legs: those of one hop make a whole together. */
function hops(route: RouteLeg[]): RouteLeg[][] {
  const found: RouteLeg[][] = [];
  let share = WHOLE_BPS;
  for (const leg of route) {
    if (share >= WHOLE_BPS) {
      found.push([]);
      share = 0;
    }
    found.at(-1)?.push(leg);
    share += leg.shareBps;
  }
  return found;
}

function named({ venue, shareBps }: RouteLeg, isPart: boolean): string {
  return isPart ? `${shareBps / 100} % ${venue.name}` : venue.name;
}
