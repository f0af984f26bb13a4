// A streak bot's whole story as Socket.IO's own JavaScript client hears it. It sets the bot up, starts it, says so, and listens to its end.
'use strict';

const { createRequire } = require('module');

const [, , hub, folder, told] = process.argv;
const { io } = createRequire(`${folder}/`)('socket.io-client');
const { token, settings } = JSON.parse(told);

const PATIENCE_MS = 100000;
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

setTimeout(() => {
  process.stderr.write('the bot did not come to its end\n');
  process.exit(1);
}, PATIENCE_MS);

const socket = io(hub, { auth: { token }, transports: ['websocket'], reconnection: false });
const events = [];
const ask = (name, data) => new Promise((resolve) => { socket.emit(name, data, resolve); });

socket.on('connection_ack', async () => {
  const answers = [await ask('update_settings', settings), await ask('bot_command', { command: 'start' })];
  say(answers);
});

socket.onAny((name, data) => {
  events.push([name, data]);
  const isOver = name === 'bot_status' && data.status === 'STOPPED' && data.message.includes('drawdown');
  if (!isOver) return;
  setTimeout(() => {
    say(events);
    process.exit(0);
  }, 500);
});
