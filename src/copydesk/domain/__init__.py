"""Words and rules: pure, no await, no I/O, no clock."""
