"""Strategy bots while they run: candles are read, strategies asked, and what they wish for goes through the one way in."""
