import "./desk.css";

import { render } from "preact";

import { followOrders } from "./state/feed";
import { loadMarket } from "./state/market";
import { keepQuoted } from "./state/quote";
import { followSelection } from "./state/selection";
import { keepToPair } from "./state/ticket";
import { Desk } from "./views/desk";

const root = document.getElementById("desk");
if (root) render(<Desk />, root);

loadMarket();
followOrders();
followSelection();
keepQuoted();
keepToPair();
