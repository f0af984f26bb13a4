"""The broker: what it quotes, whom it knows, what it does with an order. No I/O, time comes in as an argument."""
