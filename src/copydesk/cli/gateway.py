"""`copydesk gateway`: the process that owns the MetaTrader5 package; master and copier start it, people do not."""

from copydesk.terminal.package import main


def gateway() -> None:
    """Answer questions to the MetaTrader5 package on standard input."""
    main()
