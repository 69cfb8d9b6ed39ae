"""The trading desk as tests use it: by roles and labels, as people do."""

from playwright.sync_api import Locator, Page, expect


class Desk:
    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, fragment: str = "") -> "Desk":
        self.page.goto(f"/{fragment}")
        self.expect_live()
        return self

    def expect_live(self) -> None:
        expect(self.page.get_by_role("status")).to_contain_text("Live")

    @property
    def ticket(self) -> Locator:
        return self.page.get_by_role("region", name="Order ticket")

    @property
    def order(self) -> Locator:
        return self.page.get_by_role("region", name="Order", exact=True)

    @property
    def steps(self) -> Locator:
        return self.page.get_by_role("list", name="Timeline").get_by_role("listitem")

    @property
    def rows(self) -> Locator:
        return self.page.locator("tr[data-order]")

    @property
    def submit(self) -> Locator:
        return self.ticket.locator("button[type=submit]")

    def row(self, order_id: str) -> Locator:
        return self.page.locator(f"tr[data-order='{order_id}']")

    def toast(self, order_id: str) -> Locator:
        return self.page.locator(f"[data-toast='{order_id}']")

    def field(self, label: str) -> Locator:
        return self.ticket.get_by_label(label, exact=True)

    def option(self, label: str) -> Locator:
        """A field among those that most orders leave alone."""
        if not self.ticket.locator("details").get_attribute("open") is not None:
            self.ticket.get_by_text("More options").click()
        return self.ticket.get_by_label(label)

    def choose(self, type: str) -> None:
        self.ticket.get_by_role("radio", name=type).check()

    def place(self) -> str:
        """Place the order; return its id once the desk shows it."""
        before = self.page.url
        self.submit.click()
        return self.placed_after(before)

    def placed_after(self, before: str) -> str:
        self.page.wait_for_function("before => location.href !== before", arg=before)
        return self.page.url.partition("#order=")[2]

    def expect_end(self, word: str) -> None:
        """Wait until the order on show has ended so."""
        expect(self.order.locator("h2 + .status")).to_contain_text(word)
