import { useEffect, useRef } from "preact/hooks";

import { INTERVALS, intervalSeconds, keepCandles, lastPrice } from "../state/candles";
import { pair } from "../state/market";
import { drawChart } from "./draw-chart";
import { Price } from "./figure";

export function PriceChart() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    keepCandles();
    return place.current ? drawChart(place.current) : undefined;
  }, []);
  const name = `${pair.value.base}/${pair.value.quote}`;
  return (
    <section class="panel chart" aria-labelledby="chart-title">
      <div class="title">
        <h2 id="chart-title">{name}</h2>
        {lastPrice.value && (
          <strong class="price">
            <Price value={lastPrice.value} />
          </strong>
        )}
        <fieldset class="choices">
          <legend class="unseen">Candles of</legend>
          {INTERVALS.map(({ seconds, label }) => (
            <label key={seconds}>
              <input
                type="radio"
                name="interval"
                checked={intervalSeconds.value === seconds}
                onChange={() => {
                  intervalSeconds.value = seconds;
                }}
              />
              <span>{label}</span>
            </label>
          ))}
        </fieldset>
      </div>
      <div class="canvas">
        <div ref={place} role="img" aria-label={`Candles of ${name}`} />
      </div>
    </section>
  );
}
