// `npm run generate`: writes the files that are made from the schemas and checked in.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bin, exitCode, root } from './prepare.mjs';

if ((await exitCode(bin('tsc'), ['-b', 'server'])) !== 0) process.exit(1);

const { asText, documents } = await import('@dialstream/server/documents/documents.js');
for (const [name, document] of Object.entries(await documents())) {
  await write(`server/documents/${name}`, asText(document));
}
const { sdkTypes } = await import('@dialstream/shared/sdk-types/sdk-types.js');
await write('client-sdk/generated/types.ts', sdkTypes());

async function write(file, text) {
  await mkdir(path.dirname(path.join(root, file)), { recursive: true });
  await writeFile(path.join(root, file), text);
  console.log(file);
}
