"""Where orders go: one room a venue, none knows another."""
