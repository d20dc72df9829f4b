from tests.ledger.conftest import clock, ledger, ledger_url, open_one

__all__ = ["clock", "ledger", "ledger_url", "open_one"]
