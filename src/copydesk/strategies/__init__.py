"""What decides by candles. Pure: no I/O, no clock, nothing kept between two calls."""
