import { takeDataDir } from '@dialstream/shared/embedded/run-files.js';
import { createSupervisor } from '@dialstream/shared/embedded/supervisor.js';
import { createLog } from '@dialstream/shared/log.js';
import { idlePart } from './idle-parts.js';

/** Supervises an obedient process and a deaf one in the directory given, and waits to be killed. */
const [, , dataDir = ''] = process.argv;
const log = createLog('supervisor', 'silent');
await takeDataDir(dataDir, log);
const supervisor = createSupervisor(log);
await supervisor.add(idlePart(dataDir, 'obedient'));
await supervisor.add(idlePart(dataDir, 'deaf', { deaf: true }));
