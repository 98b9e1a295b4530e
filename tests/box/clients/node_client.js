// Node's clients: fetch, https, http2, and undici and ws from npm (MATRIX_MODULES names their node_modules).
// Sections `== NAME`, as curl.sh prints them.
'use strict';
const crypto = require('crypto');
const http = require('http');
const https = require('https');
const http2 = require('http2');
const path = require('path');

const modules = process.env.MATRIX_MODULES;
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date']);

function show(name, status, headers, body) {
  console.log(`== ${name}`);
  const kept = headers.filter(([k]) => !HOP.has(k)).map(([k, v]) => `${k}: ${v}`).sort();
  console.log(status, JSON.stringify(kept));
  console.log(body.length < 5000 ? String(body) : crypto.createHash('sha256').update(body).digest('hex'));
}

async function tryFetch(label, fetch) {
  for (const name of ['h1', 'api']) {
    const origin = `https://${name}.matrix.test`;
    let answer = await fetch(`${origin}/echo?f=1`);
    show(`${label} GET ${name}`, answer.status, [...answer.headers], await answer.text());
    answer = await fetch(`${origin}/echo`, { method: 'POST', body: 'x'.repeat(100000) });
    show(`${label} POST ${name}`, answer.status, [...answer.headers], await answer.text());
    answer = await fetch(`${origin}/gzip`);
    show(`${label} gzip ${name}`, answer.status, [...answer.headers], await answer.text());
    answer = await fetch(`${origin}/events?n=3`);
    let events = '';
    for await (const piece of answer.body) events += Buffer.from(piece);
    show(`${label} events ${name}`, answer.status, [...answer.headers], events);
    answer = await fetch(`${origin}/big?bytes=3000000`);
    show(`${label} large ${name}`, answer.status, [], Buffer.from(await answer.arrayBuffer()));
    answer = await fetch(`${origin}/redirect`);
    show(`${label} redirect ${name}`, answer.status, [...answer.headers], await answer.text());
  }
}

function request(client, url, options, body) {
  return new Promise((resolve, reject) => {
    const sent = client.request(url, options, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode, headers: Object.entries(answer.headers),
        trailers: answer.trailers, body: Buffer.concat(pieces) }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function tryHttps() {
  for (const name of ['h1', 'api']) {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    for (const n of [1, 2]) {
      const got = await request(https, `https://${name}.matrix.test/echo?n=${n}`, { agent, method: 'PUT' }, 'node');
      show(`https PUT ${n} ${name}`, got.status, got.headers, got.body);
    }
    const got = await request(https, `https://${name}.matrix.test/trailers`, { agent }, '');
    show(`https trailers ${name}`, JSON.stringify(got.trailers), got.headers, got.body);
    agent.destroy();
  }
  const got = await request(http, 'http://plain.matrix.test/echo', {}, '');
  show('http GET', got.status, got.headers, got.body);
}

function stream(session, headers, body) {
  return new Promise((resolve, reject) => {
    const sent = session.request(headers);
    const pieces = [];
    const got = { trailers: {} };
    sent.on('response', (fields) => { got.headers = Object.entries(fields); });
    sent.on('trailers', (fields) => { got.trailers = fields; });
    sent.on('data', (piece) => pieces.push(piece));
    sent.on('error', reject);
    sent.on('end', () => resolve({ ...got, body: Buffer.concat(pieces) }));
    sent.end(body);
  });
}

async function tryHttp2() {
  for (const name of ['h2', 'api']) {
    const session = http2.connect(`https://${name}.matrix.test`);
    const several = await Promise.all([
      stream(session, { ':path': '/echo?h2=1' }),
      stream(session, { ':path': '/echo', ':method': 'POST' }, 'y'.repeat(200000)),
      stream(session, { ':path': '/trailers' }),
      stream(session, { ':path': '/big?bytes=2000000' }),
      stream(session, { ':path': '/events?n=4' }),
    ]);
    several.forEach((got, n) => show(`http2 stream ${n} ${name}`, JSON.stringify({ ...got.trailers }), got.headers, got.body));
    session.close();
  }
}

function tryWs(WebSocket) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket('wss://h1.matrix.test/socket');
    const heard = [];
    socket.on('open', () => { socket.send('hello'); socket.send(Buffer.alloc(70000, 7)); socket.ping('p'); });
    socket.on('message', (data, binary) => heard.push(`${binary} ${data.length}`));
    socket.on('pong', (data) => { heard.push(`pong ${data}`); socket.close(1000, 'bye'); });
    socket.on('close', (code) => { show('ws', code, [], heard.join('|')); resolve(); });
    socket.on('error', reject);
  });
}

async function main() {
  await tryFetch('fetch', fetch);
  await tryHttps();
  await tryHttp2();
  const undici = require(path.join(modules, 'undici'));
  if (process.env.HTTPS_PROXY) undici.setGlobalDispatcher(new undici.EnvHttpProxyAgent());
  await tryFetch('undici', undici.fetch);
  await undici.getGlobalDispatcher().close();
  await tryWs(require(path.join(modules, 'ws')));
  console.log('== end');
}

main().catch((error) => { console.error(error); process.exit(1); });
