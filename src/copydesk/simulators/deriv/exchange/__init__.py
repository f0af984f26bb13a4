"""The venue itself: prices, accounts, contracts; plain state, no network, no clock."""
