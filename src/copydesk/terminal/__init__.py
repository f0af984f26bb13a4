"""What runs beside a MetaTrader 5 terminal: the gateway to its package, and the master that watches an account."""
