/** The time of day of an instant, to the second or to the millisecond. */
export function clock(instant: string, digits: 0 | 3 = 0): string {
  const at = new Date(instant);
  const time = at.toLocaleTimeString("en-GB");
  return digits ? `${time}.${String(at.getMilliseconds()).padStart(3, "0")}` : time;
}
