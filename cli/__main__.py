"""``python -m cli`` is ``order-engine``."""

from cli.main import app

app()
