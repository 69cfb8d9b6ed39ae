/** Exact maths on decimal text. Nothing here is a float, and no amount is rounded up. */

interface Exact {
  digits: bigint;
  scale: number;
}

const PLAIN = /^\d+(\.\d+)?$/;
const ENOUGH_DIGITS = 5;
const PRICE_DIGITS = 4;

/** Say whether this is a decimal such as 0.25, without sign, exponent or blanks. */
export function isDecimal(text: string): boolean {
  return PLAIN.test(text);
}

/** Return a negative number, 0 or a positive one, as `a` is below, equal to or above `b`. */
export function compare(a: string, b: string): number {
  const [x, y] = aligned(parse(a), parse(b));
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Return a · b. */
export function multiply(a: string, b: string): string {
  const x = parse(a);
  const y = parse(b);
  return write({ digits: x.digits * y.digits, scale: x.scale + y.scale });
}

/** Return a / b, cut after `scale` decimals. */
export function divide(a: string, b: string, scale: number): string {
  const [x, y] = aligned(parse(a), parse(b));
  return write({ digits: (x * 10n ** BigInt(scale)) / y, scale });
}

/** Return how many percent `amount` is below `best`, cut after two decimals. */
export function percentBelow(best: string, amount: string): string {
  const [x, y] = aligned(parse(best), parse(amount));
  return x === 0n ? "0" : write({ digits: ((x - y) * 10_000n) / x, scale: 2 });
}

/** Return whole basis points, undefined where the percentage is none or is finer than that. */
export function percentToBps(percent: string): number | undefined {
  if (!isDecimal(percent)) return undefined;
  const bps = multiply(percent, "100");
  return bps.includes(".") ? undefined : Number(bps);
}

export function bpsToPercent(bps: string): string {
  return divide(bps, "100", 4);
}

/** Write an amount for people: thousands apart, and no more decimals than say something. */
export function show(text: string, decimals = 6): string {
  const [whole = "0", fraction = ""] = text.split(".");
  const kept = whole === "0" ? Math.max(decimals, zeros(fraction) + ENOUGH_DIGITS) : decimals;
  const cut = fraction.slice(0, kept).replace(/0+$/, "");
  return cut ? `${grouped(whole)}.${cut}` : grouped(whole);
}

/** Write a price for people, to the nearest of four decimals that say something. */
export function showPrice(text: string): string {
  const [whole = "0", fraction = ""] = text.split(".");
  const decimals = PRICE_DIGITS + (whole === "0" ? zeros(fraction) : 0);
  const [nearest = "", rest] = rounded(parse(text), decimals).split(".");
  return rest ? `${grouped(nearest)}.${rest}` : grouped(nearest);
}

/** Return how many decimals an axis needs for prices such as this one. */
export function axisDecimals(price: string): number {
  const [whole = "0", fraction = ""] = price.split(".");
  return whole === "0" ? zeros(fraction) + PRICE_DIGITS : Math.max(2, PRICE_DIGITS + 1 - whole.length);
}

/** Write a place on an axis. What drawing has left in its last binary digits is not shown. */
export function showOnAxis(price: number, decimals: number): string {
  const [whole = "", fraction = ""] = price.toFixed(decimals).split(".");
  return `${grouped(whole)}.${fraction}`;
}

function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Count the zeros that a fraction begins with. */
function zeros(fraction: string): number {
  return /^0*/.exec(fraction)?.[0].length ?? 0;
}

/** Return the nearest number of so many decimals; of two as near, the even one. */
function rounded({ digits, scale }: Exact, decimals: number): string {
  if (scale <= decimals) return write({ digits, scale });
  const unit = 10n ** BigInt(scale - decimals);
  const [down, rest] = [digits / unit, (digits % unit) * 2n];
  const isUp = rest > unit || (rest === unit && down % 2n === 1n);
  return write({ digits: isUp ? down + 1n : down, scale: decimals });
}

function parse(text: string): Exact {
  if (!isDecimal(text)) throw new RangeError(`not a decimal: ${text}`);
  const [whole = "", fraction = ""] = text.split(".");
  return { digits: BigInt(whole + fraction), scale: fraction.length };
}

function aligned(a: Exact, b: Exact): [bigint, bigint] {
  const scale = Math.max(a.scale, b.scale);
  const at = (value: Exact) => value.digits * 10n ** BigInt(scale - value.scale);
  return [at(a), at(b)];
}

function write({ digits, scale }: Exact): string {
  const text = digits.toString().padStart(scale + 1, "0");
  const whole = text.slice(0, text.length - scale);
  const fraction = scale ? text.slice(-scale).replace(/0+$/, "") : "";
  return fraction ? `${whole}.${fraction}` : whole;
}
