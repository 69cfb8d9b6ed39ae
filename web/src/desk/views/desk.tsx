import { Header } from "./header";
import { OrderPanel } from "./order-panel";
import { OrdersTable } from "./orders-table";
import { PriceChart } from "./price-chart";
import { Ticket } from "./ticket";
import { Toasts } from "./toasts";

export function Desk() {
  return (
    <>
      <Header />
      <main class={__FEATURES__.candles ? "desk with-chart" : "desk"}>
        <Ticket />
        <OrderPanel />
        {__FEATURES__.candles && <PriceChart />}
        <OrdersTable />
      </main>
      <Toasts />
      <footer>
        {__FEATURES__.candles && (
          <a href="https://www.tradingview.com/" rel="noreferrer">
            Charts by TradingView
          </a>
        )}{" "}
        <a href="/static/licences.md">Licences</a>
      </footer>
    </>
  );
}
