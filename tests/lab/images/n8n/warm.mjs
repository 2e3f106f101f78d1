// Starts n8n once, so that Node keeps what it has compiled (NODE_COMPILE_CACHE), for all starts of
// the image.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';

const folder = mkdtempSync('/tmp/n8n-');
const env = {
	...process.env,
	DB_TYPE: 'sqlite',
	N8N_USER_FOLDER: folder,
	N8N_LISTEN_ADDRESS: '127.0.0.1',
	N8N_PORT: '0', // any: the network is the machine's
	N8N_RUNNERS_BROKER_PORT: '0',
	N8N_RUNNERS_MODE: 'external',
	N8N_RUNNERS_AUTH_TOKEN: 'any',
	N8N_DIAGNOSTICS_ENABLED: 'false',
};

async function run(until, ...words) {
	const child = spawn('n8n', words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
	let said = '';
	child.stdout.on('data', (piece) => {
		process.stdout.write(piece);
		said += piece;
		// A second signal would end it before the code is kept.
		if (until && said.includes(until) && !child.killed) child.kill();
	});
	await new Promise((done) => child.on('exit', done));
	return said;
}

const said = await run('n8n ready on', 'start');
if (!said.includes('n8n ready on')) throw new Error('n8n did not start');
await run('', 'export:credentials', '--all', '--decrypted', '--output=/tmp/any');
for (const path of [folder, '/tmp/n8nDataTableUploads']) rmSync(path, { recursive: true, force: true });
