"""Long while the short average is above the long one."""

HISTORY, SETTINGS = 30, {"short": 10, "stop_loss": 2.5}


def decide(view, settings):
    closes = [float(candle.close) for candle in view.candles]
    short, long = sum(closes[-settings["short"] :]) / settings["short"], sum(closes) / len(closes)
    if short > long and view.position is None:
        return view.open_long("short above long", stop_loss_pct=settings["stop_loss"], short=short, long=long)
    if short < long and view.position is not None:
        return view.close("short below long", short=short, long=long)
    return view.hold("nothing to do", short=short, long=long)
