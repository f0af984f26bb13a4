"""Real processes killed with -9 at every named point and at random, restarted, drained; then both ledgers are compared."""
