"""What people look at and programs subscribe to: pages, API, feeds and streams over the ledger and a store."""
