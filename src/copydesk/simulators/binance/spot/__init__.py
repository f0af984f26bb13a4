"""Binance spot behind the same process, port and API keys as the futures: a wallet of assets, orders, market data, streams."""
