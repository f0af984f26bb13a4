"""Local stand-ins for trading venues: independent programs that share nothing with the desk they test."""
