import { show, showPrice } from "../lib/decimal";

/** A price as people read it, with the whole of it on hover. */
export function Price({ value }: { value: string }) {
  return <Shortened shown={showPrice(value)} whole={value} />;
}

/** An amount as people read it, with the whole of it on hover. */
export function Amount({ value }: { value: string }) {
  return <Shortened shown={show(value)} whole={value} />;
}

function Shortened({ shown, whole }: { shown: string; whole: string }) {
  const isWhole = shown.replaceAll(",", "") === whole;
  return <span title={isWhole ? undefined : whole}>{shown}</span>;
}
