"""What happens at the futures venue by itself as time and prices move: matching, funding, expiry, liquidation."""
