"""The follower's half beside a terminal: what a master's command means on this account, and doing it at most once."""
