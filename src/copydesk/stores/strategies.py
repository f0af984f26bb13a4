"""Bots that copydesk runs: what each runs, how it stands, what its strategy remembers, decided and bought."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from msgspec import structs
from sqlalchemy import Select, insert, select
from sqlalchemy.exc import IntegrityError

from copydesk.domain.bot import Bot, BotStatus
from copydesk.domain.candle import Candle
from copydesk.domain.errors import StaleWrite
from copydesk.domain.execution import Execution
from copydesk.domain.ids import AccountId, BotId, SignalId, SubscriptionId
from copydesk.domain.signal import LegKind
from copydesk.domain.strategy_bot import Analysis, Contract, ContractStatus, Memory, Run, Standing
from copydesk.ports.strategy_table import BookTrade, Series
from copydesk.stores import strategy_tables, tables
from copydesk.stores.rows import columns, dump, load
from copydesk.stores.signals import upsert, upsert_all
from copydesk.stores.unit import Part

_RUNS, _STATUS, _STATES = strategy_tables.bot_strategies, strategy_tables.bot_status, strategy_tables.strategy_states
_CONTRACTS, _ANALYSES, _CANDLES = (
    strategy_tables.bot_contracts,
    strategy_tables.market_analysis,
    strategy_tables.market_data,
)
_CONTRACT_KEY = ("bot_id", "symbol", "number")


class Strategies(Part):
    """The StrategyTable of ports/strategy_table.py."""

    def runs(self) -> Sequence[tuple[Bot, Run, Standing]]:
        query = _whole().where(tables.bots.c.status != BotStatus.ARCHIVED).order_by(tables.bots.c.id)
        return [_read(row) for row in self._connection.execute(query)]

    def run(self, bot_id: BotId) -> tuple[Bot, Run, Standing] | None:
        row = self._connection.execute(_whole().where(_RUNS.c.bot_id == bot_id)).one_or_none()
        return None if row is None else _read(row)

    def put_run(self, run: Run) -> None:
        values = dump(run) | {"symbols": list(run.symbols)}
        upsert(self._connection, _RUNS, {"bot_id": values.pop("bot_id")}, values)

    def put_standing(self, standing: Standing) -> None:
        values = dump(standing)
        upsert(self._connection, _STATUS, {"bot_id": values.pop("bot_id")}, values)

    def memory(self, bot_id: BotId, symbol: str) -> Memory | None:
        query = select(*columns(_STATES, Memory)).where(_STATES.c.bot_id == bot_id, _STATES.c.symbol == symbol)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else load(Memory, row)

    def put_memory(self, memory: Memory) -> None:
        values = dump(memory)
        if memory.version == 1:
            try:
                self._connection.execute(insert(_STATES), [values])
            except IntegrityError as error:
                raise StaleWrite(f"{memory.symbol} of bot {memory.bot_id} is looked after by another") from error
            return
        mine = (_STATES.c.bot_id == memory.bot_id) & (_STATES.c.symbol == memory.symbol)
        query = _STATES.update().where(mine, _STATES.c.version == memory.version - 1).values(values)
        if self._connection.execute(query).rowcount != 1:
            raise StaleWrite(f"{memory.symbol} of bot {memory.bot_id} was decided on by another")

    def forget(self, bot_id: BotId, symbols: Collection[str]) -> None:
        gone = (_STATES.c.bot_id == bot_id) & _STATES.c.symbol.in_(list(symbols))
        self._connection.execute(_STATES.delete().where(gone))

    def add_analysis(self, analysis: Analysis) -> None:
        try:
            self._connection.execute(insert(_ANALYSES), [dump(analysis)])
        except IntegrityError as error:
            raise StaleWrite(f"{analysis.occasion} of {analysis.symbol} was decided on before") from error

    def analyses(self, bot_id: BotId, symbol: str | None, most: int) -> Sequence[Analysis]:
        query = select(*columns(_ANALYSES, Analysis)).where(_ANALYSES.c.bot_id == bot_id)
        if symbol is not None:
            query = query.where(_ANALYSES.c.symbol == symbol)
        rows = self._connection.execute(query.order_by(_ANALYSES.c.id.desc()).limit(most))
        return [load(Analysis, row) for row in rows]

    def contracts(self, bot_id: BotId, most: int) -> Sequence[Contract]:
        query = select(*columns(_CONTRACTS, Contract)).where(_CONTRACTS.c.bot_id == bot_id)
        rows = self._connection.execute(
            query.order_by(_CONTRACTS.c.opened_at.desc(), _CONTRACTS.c.ladder.desc(), _CONTRACTS.c.level.desc()).limit(
                most
            )
        )
        return [load(Contract, row) for row in rows]

    def open_contract(self, bot_id: BotId, symbol: str) -> Contract | None:
        query = select(*columns(_CONTRACTS, Contract)).where(
            _CONTRACTS.c.bot_id == bot_id,
            _CONTRACTS.c.symbol == symbol,
            _CONTRACTS.c.status == ContractStatus.OPEN,
        )
        row = self._connection.execute(query.order_by(_CONTRACTS.c.opened_at)).first()
        return None if row is None else load(Contract, row)

    def put_contract(self, contract: Contract) -> None:
        values = dump(contract)
        upsert(self._connection, _CONTRACTS, {name: values.pop(name) for name in _CONTRACT_KEY}, values)

    def add_candles(self, series: Series, candles: Sequence[Candle]) -> None:
        key = structs.asdict(series)
        rows = [({**key, "started_at": one.opened_at}, _prices(one)) for one in candles]
        upsert_all(self._connection, _CANDLES, rows)

    def candles(self, series: Series, most: int, since_ms: int | None = None) -> Sequence[Candle]:
        c = _CANDLES.c
        query = select(c.started_at, c.open, c.high, c.low, c.close, c.volume).where(
            c.market == series.market, c.symbol == series.symbol, c.timeframe == series.timeframe
        )
        if since_ms is not None:
            query = query.where(c.started_at >= datetime.fromtimestamp(since_ms / 1_000, UTC))
            return [_candle(row) for row in self._connection.execute(query.order_by(c.started_at).limit(most))]
        newest = self._connection.execute(query.order_by(c.started_at.desc()).limit(most)).all()
        return [_candle(row) for row in reversed(newest)]

    def markets(self, symbol: str, timeframe: str) -> Sequence[str]:
        c = _CANDLES.c
        query = select(c.market).where(c.symbol == symbol, c.timeframe == timeframe).distinct().order_by(c.market)
        return self._connection.execute(query).scalars().all()

    def own_book(self, bot_id: BotId, account_id: AccountId) -> SubscriptionId | None:
        follows = tables.bot_subscriptions.c
        query = select(follows.id).where(
            follows.bot_id == bot_id, follows.account_id == account_id, follows.deleted_at.is_(None)
        )
        found = self._connection.execute(query).scalars().first()
        return None if found is None else SubscriptionId(found)

    def outcome(self, signal_id: SignalId, subscription_id: SubscriptionId) -> Execution | None:
        sent = tables.bot_signal_executions
        query = select(*columns(sent, Execution)).where(
            sent.c.signal_id == signal_id,
            sent.c.subscription_id == subscription_id,
            sent.c.leg == LegKind.OPEN.value,
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else load(Execution, row)

    def trades(self, subscription_id: SubscriptionId, most: int) -> Sequence[BookTrade]:
        done = tables.trades
        query = select(*columns(done, BookTrade)).where(done.c.subscription_id == subscription_id)
        return [load(BookTrade, row) for row in self._connection.execute(query.order_by(done.c.id.desc()).limit(most))]


def _whole() -> Select[tuple[object, ...]]:
    """Bot, run and standing in one row; what two of them have by one name is named apart."""
    run = [_RUNS.c[name].label(f"run_{name}") for name in Run.__struct_fields__]
    standing = [_STATUS.c[name].label(f"standing_{name}") for name in Standing.__struct_fields__]
    return (
        select(*columns(tables.bots, Bot), *run, *standing)
        .join(_RUNS, _RUNS.c.bot_id == tables.bots.c.id)
        .join(_STATUS, _STATUS.c.bot_id == tables.bots.c.id)
    )


def _read(row: object) -> tuple[Bot, Run, Standing]:
    found = row._mapping  # type: ignore[attr-defined]  # noqa: SLF001  SQLAlchemy's public name for it
    run = {name: found[f"run_{name}"] for name in Run.__struct_fields__}
    standing = {name: found[f"standing_{name}"] for name in Standing.__struct_fields__}
    bot = Bot(**{name: found[name] for name in Bot.__struct_fields__})
    return bot, Run(**run | {"symbols": tuple(run["symbols"])}), Standing(**standing)


def _prices(candle: Candle) -> dict[str, object]:
    return {name: getattr(candle, name) for name in ("open", "high", "low", "close", "volume")}


def _candle(row: object) -> Candle:
    found = row._mapping  # type: ignore[attr-defined]  # noqa: SLF001  SQLAlchemy's public name for it
    start_ms = int(found["started_at"].timestamp() * 1_000)
    return Candle(start_ms=start_ms, **{name: found[name] for name in ("open", "high", "low", "close", "volume")})
