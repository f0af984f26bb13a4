"""A trade request that the server refuses: nothing of it exists afterwards."""

from copydesk.simulators.metatrader5.broker.words import Retcode, text_of


class Refused(Exception):
    """The server said no, with this code."""

    def __init__(self, code: Retcode) -> None:
        super().__init__(text_of(code))
        self.code = code
