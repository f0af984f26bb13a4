// Deriv's own JavaScript client, unmodified: only its endpoint is another one. Node's older WebSocket comes from `ws`.
'use strict';

const { createRequire } = require('module');

const [, , origin, folder] = process.argv;
const peers = createRequire(`${folder}/`);
global.WebSocket = peers('ws');
const DerivAPI = peers('@deriv/deriv-api');

const SYMBOL = '1HZ100V';
const PATIENCE_MS = 30000;
const TERMS = {
  contract_type: 'CALL', currency: 'USD', symbol: SYMBOL, amount: 1, basis: 'stake', duration: 1, duration_unit: 't',
};

const door = (name, wish) => fetch(`${origin}/_sim/${name}`, { method: 'POST', body: JSON.stringify(wish) });

// The messages of a stream, until one is the last that is wanted.
const heard = (source, isLast) => new Promise((resolve, reject) => {
  const messages = [];
  const late = setTimeout(() => reject(new Error('nothing more was heard')), PATIENCE_MS);
  const subscription = source.subscribe((message) => {
    messages.push(message);
    if (!isLast(message, messages)) return;
    clearTimeout(late);
    setTimeout(() => subscription.unsubscribe());
    resolve(messages);
  }, reject);
});

const refusal = (asking) => asking.then(() => 'nothing', (error) => (error.error ? error.error.code : String(error)));

async function lookAround(basic) {
  const symbols = (await basic.activeSymbols('brief')).active_symbols;
  const candles = await basic.ticksHistory({
    ticks_history: SYMBOL, end: 'latest', count: 10, style: 'candles', adjust_start_time: 1,
  });
  return {
    ping: (await basic.ping()).ping,
    time: (await basic.time()).time > 0,
    symbol: symbols.some((each) => each.symbol === SYMBOL),
    candles: candles.candles.length,
  };
}

async function listen(basic) {
  const ticks = await heard(basic.subscribe({ ticks: SYMBOL }), (_, all) => all.length === 3);
  const candles = await heard(
    basic.subscribe({
      ticks_history: SYMBOL, style: 'candles', granularity: 60, end: 'latest', count: 5,
    }),
    (_, all) => all.length === 2,
  );
  return {
    apart: [ticks[1].tick.epoch - ticks[0].tick.epoch, ticks[2].tick.epoch - ticks[1].tick.epoch],
    candles: [candles[0].msg_type, candles[1].msg_type, typeof candles[1].ohlc.close],
  };
}

// The client's own objects, which follow the balance, the ticks, the candles and a contract by themselves.
async function trade(api) {
  const account = await api.account('peer-token');
  const contract = await api.contract(TERMS);
  const over = heard(contract.onUpdate(), (update) => update.is_sold);
  const balances = heard(account.balance.onUpdate(), (_, all) => all.length === 2);
  const bookings = heard(account.transactions.onUpdate(), (_, all) => all.length === 2);
  const paid = await contract.buy();
  await heard(contract.onUpdate(), (update) => update.ticks.length > 0);
  await door('price', { symbol: SYMBOL, price: '1600', hold: true });
  const last = (await over).pop();
  return {
    account: [account.currency, account.loginid.startsWith('VRTC')],
    paid: [paid.price.value, paid.payout.value],
    over: [last.status, last.is_expired, last.profit.value, last.sell_price.value],
    balances: (await balances).map((each) => each.value),
    bookings: (await bookings).map((each) => each.action),
    statement: (await api.basic.statement()).statement.transactions.map((each) => each.action_type),
  };
}

async function remember(api) {
  const ticks = await api.ticks(SYMBOL);
  const candles = await api.candles(SYMBOL);
  return { ticks: (await ticks.history()).length, candles: (await candles.history()).length };
}

async function story() {
  const api = new DerivAPI({ endpoint: origin.replace('http', 'ws'), app_id: 1089 });
  const seen = { around: await lookAround(api.basic) };
  seen.errors = {
    anonymous: await refusal(api.basic.balance()),
    token: await refusal(api.basic.authorize('wrong')),
    symbol: await refusal(api.basic.ticksHistory({ ticks_history: 'R_101', end: 'latest' })),
  };
  seen.streams = await listen(api.basic);
  seen.trade = await trade(api);
  seen.past = await remember(api);
  api.basic.disconnect();
  return seen;
}

story().then(
  (seen) => { console.log(JSON.stringify(seen)); process.exit(0); },
  (error) => { console.error(error); process.exit(1); },
);
