/** Candles with the fills of known orders, and a line for each limit that waits. Floats are for drawing. */

import { effect } from "@preact/signals";
import {
  type AutoscaleInfo,
  CandlestickSeries,
  ColorType,
  type IPriceLine,
  type ISeriesApi,
  LineStyle,
  type PriceFormatCustom,
  type SeriesMarker,
  type UTCTimestamp,
  createChart,
  createSeriesMarkers,
} from "lightweight-charts";

import type { Candle, Order } from "../api/types";
import { axisDecimals, showOnAxis } from "../lib/decimal";
import { candles, intervalSeconds } from "../state/candles";
import { inMarketOrder, nameOf, pair, tokens } from "../state/market";
import { known, learned } from "../state/orders";
import { theme } from "../state/theme";

/** Draw until what is returned is called. */
export function drawChart(place: HTMLElement): () => void {
  const chart = createChart(place, {
    autoSize: true,
    layout: { attributionLogo: false }, // the page's foot names TradingView
    timeScale: { timeVisible: true, secondsVisible: true, maxBarSpacing: 16 },
  });
  let lines: IPriceLine[] = [];
  const series = chart.addSeries(CandlestickSeries, {
    autoscaleInfoProvider: (scale: () => AutoscaleInfo | null) => withLimits(scale(), lines),
  });
  const markers = createSeriesMarkers(series, []);
  let frame: number | undefined;
  const drawOrders = () => {
    frame = undefined;
    const orders = [...known.values()].filter(isOfPair);
    markers.setMarkers(orders.filter(isFilled).map(marker).sort((a, b) => +a.time - +b.time));
    lines.forEach((line) => series.removePriceLine(line));
    lines = orders.filter((order) => order.status === "WAITING_PRICE").map((o) => limit(series, o));
  };
  const stops = [
    effect(() => {
      const { fresh, list } = candles.value;
      const newest = list.at(-1);
      if (newest) series.applyOptions({ priceFormat: format(newest) });
      if (fresh) {
        series.setData(list.map(bar));
        chart.timeScale().fitContent();
      } else {
        // The chart takes nothing older than what it ends with.
        const last = Number(series.data().at(-1)?.time ?? 0);
        list.map(bar).filter((candle) => candle.time >= last).forEach((c) => series.update(c));
      }
    }),
    effect(() => {
      void [learned.value, pair.value, intervalSeconds.value, tokens.value];
      // Many orders may move at once: draw once for all of them.
      frame ??= requestAnimationFrame(drawOrders);
    }),
    effect(() => {
      void theme.value;
      const colour = (name: string) => getComputedStyle(place).getPropertyValue(`--${name}`).trim();
      chart.applyOptions({
        layout: {
          background: { type: ColorType.Solid, color: colour("panel") },
          textColor: colour("quiet"),
        },
        rightPriceScale: { borderColor: colour("line") },
        timeScale: { borderColor: colour("line") },
        grid: { vertLines: { color: colour("line") }, horzLines: { color: colour("line") } },
      });
      const [up, down] = [colour("good"), colour("bad")];
      series.applyOptions({
        ...{ upColor: up, wickUpColor: up, borderUpColor: up },
        ...{ downColor: down, wickDownColor: down, borderDownColor: down },
      });
    }),
  ];
  return () => {
    stops.forEach((stop) => stop());
    if (frame) cancelAnimationFrame(frame);
    chart.remove();
  };
}

function bar({ openedAt, open, high, low, close }: Candle) {
  const prices = { open: Number(open), high: Number(high), low: Number(low), close: Number(close) };
  return { time: seconds(openedAt), ...prices };
}

/** Enough decimals for tokens worth little. */
function format({ close }: Candle): PriceFormatCustom {
  const decimals = axisDecimals(close);
  return {
    type: "custom",
    formatter: (price) => showOnAxis(price, decimals),
    base: 10 ** decimals, // a whole number, where 1 / minMove is one but for its last digits
    minMove: 10 ** -decimals,
  };
}

/** Keep the limits in sight that are not far off. */
function withLimits(scale: AutoscaleInfo | null, lines: IPriceLine[]): AutoscaleInfo | null {
  if (!scale?.priceRange) return scale;
  const { minValue, maxValue } = scale.priceRange;
  const limits = lines.map((line) => line.options().price);
  const near = limits.filter((price) => price > minValue * 0.98 && price < maxValue * 1.02);
  const [low, high] = [Math.min(minValue, ...near), Math.max(maxValue, ...near)];
  return { ...scale, priceRange: { minValue: low, maxValue: high } };
}

function isOfPair(order: Order): boolean {
  const of = inMarketOrder(nameOf(order.tokenIn), nameOf(order.tokenOut));
  return of.base === pair.value.base && of.quote === pair.value.quote;
}

function isFilled(order: Order): boolean {
  return order.status === "CONFIRMED" && order.completedAt !== null;
}

function marker(order: Order): SeriesMarker<UTCTimestamp> {
  const buys = nameOf(order.tokenOut) === pair.value.base;
  const at = seconds(order.completedAt ?? order.createdAt);
  return {
    time: (at - (at % intervalSeconds.value)) as UTCTimestamp,
    position: buys ? "belowBar" : "aboveBar",
    shape: buys ? "arrowUp" : "arrowDown",
    color: buys ? "#1f9d72" : "#d0556b",
  };
}

function limit(series: ISeriesApi<"Candlestick">, order: Order): IPriceLine {
  const price = Number(order.limitPrice);
  const sells = nameOf(order.tokenIn) === pair.value.base;
  return series.createPriceLine({
    price: sells ? price : 1 / price,
    lineStyle: LineStyle.Dashed,
    title: sells ? "Sell limit" : "Buy limit",
    color: sells ? "#d0556b" : "#1f9d72",
  });
}

/**
 * The chart writes UTC; shifted so, it writes the time that the rest of the page does. All by the
 * offset of today: by its own, an hour would come twice when the clocks are put back.
 */
function seconds(instant: string): UTCTimestamp {
  const ahead = -new Date().getTimezoneOffset() * 60;
  return (Math.floor(Date.parse(instant) / 1_000) + ahead) as UTCTimestamp;
}
