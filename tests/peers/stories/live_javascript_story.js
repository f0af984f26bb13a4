// Socket.IO's own JavaScript client, unmodified. Told: the hub, where its modules are, and what to do, as JSON.
'use strict';

const { createRequire } = require('module');

const [, , hub, folder, told] = process.argv;
const { io } = createRequire(`${folder}/`)('socket.io-client');
const story = JSON.parse(told);

const PATIENCE_MS = 20000;
const WEBSOCKET = { transports: ['websocket'] };
const POLLING = { transports: ['polling'] };

const within = (promise, what) => Promise.race([
  promise,
  new Promise((_, reject) => { setTimeout(() => reject(new Error(`${what}: nothing came`)), PATIENCE_MS).unref(); }),
]);

function listen(token, options) {
  const socket = io(hub, { auth: { token }, reconnection: false, forceNew: true, ...options });
  const events = [];
  const waiting = [];
  socket.onAny((name, data) => {
    events.push([name, data]);
    waiting.splice(0).forEach((look) => look());
  });
  const until = (fits, what) => within(new Promise((resolve) => {
    const look = () => (fits(events) ? resolve() : waiting.push(look));
    look();
  }), what);
  const ask = (name, data) => within(new Promise((resolve) => { socket.emit(name, data, resolve); }), name);
  return { socket, events, until, ask };
}

const count = (events, name) => events.filter(([one]) => one === name).length;

async function refusal(options, auth) {
  const socket = io(hub, { auth, reconnection: false, forceNew: true, ...options });
  const why = await within(new Promise((resolve) => {
    socket.on('connect_error', (error) => resolve(error.message));
    socket.on('connect', () => resolve('connected'));
  }), 'refusal');
  socket.close();
  return why;
}

async function talk(person, options) {
  const one = listen(person.token, options);
  await one.until((events) => count(events, 'connection_ack') === 1, 'connection_ack');
  const watched = await one.ask('subscribe', { bot_id: person.bot });
  const before = one.events.length;
  const answers = [
    await one.ask('bot_command', { command: 'start', bot_id: person.bot }),
    await one.ask('update_settings', { max_level: 5 }),
    await one.ask('bot_command', { command: 'fly' }),
    await one.ask('update_settings', { max_level: -5 }),
    await one.ask('subscribe', { bot_id: person.foreign }),
  ];
  await one.until((events) => count(events.slice(before), 'system_alert') === 2, 'what was commanded');
  const transport = one.socket.io.engine.transport.name;
  one.socket.close();
  return { watched, answers, events: one.events, transport };
}

// Two at once, each commanding the own bot: what one is told must not reach the other.
async function together() {
  const [one, other] = await Promise.all(story.people.map((person) => talk(person, WEBSOCKET)));
  return [one.events, other.events];
}

async function main() {
  const [ada] = story.people;
  const seen = {
    refused: [
      await refusal(WEBSOCKET, {}), await refusal(POLLING, { token: 'nonsense' }), await refusal({}, undefined),
    ],
    websocket: await talk(ada, WEBSOCKET),
    polling: await talk(ada, POLLING),
    upgraded: await talk(ada, {}),
    together: await together(),
  };
  process.stdout.write(`${JSON.stringify(seen)}\n`);
  process.exit(0);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
