// Stands where the official image has its task-runner-launcher: waits for n8n's broker, trades the
// shared token for a grant, starts n8n's own JavaScript task runner with it, and again if it ends.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const broker = process.env.N8N_RUNNERS_TASK_BROKER_URI ?? 'http://127.0.0.1:5679';
const token = process.env.N8N_RUNNERS_AUTH_TOKEN;
const healthPort = Number(process.env.N8N_RUNNERS_LAUNCHER_HEALTH_CHECK_PORT ?? 5680);
const program = '/usr/local/lib/node_modules/@n8n/task-runner/dist/start.js';

function fail(message) {
	console.error(`launcher: ${message}`);
	process.exit(1);
}

async function brokerReady() {
	for (;;) {
		try {
			if ((await fetch(`${broker}/healthz`)).ok) return;
		} catch {
			// not listening yet
		}
		await pause(500);
	}
}

async function grant() {
	const response = await fetch(`${broker}/runners/auth`, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify({ token }),
	});
	if (response.status === 403) fail('the broker refused N8N_RUNNERS_AUTH_TOKEN');
	if (!response.ok) throw new Error(`grant token: ${response.status}`);
	return (await response.json()).data.token;
}

// The runner gets no more of the environment than it needs, and never the shared token.
function start(grantToken) {
	const passed = ['PATH', 'TZ', 'LANG', 'GENERIC_TIMEZONE', 'NODE_COMPILE_CACHE', 'NODE_FUNCTION_ALLOW_BUILTIN'];
	const env = Object.fromEntries(
		[
			...passed,
			'NODE_FUNCTION_ALLOW_EXTERNAL',
			'N8N_RUNNERS_GRACEFUL_SHUTDOWN_TIMEOUT',
			'N8N_RUNNERS_MAX_CONCURRENCY',
		]
			.filter((name) => name in process.env)
			.map((name) => [name, process.env[name]]),
	);
	Object.assign(env, {
		N8N_RUNNERS_TASK_BROKER_URI: broker,
		N8N_RUNNERS_GRANT_TOKEN: grantToken,
		N8N_RUNNERS_HEALTH_CHECK_SERVER_ENABLED: 'true',
		N8N_RUNNERS_HEALTH_CHECK_SERVER_PORT: '5681',
	});
	return spawn('node', [program], { env, stdio: 'inherit' });
}

if (!token) fail('N8N_RUNNERS_AUTH_TOKEN is missing');
createServer((request, response) => {
	response.writeHead(request.url === '/healthz' ? 200 : 404, { 'Content-Type': 'application/json' });
	response.end('{"status":"ok"}');
}).listen(healthPort);

let runner;
let ending = false;
for (const signal of ['SIGTERM', 'SIGINT']) {
	process.on(signal, () => {
		ending = true;
		if (!runner) process.exit(0);
		runner.kill(signal);
	});
}
while (!ending) {
	await brokerReady();
	try {
		runner = start(await grant());
		console.log('launcher: the broker granted a token, the runner starts');
		await new Promise((resolve) => runner.on('exit', resolve));
	} catch (error) {
		console.error(`launcher: ${error.message}`);
	}
	runner = undefined;
	if (!ending) await pause(1000);
}
process.exit(0);
