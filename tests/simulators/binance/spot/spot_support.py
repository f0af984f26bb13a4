"""What spot tests share: a trader who signs spot orders by hand and reads the wallet."""

from decimal import Decimal

from binance_simulator_support import Trader


class SpotTrader(Trader):
    async def order(self, **params):
        wish = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
        return await self.send("POST", "/api/v3/order", **{**wish, **params})

    async def limit(self, price, **params):
        return await self.order(**{"type": "LIMIT", "price": price, "timeInForce": "GTC", **params})

    async def balances(self):
        """Free and locked of each asset that is held."""
        _, body = await self.send("GET", "/api/v3/account", omitZeroBalances="true")
        return {row["asset"]: (Decimal(row["free"]), Decimal(row["locked"])) for row in body["balances"]}
