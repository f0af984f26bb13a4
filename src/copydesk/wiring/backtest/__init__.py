"""`copydesk backtest`: a file of candles, a strategy, what came of it as a table, as JSON and as a page."""
