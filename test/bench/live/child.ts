import { fork } from 'node:child_process';
import { once } from 'node:events';
import { within } from '@dialstream/shared/embedded/waiting.js';

/** What a child process can be asked, by name. */
export type Answers = Record<string, (input: never) => unknown>;

type Input<Answer> = Answer extends (input: infer One) => unknown ? One : never;
type Output<Answer> = Answer extends (input: never) => infer One ? Awaited<One> : never;

/** A process of a bench, with one thing to do. */
export interface Child<A extends Answers> {
  readonly pid: number;
  /** Throws what the child throws, or when it ends or does not answer within `withinMs`. */
  ask<Name extends keyof A & string>(
    name: Name,
    input: Input<A[Name]>,
    withinMs?: number,
  ): Promise<Output<A[Name]>>;
  /** Ends it at once. */
  kill(): Promise<void>;
}

interface Question {
  id: number;
  name: string;
  input: unknown;
}

type Answered = { id: number; output: unknown } | { id: number; error: string };

const answerMs = 120_000;

async function startChild<A extends Answers>(script: string): Promise<Child<A>> {
  const child = fork(new URL(`${script}.js`, import.meta.url), {
    execArgv: ['--enable-source-maps', '--expose-gc'],
  });
  const asked = new Map<number, (answer: Answered) => void>();
  let questions = 0;
  child.on('message', (answer: Answered) => asked.get(answer.id)?.(answer));
  const exited = once(child, 'exit');
  child.once('exit', () => {
    for (const [id, settle] of asked) settle({ id, error: `${script} has ended` });
  });
  await once(child, 'spawn');
  // A send that fails is told by the exit that follows.
  child.on('error', () => undefined);

  return {
    pid: child.pid ?? 0,
    async ask(name, input, withinMs = answerMs) {
      questions += 1;
      const id = questions;
      const answered = new Promise<Answered>((resolve) => asked.set(id, resolve));
      child.send({ id, name, input } satisfies Question);
      try {
        const answer = await within(withinMs, `${script}: ${name}`, answered);
        if ('error' in answer) throw new Error(`${script}: ${name}: ${answer.error}`);
        return answer.output as never;
      } finally {
        asked.delete(id);
      }
    },
    async kill() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await exited;
    },
  };
}

/** Starts a child, `<script>.js` of this folder, which ends with this process at the latest. */
export type Start = <A extends Answers>(script: string) => Promise<Child<A>>;

/** Runs `work`, and ends all that it has started. */
export async function withChildren<Result>(work: (start: Start) => Promise<Result>): Promise<Result> {
  const started: { kill(): Promise<void> }[] = [];
  try {
    return await work(async <A extends Answers>(script: string) => {
      const child = await startChild<A>(script);
      started.push(child);
      return child;
    });
  } finally {
    for (const child of started) await child.kill();
  }
}

/** In the child: answers what the parent asks, and ends with it. */
export function answerParent(answers: Answers): void {
  process.on('message', ({ id, name, input }: Question) => {
    void answer(answers, name, input).then((output) => process.send?.({ id, ...output }));
  });
  process.once('disconnect', () => process.exit(0));
}

async function answer(answers: Answers, name: string, input: unknown) {
  try {
    return { output: await answers[name]?.(input as never) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

export interface OwnUse {
  /** User and system, so far. */
  cpuSeconds: number;
  /** Resident memory, bytes: now, and at most so far. */
  memory: number;
  memoryAtMost: number;
}

/** What this process has used; with `collect` after its garbage was collected. */
export function ownUse({ collect = false } = {}): OwnUse {
  if (collect) for (let i = 0; i < 3; i += 1) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const memoryAtMost = process.resourceUsage().maxRSS * 1_024;
  return { cpuSeconds: (user + system) / 1e6, memory: process.memoryUsage.rss(), memoryAtMost };
}

/** Microseconds by the machine's monotonic clock: comparable between its processes. */
export function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
