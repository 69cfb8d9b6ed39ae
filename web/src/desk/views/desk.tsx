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
      <main class="desk">
        <Ticket />
        <OrderPanel />
        <PriceChart />
        <OrdersTable />
      </main>
      <Toasts />
      <footer>
        <a href="https://www.tradingview.com/" rel="noreferrer">
          Charts by TradingView
        </a>
        <a href="/static/licences.md">Licences</a>
      </footer>
    </>
  );
}
