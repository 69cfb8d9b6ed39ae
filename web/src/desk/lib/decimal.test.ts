import { describe, expect, it } from "vitest";

import * as decimal from "./decimal";

describe("decimal", () => {
  it.each(["0", "1", "0.25", "149.911199333333333", "18446744073709551615"])("takes %s", (text) => {
    expect(decimal.isDecimal(text)).toBe(true);
  });

  it.each(["", ".", "1.", ".5", "-1", "+1", "1e5", " 1", "1,000", "NaN", "0x1"])(
    "refuses %o",
    (text) => {
      expect(decimal.isDecimal(text)).toBe(false);
    },
  );

  it("compares what no float tells apart", () => {
    expect(decimal.compare("0.1000000000000000000001", "0.1")).toBeGreaterThan(0);
    expect(decimal.compare("9007199254740993", "9007199254740992")).toBeGreaterThan(0);
    expect(decimal.compare("1.50", "1.5")).toBe(0);
    expect(decimal.compare("0", "0.000001")).toBeLessThan(0);
  });

  it("multiplies and divides without rounding up", () => {
    expect(decimal.multiply("0.1", "0.2")).toBe("0.02");
    expect(decimal.multiply("18446744073709551615", "1.000000001")).toBe(
      "18446744092156295688.709551615",
    );
    expect(decimal.divide("2", "3", 4)).toBe("0.6666");
    expect(decimal.divide("300", "100", 4)).toBe("3");
  });

  it("says how far below the best one an amount is", () => {
    expect(decimal.percentBelow("149.917439", "149.622015")).toBe("0.19");
    expect(decimal.percentBelow("5", "5")).toBe("0");
    expect(decimal.percentBelow("0", "0")).toBe("0");
  });

  it.each([
    ["0.5", 50],
    ["1", 100],
    ["0.01", 1],
    ["50", 5000],
    ["0.001", undefined],
    ["one", undefined],
    ["-1", undefined],
  ])("makes %s %% into %s bps", (percent, bps) => {
    expect(decimal.percentToBps(percent)).toBe(bps);
  });

  it.each([
    ["1234567.1234567", "1,234,567.123456"],
    ["0.000000123456789", "0.00000012345"],
    ["0.5", "0.5"],
    ["10.0", "10"],
    ["0", "0"],
  ])("shows %s as %s", (text, shown) => {
    expect(decimal.show(text)).toBe(shown);
  });

  it.each([
    ["150.674389441333333333", "150.6744"],
    ["0.000006623412345678", "0.000006623"],
    ["0.99999999998", "1"],
    ["0.00099996", "0.001"],
    ["6623412.12345", "6,623,412.1234"], // the even one of two as near
    ["6623412.12355", "6,623,412.1236"],
    ["999999.99995", "1,000,000"],
    ["9007199254740993.00001", "9,007,199,254,740,993"],
    ["10000", "10,000"],
    ["0.50", "0.5"],
    ["0", "0"],
  ])("shows the price %s as %s", (price, shown) => {
    expect(decimal.showPrice(price)).toBe(shown);
  });

  it.each([
    [150.67499999999998, "150.123", "150.67"],
    [0.00000662341 * 3, "0.000006623412", "0.000019870"],
    [0.1 + 0.2, "0.5", "0.3000"],
    [0.99999999998, "1.0002", "1.0000"],
    [1234567.5, "1234000", "1,234,567.50"],
    [-0.00000021, "0.000001", "-0.000000210"],
  ])("writes %d on an axis of prices such as %s as %s", (place, price, written) => {
    expect(decimal.showOnAxis(place, decimal.axisDecimals(price))).toBe(written);
  });
});
