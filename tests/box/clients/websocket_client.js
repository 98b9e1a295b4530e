// The client `ws` of npm (MATRIX_MODULES names its node_modules), which offers compression and masks as it likes: a
// surrogate whole, in fragments, and among other messages. Prints what came back as JSON.
//
// usage: websocket_client.js HOST     KEY: a surrogate for text messages there
'use strict';
const path = require('path');
const WebSocket = require(path.join(process.env.MATRIX_MODULES, 'ws'));

const key = process.env.KEY;
const socket = new WebSocket(`wss://${process.argv[2]}/socket`, { perMessageDeflate: true });
const heard = [];

function sendAll() {
  socket.send(JSON.stringify({ token: key }));
  socket.send('first ' + key.slice(0, 7), { fin: false });
  socket.ping('between');
  socket.send(key.slice(7) + ' last', { fin: true });
  for (let i = 0; i < 50; ++i) socket.send(`${i} ${key}`, { compress: true });
  socket.send(Buffer.from([0, 255]), { binary: true });
}

socket.on('open', sendAll);
socket.on('message', (data, binary) => {
  heard.push(binary ? data.toString('hex') : data.toString());
  if (binary) socket.close(1000, 'done');
});
socket.on('error', (error) => heard.push(`error ${error.message}`));
socket.on('close', (code) => console.log(JSON.stringify({ heard, code, extensions: socket.extensions })));
