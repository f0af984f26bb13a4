"""What happens at the venue by itself as time and prices move: matching, funding, expiry, liquidation."""
