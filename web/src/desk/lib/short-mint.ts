const SHOWN = 4;

/** Write an address so that it is taken for one, never for a symbol: `USDC…2222`. */
export function shortMint(mint: string): string {
  return mint.length > 2 * SHOWN ? `${mint.slice(0, SHOWN)}…${mint.slice(-SHOWN)}` : mint;
}
