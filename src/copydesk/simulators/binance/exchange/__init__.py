"""The futures venue itself, pure: accounts, orders, positions, prices. Every method takes the time it needs."""
